"""What several test files build on. Functions are imported (`from tests.conftest import pack`); pytest finds fixtures.

    corpus_files()                  a small valid corpus as {path: content}, urls files included: change it, then
    write_folder(root, files)       lay it out as a folder, or
    pack(files, archive, "xz")      as a tar archive ("" for a plain one)
    write_params(path, {...})       params.yaml for tiny models; values are YAML as it would be typed
    run_stage(app, *arguments)      one stage's command line, through its real parser
    assert_refused(result, *parts)  it ended in one line on standard error that contains all of parts
    snapshot(folder)                every path under a folder with its bytes, to compare before and after

Fixtures: `corpus` (the corpus as a folder of the test's own), `prepared` (a folder of the test's own with
params.yaml and what the stages before train write), `trained` (the same with model/, curves/ and baseline.csv) and
`website` (a web server on this machine: say what it answers, see what it was asked).
"""

import io
import json
import re
import shutil
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import typer
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from tests.imports import ROOT

REVIEWS_PER_FOLDER = 8
MOVIES_PER_SPLIT = 4  # each with reviews of both labels, so that a part drawn by movie has both

_OPINIONS = {
    "pos": "I loved every minute of it, a wonderful and moving story.",
    "neg": "I hated it, a dull and tiresome story, and I left early.",
    "unsup": "It has a beginning and an end, and people talk in it.",
}
_RATINGS = {"pos": (7, 8, 9, 10), "neg": (1, 2, 3, 4), "unsup": (0,)}

# A line of progress: "Reading ..." where the end is not known, "Encoding: 24 reviews in 0:00", "Factorizing: 0:07".
_UNITS = "reviews|files|batches|bytes|distances|orders|channels|epochs"
_DONE = re.compile(rf"[A-Z][\w /-]*(?: \.\.\.$|: \d+:\d\d(?:  |$)|: [\d,]+ (?:of [\d,]+ )?(?:{_UNITS})\b)")

# What makes a model tiny. A value is YAML as it would be typed, and so a text: one number can be spelled in many ways.
_TINY = {
    "preprocess.test_size": "0.25",
    "preprocess.validation_size": "0.25",
    "preprocess.vocabulary_size": "60",
    "preprocess.max_length": "12",
    "model.embedding_dim": "4",
    "model.lstm_units": "4",
    "model.segment_length": "5",
    "train.batch_size": "8",
    "train.epochs": "1",
}


def corpus_files() -> dict[str, bytes]:
    """Return a valid corpus: 8 reviews in each labelled folder, 8 unlabelled, and the urls file of each."""
    files: dict[str, bytes] = {}
    for folder in ("train/pos", "train/neg", "train/unsup", "test/pos", "test/neg"):
        split, kind = folder.split("/")
        ratings = _RATINGS[kind]
        movies = [f"tt{split}{number % MOVIES_PER_SPLIT}" for number in range(REVIEWS_PER_FOLDER)]
        for number, movie in enumerate(movies):
            text = f"Number {number} of {folder} is about {movie}. {_OPINIONS[kind]}"
            files[f"{folder}/{number}_{ratings[number % len(ratings)]}.txt"] = text.encode()
        urls = "".join(f"http://www.imdb.com/title/{movie}/usercomments\n" for movie in movies)
        files[f"{split}/urls_{kind}.txt"] = urls.encode()
    return files


def write_folder(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write `files` under `root`, and return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def pack(files: Mapping[str, bytes], archive: Path, compression: str = "gz", prefix: str = "aclImdb/") -> Path:
    """Write `files`, in their order, to a tar of `compression` ("", "gz", "bz2" or "xz"), and return its path."""
    with tarfile.open(archive, f"w:{compression}") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive


def params_text(changes: Mapping[str, str] | None = None) -> str:
    """Return the project's own params.yaml for tiny models, with `{"train.epochs": "2"}` changed or added."""
    own = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    # JSON is YAML, too.
    sections = {section: {key: json.dumps(value) for key, value in keys.items()} for section, keys in own.items()}
    for name, value in (_TINY | dict(changes or {})).items():
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = value
    lines = []
    for section, keys in sections.items():
        lines += [f"{section}:", *(f"  {key}: {value}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def write_params(path: Path, changes: Mapping[str, str] | None = None) -> Path:
    """Write `params_text(changes)` to `path`, and return it."""
    path.write_text(params_text(changes), encoding="utf-8")
    return path


def run_stage(app: typer.Typer, *arguments: object) -> Result:
    """Run a stage as `python -m stages.X ARGUMENTS` would, in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def assert_refused(result: Result, *parts: str, code: int = 1) -> None:
    """Check that the stage ended in exactly one line on standard error, with all of `parts` in it, and with `code`.

    The lines that say what was done before do not count.
    """
    lines = [line for line in result.stderr.splitlines() if not _DONE.match(line)]
    assert result.exit_code == code, (result.exit_code, result.stderr, result.exception)
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    for part in parts:
        assert part in lines[0]


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Return every path under `folder` with its bytes, or None for a folder, hidden ones included."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="session", autouse=True)
def _away_from_the_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run every test where there is no DVC repository, which dvclive would open, and leave open."""
    with chdir(tmp_path_factory.mktemp("empty")):
        yield


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "corpus", corpus_files())


@pytest.fixture(scope="session")
def _prepared_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from stages import embed, ingest, polarity, preprocess

    folder = tmp_path_factory.mktemp("prepared")
    source = write_folder(tmp_path_factory.mktemp("corpus"), corpus_files())
    write_params(folder / "params.yaml")
    reviews = folder / "reviews.parquet"
    outputs = (folder / "sequences.npz", folder / "vocabulary.json")
    assert run_stage(ingest.app, source, reviews, folder / "data.json").exit_code == 0
    params = ("--params", folder / "params.yaml")
    assert run_stage(preprocess.app, reviews, *outputs, *params).exit_code == 0
    assert run_stage(embed.app, reviews, *outputs, folder / "embeddings.npz", *params).exit_code == 0
    learnt = (folder / "polarity.npz", folder / "channels.npz")
    assert run_stage(polarity.app, reviews, *outputs, *learnt, *params).exit_code == 0
    return folder


@pytest.fixture(scope="session")
def _trained_once(_prepared_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from stages import baseline, train

    folder = tmp_path_factory.mktemp("trained") / "all"
    shutil.copytree(_prepared_once, folder)
    names = ("sequences.npz", "vocabulary.json", "embeddings.npz", "channels.npz", "model", "curves")
    result = run_stage(train.app, *(folder / name for name in names), "--params", folder / "params.yaml")
    assert result.exit_code == 0, result.stderr
    names = ("reviews.parquet", "sequences.npz", "baseline.json", "baseline_behaviour.json", "baseline.csv")
    assert run_stage(baseline.app, *(folder / name for name in names)).exit_code == 0
    return folder


@pytest.fixture
def prepared(_prepared_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_prepared_once, tmp_path / "prepared"))


@pytest.fixture
def trained(_trained_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_trained_once, tmp_path / "trained"))


@pytest.fixture(scope="session")
def exported_once(_trained_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.refusal import run_behaviour, run_evaluate, run_export

    folder = tmp_path_factory.mktemp("exported") / "all"
    shutil.copytree(_trained_once, folder)
    for stage in (run_evaluate, run_behaviour, run_export):
        result = stage(folder)
        assert result.exit_code == 0, result.stderr
    return folder


@pytest.fixture
def exported(exported_once: Path, tmp_path: Path) -> Path:
    """Every stage's outputs in one folder: what export wrote, and what prediction needs, is its `exported`."""
    return Path(shutil.copytree(exported_once, tmp_path / "all"))


@dataclass
class Website:
    """`answers["/name"]` is a status, a body, and how long the server says that the body is."""

    address: str
    answers: dict[str, tuple[int, bytes, int]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def serve(self, name: str, body: bytes, status: int = 200, claimed: int | None = None) -> str:
        """Answer for `/name` with `body`, and return the address of it."""
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
            """Say nothing: what a stage writes to standard error is compared."""

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
