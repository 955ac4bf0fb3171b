"""Running the server: its socket, its workers, and its end on a signal."""

import json
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from uvicorn.supervisors import Multiprocess

from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.serving.protocol import TimedProtocol
from imdb_sentiment.serving.settings import (
    COUNTS_VARIABLE,
    SETTINGS_VARIABLE,
    Settings,
    check_address,
    is_loopback,
    read_token,
)

_MOST_CONNECTIONS = 500  # below the usual limit of open files, 1,024
_BACKLOG = 512
# Without a token, a page elsewhere must not reach the server by a name of its own that leads to this machine.
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


def run_server(settings: Settings, print_line: Callable[[str], None]) -> None:
    """Answer requests until SIGTERM or Ctrl-C; then answer those in hand, and return. Raises PipelineError."""
    token = read_token()
    check_address(settings.host, token)
    with _listening(settings) as listener, tempfile.TemporaryDirectory(prefix="imdb-sentiment-") as folder:
        jobs = Path(folder) / "jobs"
        jobs.mkdir()
        hosts = settings.hosts or (_LOCAL_NAMES if is_loopback(settings.host) and token is None else ())
        settings = replace(settings, jobs=jobs, hosts=hosts)
        with _quiet_end():
            if settings.workers == 1:
                _run_alone(settings, token, listener, print_line)
            else:
                _run_workers(settings, Path(folder), listener, print_line)


def _run_alone(settings: Settings, token: str | None, listener: socket.socket, say: Callable[[str], None]) -> None:
    from imdb_sentiment.prediction.predictor import SentimentModel
    from imdb_sentiment.serving.application import create_app

    app = create_app(settings, SentimentModel.load(settings.model), token)
    say(_address(listener))
    uvicorn.Server(_config(settings, app)).run(sockets=[listener])


def _run_workers(settings: Settings, folder: Path, listener: socket.socket, say: Callable[[str], None]) -> None:
    from imdb_sentiment.prediction.model_folder import read_settings

    read_settings(settings.model)  # what is wrong with the model is said once, here
    counts = folder / "counts"
    counts.mkdir()
    os.environ[COUNTS_VARIABLE] = str(counts)
    os.environ[SETTINGS_VARIABLE] = json.dumps(settings.as_json())
    config = _config(settings, "imdb_sentiment.serving.application:create_worker_app")
    say(_address(listener))
    Multiprocess(config, sockets=[listener]).run()


def _config(settings: Settings, app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        factory=isinstance(app, str),
        workers=settings.workers,
        http=TimedProtocol,
        ws="none",
        lifespan="on",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        backlog=_BACKLOG,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=settings.grace,
    )


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host.strip("[]"), settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        where = f"--host {settings.host} --port {settings.port}"
        raise InputError(f"{where}: found no such address free ({error.strerror or error}); expected one") from error
    with listener:
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


@contextmanager
def _quiet_end() -> Iterator[None]:
    """Make SIGTERM and SIGINT an ordinary end: uvicorn raises them again once it has ended."""
    before = {number: signal.signal(number, _do_nothing) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _do_nothing(*_: object) -> None:
    pass
