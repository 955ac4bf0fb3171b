"""The command `imdb-sentiment serve` as a process: its start, its end, workers, and clients that do not behave."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx
import pytest
import uvicorn

from imdb_sentiment import SentimentModel
from imdb_sentiment.serving.application import create_app
from imdb_sentiment.serving.protocol import TimedProtocol
from imdb_sentiment.serving.settings import Settings
from tests.commands import Run
from tests.servers import TOKEN, running_server, wait_until_ready
from tests.stage_runs import assert_refused

JSON = b"Host: a\r\nContent-Type: application/json\r\n"
TABLE = b"Host: a\r\nContent-Type: application/octet-stream\r\n"
GOOD = "I loved every minute of it."


@pytest.fixture
def model(exported_once: Path) -> Path:
    return exported_once / "data/model"


def test_public_address_needs_a_token(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMDB_SENTIMENT_TOKEN", raising=False)
    for host in ("0.0.0.0", "::", "192.0.2.1", "films.example"):  # noqa: S104  # refused
        assert_refused(run("serve", "--host", host), f"--host {host}: found an address that other machines can reach")
    monkeypatch.setenv("IMDB_SENTIMENT_TOKEN", "short")
    assert_refused(run("serve", "--host", "0.0.0.0"), "IMDB_SENTIMENT_TOKEN: found 5 characters")  # noqa: S104


def test_taken_port_and_missing_model_are_one_line(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_refused(run("serve", "--port", port), f"--host 127.0.0.1 --port {port}: found no such address free")
    for workers in (1, 2):
        refused = run("serve", "--port", 0, "--workers", workers, "--model", tmp_path / "none")
        assert_refused(refused, "none: found no such folder")


def test_signal_ends_it_after_the_requests_in_hand(model: Path) -> None:
    with running_server(model) as server, ThreadPoolExecutor() as pool:
        texts = ["a good film and a bad one " * 60] * 900
        long = pool.submit(server.post, "/v1/predict", json={"texts": texts})
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        assert len(long.result().json()["predictions"]) == 900
        assert server.process.wait(60) == 0
        lines = [json.loads(line) for line in server.log().splitlines()]
        assert [line["status"] for line in lines if line["path"] == "/v1/predict"] == [200]
        with pytest.raises(httpx.ConnectError):
            server.get("/healthz")


def test_signal_ends_the_work_on_a_table(model: Path) -> None:
    with running_server(model) as server:
        rows = b"review\n" + b"a good film and a bad one, and one more of them\n" * 200_000
        headers = {"Content-Type": "application/octet-stream"}
        assert server.post("/v1/tables?name=t.csv", content=rows, headers=headers).status_code == 202
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 15


def test_worker_that_is_killed_is_replaced(model: Path) -> None:
    with running_server(model, "--workers", 2, IMDB_SENTIMENT_TOKEN=TOKEN) as server:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        if not children.exists():
            pytest.skip("this system does not tell the children of a process")
        workers = [int(child) for child in children.read_text().split()]
        server.post("/v1/predict", json={"text": GOOD}, headers=headers)
        os.kill(workers[-1], signal.SIGKILL)
        for _ in range(20):  # the other one answers, and what came to the killed one is tried again by its client
            assert ask_again(server.address, headers) == 200
        for _ in range(200):
            if len(new := set(children.read_text().split()) - set(map(str, workers))) == 1:
                break
            time.sleep(0.1)
        assert len(new) == 1
        wait_until_ready(server)
        assert "imdb_sentiment_texts_total" in server.get("/metrics", headers=headers).text
        assert server.stop() == 0


def ask_again(address: str, headers: dict[str, str]) -> int:
    for _ in range(5):
        try:
            url = f"{address}v1/predict"
            return httpx.post(url, json={"text": GOOD}, headers=headers, timeout=60, trust_env=False).status_code
        except httpx.TransportError:
            continue
    return 0


@pytest.fixture
def impatient(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server in this process that waits for half a second only."""
    monkeypatch.setattr(TimedProtocol, "head_time", 0.5)
    (tmp_path / "jobs").mkdir()
    settings = Settings(model=model, jobs=tmp_path / "jobs", body_time=0.5, table_time=0.5)
    app = create_app(settings, SentimentModel.load(model), None)
    config = uvicorn.Config(app, http=TimedProtocol, log_level="error", access_log=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),  # a connection that says nothing
        (b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nX-Slow", b""),  # a head that never ends
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /he", b"200"),  # the second one never ends
        (b"POST /v1/predict HTTP/1.1\r\n" + JSON + b"Content-Length: 99\r\n\r\n{", b"408"),
        (b"POST /v1/tables?name=a.csv HTTP/1.1\r\n" + TABLE + b"Content-Length: 99\r\n\r\nreview", b"408"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),  # TLS
    ],
)
def test_slow_and_half_open_connections_are_closed(impatient: int, sent: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", impatient), timeout=10) as client:
        client.sendall(sent)
        received = b""
        while block := client.recv(65536):  # until the server closes it
            received += block
    assert received.partition(b"\r\n")[0].split(b" ")[1:2] == ([status] if status else [])
    assert httpx.get(f"http://127.0.0.1:{impatient}/healthz", trust_env=False).status_code == 200


def test_head_without_end_is_refused(impatient: int) -> None:
    with socket.create_connection(("127.0.0.1", impatient), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * 66_000)
        assert client.recv(65536).startswith(b"HTTP/1.1 400")


def test_client_that_goes_away_harms_nobody(impatient: int) -> None:
    body = json.dumps({"texts": ["a good film and a bad one " * 30] * 200}).encode()
    head = b"POST /v1/predict HTTP/1.1\r\n" + JSON + f"Content-Length: {len(body)}\r\n\r\n".encode()
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", impatient), timeout=10) as client:
            client.sendall(head + body)
    answer = httpx.post(f"http://127.0.0.1:{impatient}/v1/predict", json={"text": GOOD}, timeout=60, trust_env=False)
    assert answer.status_code == 200
