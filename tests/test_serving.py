"""The HTTP API for single texts: answers, limits, errors, and what stands before the routes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from imdb_sentiment import SentimentModel
from imdb_sentiment.prediction.explanation import explain
from imdb_sentiment.serving import application
from tests.servers import TOKEN, client_of

TEXTS = ["I loved every minute of it.", "A dull plot, and the acting is wooden.", "Фильм", "Great <b>fun</b>!"]


@pytest.fixture
def model(exported_once: Path) -> Path:
    return exported_once / "data/model"


@pytest.fixture
def client(model: Path, tmp_path: Path) -> Iterator[TestClient]:
    with client_of(model, tmp_path, most_texts=50, most_characters=1000, body_bytes=100_000) as client:
        yield client


def assert_problem(response: Any, status: int, detail: str, field: str | None = None) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert detail in problem["detail"]
    if field is not None:
        assert problem["errors"][0]["field"] == field


def test_predictions_are_those_of_the_model_in_order(client: TestClient, model: Path) -> None:
    expected = SentimentModel.load(model).predict(TEXTS).probabilities
    answers = client.post("/v1/predict", json={"texts": TEXTS}).json()["predictions"]
    for answer, probability in zip(answers, expected, strict=True):
        if answer["label"] != "unknown":
            assert answer["probability"] == pytest.approx(probability, abs=1e-5)
            assert answer["label"] == ("positive" if probability >= 0.5 else "negative")
    assert (answers[2]["label"], answers[2]["probability"]) == ("unknown", None)
    alone = client.post("/v1/predict", json={"text": TEXTS[0]}).json()["predictions"]
    assert alone == [{**answers[0], "probability": pytest.approx(answers[0]["probability"], abs=1e-5)}]
    assert client.post("/v1/predict", json={"texts": []}).json() == {"predictions": []}


def test_explanation_is_that_of_the_command(client: TestClient, model: Path) -> None:
    text = "A wonderful film by zorblax 🎻 masters."
    found = client.post("/v1/explain", json={"text": text}).json()
    expected = explain(SentimentModel.load(model), text)
    words = [expected.text[word["start"] : word["end"]] for word in found["words"]]
    assert found["probability"] == pytest.approx(expected.probability, abs=1e-5)
    assert "zorblax" in words
    assert not found["words"][words.index("zorblax")]["known"]
    assert [word["contribution"] for word in found["words"]] == pytest.approx(
        [word.contribution for word in expected.words], abs=1e-3
    )
    assert found["short"]
    assert not client.post("/v1/explain", json={"text": "a good film " * 20}).json()["short"]


@pytest.mark.parametrize(
    ("body", "status", "field", "detail"),
    [
        ('{"texts": ["fine", "a\\u0000b"]}', 422, "texts[1]", "found a NUL byte"),
        ('{"text": ""}', 422, "text", "found an empty text"),
        ('{"text": "\\ud800"}', 422, "text", "half a surrogate pair"),
        ('{"text": 3}', 422, "text", "valid string"),
        ('{"texts": ["a", null]}', 422, "texts[1]", "valid string"),
        ('{"texts": "abc"}', 422, "texts", "valid list"),
        ('{"text": "a", "texts": ["a"]}', 422, "text", "found both"),
        ("{}", 422, "text", "found neither"),
        ('{"text": "a", "labels": 1}', 422, "labels", "Extra inputs"),
        ("[]", 422, "body", "valid dictionary"),
        ("", 422, "body", "Field required"),
        ('{"text": "a"', 400, None, "what is not JSON"),
        ("[" * 50_000, 400, None, ""),
        ("9" * 5_000, 400, None, ""),
        (b"\xff\xfe{", 400, None, ""),
        (json.dumps({"texts": ["a"] * 51}), 422, "texts", "51 texts; expected at most 50"),
        (json.dumps({"text": "a" * 1001}), 422, "text", "1,001 characters; expected at most 1,000"),
        (json.dumps({"texts": ["a" * 999] * 200}), 413, None, "more than 100,000 bytes"),
    ],
)
def test_bad_body_is_a_problem_that_names_the_field(
    client: TestClient, body: str, status: int, field: str | None, detail: str
) -> None:
    answer = client.post("/v1/predict", content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, status, detail, field)
    assert client.post("/v1/predict", json={"text": "Still alive."}).status_code == 200


def test_body_without_length_is_measured_as_it_comes(client: TestClient) -> None:
    blocks = (b" " * 10_000 for _ in range(20))
    answer = client.post("/v1/predict", content=blocks, headers={"Content-Type": "application/json"})
    assert_problem(answer, 413, "more than 100,000 bytes")


def test_other_content_type_is_refused(client: TestClient) -> None:
    # A page elsewhere may send this type without being asked first.
    answer = client.post("/v1/predict", content='{"text": "a"}', headers={"Content-Type": "text/plain"})
    assert_problem(answer, 422, "body")


def test_errors_do_not_repeat_the_text_and_the_log_has_none(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in ({"text": "secret words"}, {"text": ["secret words"]}, {"text": "secret words \0"}):
        answer = client.post("/v1/predict?secret=words", json=content)
        assert "secret" not in answer.text
    client.get("/secret/words")
    logged = capsys.readouterr().err
    assert "secret" not in logged
    lines = [json.loads(line) for line in logged.splitlines()]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", "/v1/predict", 200),
        ("POST", "/v1/predict", 422),
        ("POST", "/v1/predict", 422),
        ("GET", "other", 404),
    ]
    assert set(lines[0]) == {"time", "method", "path", "status", "bytes", "ms"}


def test_token_guards_the_api_and_the_counts(model: Path, tmp_path: Path) -> None:
    with client_of(model, tmp_path, token=TOKEN) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Bearer é"}):
            raw = [(name.encode(), value.encode()) for name, value in headers.items()]
            answer = client.post("/v1/predict", json={"text": "Good."}, headers=raw)
            assert_problem(answer, 401, "found no valid token")
            assert answer.headers["www-authenticate"] == "Bearer"
        assert client.get("/metrics").status_code == 401
        assert client.get("/v1/model").status_code == 401
        for path in ("/healthz", "/readyz", "/", "/docs", "/openapi.json"):
            assert client.get(path).status_code == 200
        allowed = {"Authorization": f"Bearer {TOKEN}"}
        assert client.post("/v1/predict", json={"text": "Good."}, headers=allowed).status_code == 200


def test_only_the_named_hosts_are_answered(model: Path, tmp_path: Path) -> None:
    with client_of(model, tmp_path, hosts=("localhost", "[::1]")) as client:
        for host in ("localhost", "localhost:8000", "[::1]:8000", "[::1]", "LOCALHOST:1"):
            assert client.get("/v1/model", headers={"Host": host}).status_code == 200
        assert_problem(client.get("/v1/model", headers={"Host": "evil.example:8000"}), 421, "another host's name")


def test_every_answer_has_headers_that_keep_a_browser_here(client: TestClient) -> None:
    for answer in (client.get("/"), client.get("/nothing"), client.post("/v1/predict", content=b"x" * 200_000)):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in answer.headers


def test_origins_are_allowed_only_if_asked_for(model: Path, tmp_path: Path) -> None:
    asks = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    with client_of(model, tmp_path, origins=("https://a.example",), token=TOKEN) as client:
        assert client.options("/v1/predict", headers=asks).headers["access-control-allow-origin"] == asks["Origin"]
        refused = client.get("/v1/model", headers={"Origin": "https://a.example"})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, asks["Origin"])
        other = client.options("/v1/predict", headers={**asks, "Origin": "https://b.example"})
        assert "access-control-allow-origin" not in other.headers


def test_page_and_api_page_name_no_other_host(client: TestClient) -> None:
    folder = Path(application.__file__).with_name("page")
    names = {path.name for path in folder.iterdir()}
    served = {"/": "index.html", "/docs": "docs.html", **{f"/{name}": name for name in names if ".html" not in name}}
    assert set(served.values()) == names
    for path, name in served.items():
        answer = client.get(path)
        assert answer.content == (folder / name).read_bytes()
        assert set(re.findall(r"https?://[^\"' ]+", answer.text)) <= {"http://www.w3.org/2000/svg"}
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(|\bon\w+=\"", answer.text)


def test_description_covers_every_route_and_its_problems(client: TestClient) -> None:
    api = client.get("/openapi.json").json()
    assert {"/v1/predict", "/v1/explain", "/v1/model", "/v1/tables", "/healthz", "/readyz", "/metrics"} <= set(
        api["paths"]
    )
    assert "HTTPValidationError" not in api["components"]["schemas"]
    described = client.get("/v1/model").json()
    assert described["limits"]["texts"] == 50
    assert re.fullmatch("[0-9a-f]{64}", described["checksum"])


def test_metrics_count_requests_and_texts(client: TestClient) -> None:
    client.post("/v1/predict", json={"texts": TEXTS})
    client.post("/v1/predict", json={"text": ""})
    client.request("BREW", "/etc/passwd")
    counts = client.get("/metrics").text
    assert 'imdb_sentiment_requests_total{method="POST",path="/v1/predict",status="200"} 1.0' in counts
    assert 'imdb_sentiment_requests_total{method="POST",path="/v1/predict",status="422"} 1.0' in counts
    assert 'imdb_sentiment_requests_total{method="other",path="other",status="404"} 1.0' in counts
    assert f"imdb_sentiment_texts_total {len(TEXTS)}.0" in counts
    assert "imdb_sentiment_batch_texts_count 1.0" in counts
