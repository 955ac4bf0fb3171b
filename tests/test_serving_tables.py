"""Tables sent to the server: the same answers as the command's, progress, limits, and files that mean harm."""

import bz2
import gzip
import io
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from imdb_sentiment.serving import table_jobs
from tests.commands import Run
from tests.servers import client_of
from tests.table_files import read_table

SCRIPT = "<script>alert(1)</script>"
CSV = f'id,review,{SCRIPT}\n1,"Warm and funny, and I laughed.",x\n2,,y\n3,"{SCRIPT} a dull plot",z\n'.encode()


@pytest.fixture
def client(exported_once: Path, tmp_path: Path) -> Iterator[TestClient]:
    with client_of(exported_once / "data/model", tmp_path, table_bytes=2_000_000, table_rows=1000) as client:
        yield client


def send(client: TestClient, name: str, content: bytes, **query: str) -> Any:
    headers = {"Content-Type": "application/octet-stream"}
    return client.post("/v1/tables", params={"name": name, **query}, content=content, headers=headers)


def finished(client: TestClient, name: str, content: bytes, **query: str) -> Any:
    """Send a table, and return its last state."""
    answer = send(client, name, content, **query)
    assert answer.status_code == 202, answer.text
    for _ in range(600):
        state = client.get(answer.headers["location"]).json()
        if state["state"] in ("done", "failed"):
            return state
        time.sleep(0.05)
    raise AssertionError(state)


def result(client: TestClient, state: Any) -> Any:
    return client.get(f"/v1/tables/{state['id']}/result")


def as_parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"review": ["Warm and funny.", None, "A dull plot."], "n": [1, 2, 3]}), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("reviews.csv", CSV),
        ("reviews.tsv", b"review\tn\nWarm and funny.\t1\n\t2\nA dull plot.\t3\n"),
        (
            "reviews.jsonl",
            b'{"review": "Funny.", "n": 1}\n{"review": null, "n": 2}\n{"review": "Dull.", "n": 3}\n',
        ),
        ("reviews.parquet", as_parquet()),
        ("reviews.csv.gz", gzip.compress(CSV, mtime=0)),
    ],
)
def test_table_comes_back_as_the_command_writes_it(
    client: TestClient, run: Run, tmp_path: Path, name: str, content: bytes
) -> None:
    state = finished(client, name, content)
    suffix = "." + name.split(".")[1]
    assert (state["state"], state["rows"], state["bad_rows"], state["share"]) == ("done", 3, 1, 1.0)
    assert state["output"] == f"reviews_labelled{suffix}"
    assert sum(state["labels"].values()) == sum(state["bins"]) == 2
    assert [row["label"] for row in state["preview"]].count(None) == 1
    (tmp_path / name).write_bytes(content)
    assert run("predict", tmp_path / name, "--output", tmp_path / f"expected{suffix}", "--keep-bad-rows").exit_code == 0
    answer = result(client, state)
    assert f'filename="reviews_labelled{suffix}"' in answer.headers["content-disposition"]
    assert answer.headers["content-type"] == "application/octet-stream"
    (tmp_path / f"found{suffix}").write_bytes(answer.content)
    assert read_table(tmp_path / f"found{suffix}") == read_table(tmp_path / f"expected{suffix}")


def test_column_can_be_named(client: TestClient) -> None:
    content = b"a,b\nWarm and funny.,Dull.\n"
    assert "--text-column" in finished(client, "t.csv", content)["detail"]
    assert finished(client, "t.csv", content, text_column="b")["preview"][0]["text"] == "Dull."


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", b"review\n" + b"a" * 50_000_000)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "detail"),
    [
        ("t.csv.gz", gzip.compress(b"review\n" + b"good film\n" * 5_000_000, mtime=0), "unfold to more than"),
        ("t.zip", zipped(), "found a zip file"),
        ("t.csv.bz2", bz2.compress(CSV), "found a bzip2 file"),
        ("t.parquet.gz", gzip.compress(as_parquet(), mtime=0), "expected .parquet"),
        ("t.csv.gz", gzip.compress(CSV, mtime=0)[:-20], "damaged"),
        ("t.parquet", b"PAR1" + b"\0" * 100 + b"PAR1", "cannot be read"),
        ("t.csv", b"review\n" + b"good film\n" * 1001, "more than 1,000 rows"),
        ("t.csv", b"review,probability\nfine,0.5\n", "found a column probability"),
        ("t.exe", b"MZ", "no format of tables in its name"),
        (f"{SCRIPT}.csv", b"a,b\n1,2\n", "expected"),
    ],
)
def test_table_that_cannot_be_classified_fails_and_says_why(
    client: TestClient, tmp_path: Path, name: str, content: bytes, detail: str
) -> None:
    state = finished(client, name, content)
    assert state["state"] == "failed"
    assert detail in state["detail"]
    assert str(tmp_path) not in state["detail"]
    assert result(client, state).status_code == 409
    assert finished(client, "fine.csv", CSV)["state"] == "done"


def test_upload_is_limited_and_must_be_sent_as_a_file(client: TestClient) -> None:
    assert send(client, "t.csv", b"x" * 2_000_001).status_code == 413
    assert client.post("/v1/tables?name=t.csv", content=CSV, headers={"Content-Type": "text/plain"}).status_code == 415
    assert send(client, "t.csv", b"").status_code == 422
    assert send(client, "", CSV).status_code == 422
    assert client.post("/v1/tables", content=CSV).json()["errors"][0]["field"] == "name"


def test_name_has_no_power_over_paths(client: TestClient, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    state = finished(client, "../../etc/\x00pass\nwd.csv", CSV)
    assert (state["state"], state["name"]) == ("done", "_pass_wd.csv")
    assert set(tmp_path.iterdir()) == before
    for job in ("..", "%2e%2e", "a" * 22, "..%2f..%2fetc%2fpasswd"):
        assert client.get(f"/v1/tables/{job}").status_code == 404
        assert client.delete(f"/v1/tables/{job}").status_code in (404, 405)


def test_removed_and_old_tables_leave_nothing(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = finished(client, "t.csv", CSV)
    assert sorted(path.name for path in (tmp_path / "jobs" / state["id"]).iterdir()) == ["result", "state.json"]
    assert client.delete(f"/v1/tables/{state['id']}").status_code == 204
    assert result(client, state).status_code == 404
    assert list((tmp_path / "jobs").iterdir()) == []
    old = finished(client, "t.csv", CSV)
    monkeypatch.setattr(table_jobs, "_KEPT", -1)
    finished(client, "t.csv", CSV)
    assert client.get(f"/v1/tables/{old['id']}").status_code == 404


def test_table_that_is_removed_ends_its_work(client: TestClient) -> None:
    answer = send(client, "long.csv", b"review\n" + b"a good film and a bad one\n" * 900)
    assert client.delete(answer.headers["location"]).status_code == 204
    assert finished(client, "t.csv", CSV)["state"] == "done"
    assert client.get(answer.headers["location"]).status_code == 404


def test_table_is_removed_while_its_worker_writes(client: TestClient, tmp_path: Path) -> None:
    jobs: table_jobs.TableJobs = client.app.state.service.jobs  # type: ignore[attr-defined]  # FastAPI's, as ASGI

    def write_until_removed(folder: Path) -> None:
        while folder.exists():
            for number in range(100):
                try:
                    (folder / f"{number}.partial").write_text("{}")
                except FileNotFoundError:
                    return

    with ThreadPoolExecutor(1) as pool:
        for _ in range(20):
            folder = jobs.create("a.csv")
            writing = pool.submit(write_until_removed, folder)
            while not list(folder.glob("9?.partial")):
                time.sleep(0.001)
            jobs.remove(folder.name)
            is_gone = not any((tmp_path / "jobs").iterdir())
            folder.rename(tmp_path / "left") if folder.exists() else None
            writing.result(timeout=10)
            assert is_gone
