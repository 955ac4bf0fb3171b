"""Running `imdb-sentiment serve`: as a process with its own port, or its application in this process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import httpx2 as httpx
from fastapi.testclient import TestClient

from imdb_sentiment import SentimentModel
from imdb_sentiment.serving.application import create_app
from imdb_sentiment.serving.settings import Settings

TOKEN = "a-token-for-the-tests-0123456789"  # noqa: S105  # no secret


@dataclass
class Server:
    """A process that answers: its address, and what it has written to standard error."""

    process: "subprocess.Popen[str]"
    address: str
    errors: IO[bytes]

    @property
    def port(self) -> int:
        return int(self.address.rstrip("/").rpartition(":")[2])

    def post(self, path: str, **options: Any) -> httpx.Response:
        return httpx.post(self.address.rstrip("/") + path, timeout=60, trust_env=False, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.address.rstrip("/") + path, timeout=60, trust_env=False, **options)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def log(self) -> str:
        self.errors.seek(0)
        return self.errors.read().decode()


@contextmanager
def running_server(model: Path, *options: object, **environment: str) -> Iterator[Server]:
    """Start the command on a free port, and end it with the block."""
    script = "from imdb_sentiment.app.commands import app; app()"
    command = [sys.executable, "-c", script, "serve", "--port", "0", "--model", str(model), *map(str, options)]
    with TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8", env={**os.environ, **environment}
        )
        assert process.stdout is not None
        server = Server(process, process.stdout.readline().strip(), errors)
        try:
            assert server.address, server.log()
            wait_until_ready(server)
            yield server
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)
            process.stdout.close()


def wait_until_ready(server: Server, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if server.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(server.log())


@contextmanager
def client_of(model: Path, folder: Path, token: str | None = None, **settings: Any) -> Iterator[TestClient]:
    """Yield a client of the application, which works as in a server, without a socket."""
    jobs = folder / "jobs"
    jobs.mkdir()
    app = create_app(Settings(model=model, jobs=jobs, **settings), SentimentModel.load(model), token)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client
