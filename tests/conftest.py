"""Fixtures: a corpus, workspaces in which stages have run, and a web server.

`prepared` is a workspace in which the stages before train have run, `trained` one with train and baseline too,
`exported` one in which every stage has run but report. Each test gets a copy of its own.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import settings
from typer.testing import CliRunner, Result

from imdb_sentiment import SentimentModel
from imdb_sentiment.app.commands import app
from tests.commands import Run
from tests.factories import corpus_files, write_folder, write_params
from tests.stage_runs import run_stages

settings.load_profile("ci")  # Hypothesis's own: the same examples in each run, no limit of time


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the file that takes longest: of two processes, none waits for it at the end."""
    items.sort(key=lambda item: item.path.name != "test_pipeline.py")


@pytest.fixture(scope="session", autouse=True)
def _away_from_the_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run every test in an empty folder, so that none reads or writes the project's own files by a relative path."""
    with chdir(tmp_path_factory.mktemp("empty")):
        yield


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "corpus", corpus_files())


@pytest.fixture(scope="session")
def prepared_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One workspace for all tests: do not change it."""
    workspace = tmp_path_factory.mktemp("prepared")
    source = write_folder(tmp_path_factory.mktemp("corpus"), corpus_files())
    write_params(workspace / "params.yaml", {"data.source": str(source)})
    run_stages(workspace, "ingest", "preprocess", "embed", "polarity")
    return workspace


@pytest.fixture(scope="session")
def trained_once(prepared_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One workspace for all tests: do not change it."""
    workspace = tmp_path_factory.mktemp("trained") / "workspace"
    shutil.copytree(prepared_once, workspace)
    run_stages(workspace, "train", "baseline")
    return workspace


@pytest.fixture(scope="session")
def exported_once(trained_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One workspace for all tests: do not change it."""
    workspace = tmp_path_factory.mktemp("exported") / "workspace"
    shutil.copytree(trained_once, workspace)
    run_stages(workspace, "evaluate", "export", "behaviour")
    return workspace


@pytest.fixture
def prepared(prepared_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared_once, tmp_path / "workspace"))


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_once, tmp_path / "workspace"))


@pytest.fixture
def exported(exported_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported_once, tmp_path / "workspace"))


@dataclass
class Website:
    """`answers["/name"]` is a status, a body, and the length that the server claims for it."""

    address: str
    answers: dict[str, tuple[int, bytes, int]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def serve(self, name: str, body: bytes, status: int = 200, claimed: int | None = None) -> str:
        """Answer for `/name` with `body`, and return its address."""
        self.answers[f"/{name}"] = (status, body, len(body) if claimed is None else claimed)
        return f"{self.address}/{name}"


@pytest.fixture
def website(monkeypatch: pytest.MonkeyPatch) -> Iterator[Website]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(self.path)
            status, body, length = site.answers.get(self.path, (404, b"", 0))
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing: what a stage writes to standard error is compared."""

    # A proxy that the machine is set to use does not know this server.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Website(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        server.shutdown()
        thread.join()


@pytest.fixture
def run(exported_once: Path) -> Run:
    def invoke(*arguments: object, stdin: bytes | str = b"") -> Result:
        texts = [str(argument) for argument in arguments]
        environment = {"IMDB_SENTIMENT_MODEL": str(exported_once / "data/model"), "COLUMNS": "200", "TERM": "dumb"}
        return CliRunner().invoke(app, texts, input=stdin, env=environment)

    return invoke


@pytest.fixture
def probability(exported_once: Path) -> Callable[[str], float]:
    model = SentimentModel.load(exported_once / "data/model")
    return lambda text: float(model.predict([text]).probabilities[0])
