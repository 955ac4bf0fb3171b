"""What every command shares: errors in one line, progress, and help that answers at once."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path

import pytest
import typer

from imdb_sentiment import errors
from imdb_sentiment.cli import command_app, console_progress, import_keras_quietly, print_metrics
from imdb_sentiment.progress import no_progress, track
from tests.conftest import run_stage
from tests.imports import ROOT

STAGES = sorted(path.stem for path in (ROOT / "stages").glob("[!_]*.py"))
HEAVY = {"dvclive", "keras", "pandas", "pyarrow", "sklearn", "tensorflow"}
KINDS = [
    errors.ParamsError,
    errors.SourceError,
    errors.DownloadError,
    errors.TrainingError,
    lambda message: errors.OutputError(Path("file"), message),
    lambda message: errors.ArtifactError(Path("file"), message, "more"),
]


def app_that_raises(error: BaseException) -> typer.Typer:
    def command() -> None:
        raise error

    return command_app(command)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_that_the_user_can_mend_is_one_line(kind: Callable[[str], errors.PipelineError]) -> None:
    error = kind("key: found 3;\n  expected 4\r\n")
    result = run_stage(app_that_raises(error))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == f"error: {' '.join(str(error).split())}\n"
    assert "key: found 3; expected 4" in result.stderr


def test_ctrl_c_is_one_line_and_the_exit_code_that_shells_use() -> None:
    result = run_stage(app_that_raises(KeyboardInterrupt()))
    assert result.exit_code == 130
    assert result.stderr == "error: interrupted; nothing is half-written\n"


def test_a_bug_keeps_its_traceback() -> None:
    script = "from imdb_sentiment.cli import command_app\ndef command() -> None:\n    1 / 0\ncommand_app(command)()\n"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert result.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "error: " not in result.stderr.lower().replace("zerodivisionerror: ", "")


def test_a_command_that_ends_well_exits_with_0() -> None:
    def command() -> None:
        typer.echo("done")

    result = run_stage(command_app(command))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "done\n", "")


@pytest.mark.parametrize("stage", STAGES)
def test_help_names_the_arguments_and_loads_nothing_heavy(stage: str) -> None:
    # Each import is named on standard error: a time would measure the machine instead.
    command = [sys.executable, "-X", "importtime", "-m", f"stages.{stage}", "--help"]
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & HEAVY
    usage = re.search(rf"Usage: python -m stages\.{stage} \[OPTIONS\] (.*)", " ".join(result.stdout.split()))
    assert usage is not None
    source = (ROOT / f"stages/{stage}.py").read_text(encoding="utf-8")
    arguments = re.findall(r"^    (\w+): Annotated\[\w+, typer\.Argument\(help=\"(.*?)\"", source, re.MULTILINE)
    options = re.findall(r"^    (\w+): Annotated\[\w+, typer\.Option\(help=\"(.*?)\"", source, re.MULTILINE)
    assert arguments
    assert re.findall(r"\w+", usage[1].lower())[: len(arguments)] == [name for name, _ in arguments]
    assert all(f"--{name}" in result.stdout for name, _ in options)
    assert all(text in result.stdout for _, text in (*arguments, *options))


@pytest.mark.parametrize("stage", STAGES)
def test_a_command_without_its_arguments_says_which_is_missing(stage: str) -> None:
    result = run_stage(import_module(f"stages.{stage}").app)
    assert result.exit_code == 2
    assert "Missing argument" in result.stderr
    assert result.stdout == ""


def test_work_is_counted_in_one_line_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with console_progress("Reading", 2000, "reviews") as task:
        for _ in range(1200):
            task.advance()
        task.advance(300, note="loss 0.5")
        task.advance(0)
        assert capsys.readouterr().err == ""
    assert capsys.readouterr().err == "Reading: 1,500 reviews  loss 0.5\n"


def test_work_that_fails_is_not_counted_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    items = (1 // item for item in (2, 1, 0))
    with pytest.raises(ZeroDivisionError):
        list(track(console_progress, items, "Reading", None, "reviews"))
    assert capsys.readouterr().err == ""


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Have a terminal as standard error, and yield how to see what it shows, without colours and movements."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)

        def shown() -> str:
            # A terminal hands on what was written bit by bit: an end mark tells when all of it has come.
            stream.write("\x04END")
            stream.flush()
            content = b""
            while not content.endswith(b"\x04END"):
                content += os.read(reader, 65536)
            return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", content.removesuffix(b"\x04END").decode())

        yield shown
    os.close(reader)


def test_work_is_shown_as_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as shown:
        with console_progress("Reading", 3, "reviews") as task:
            task.advance(note="loss 0.5")
            task.advance()
        last = shown().strip().splitlines()[-1]
    assert last.startswith("Reading")
    assert "2/3 reviews" in last
    assert last.endswith("loss 0.5")  # the note stays when a later step has none


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        (errors.SourceError("file: found 3; expected 4"), "error: file: found 3; expected 4"),
        (KeyboardInterrupt(), "error: interrupted; nothing is half-written"),
    ],
)
def test_an_error_has_a_line_of_its_own_below_the_bar(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, line: str
) -> None:
    def command() -> None:
        # Whoever takes from a generator that has a bar may fail: it stands still while there is a name for it, and its
        # bar stays with it.
        work = track(console_progress, range(3), "Reading", 3, "reviews")
        next(work)
        raise raised

    with terminal(monkeypatch) as shown:
        with pytest.raises(SystemExit) as caught:
            command_app(command)([])
        lines = shown().strip().splitlines()
    assert caught.value.code == (130 if isinstance(raised, KeyboardInterrupt) else 1)
    assert lines[-1] == line


def test_track_counts_each_item_and_yields_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(console_progress, "abc", "Reading", 3, "letters")) == ["a", "b", "c"]
    assert capsys.readouterr().err == "Reading: 3 letters\n"


def test_no_progress_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(track(no_progress, "abc", "Reading", 3, "letters")) == ["a", "b", "c"]
    with no_progress("Reading", None, "letters") as task:
        task.advance(3, note="loss 0.5")
    assert capfd.readouterr() == ("", "")


def put_in_place_of_keras(folder: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `import keras` run `source`: the real one takes seconds, and says other things on each machine."""
    (folder / "keras").mkdir()
    (folder / "keras/__init__.py").write_text(source)
    for name in [name for name in sys.modules if name.partition(".")[0] == "keras"]:
        monkeypatch.delitem(sys.modules, name)
    # Set, so that the module that the test imports goes when the test ends.
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.syspath_prepend(folder)


@pytest.mark.parametrize("ending", ["", "raise ImportError('broken')\n"], ids=["works", "fails"])
def test_what_the_import_of_keras_says_is_not_shown(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # The descriptor and not sys.stderr: that is how C++ writes.
    put_in_place_of_keras(tmp_path, "import os\nos.write(2, b'no GPU here\\n')\n" + ending, monkeypatch)
    with pytest.raises(ImportError, match="broken") if ending else nullcontext():
        import_keras_quietly()
    os.write(2, b"back\n")
    assert capfd.readouterr().err == "back\n"


def test_metrics_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = {"accuracy": 0.87654, "test_reviews": 210, "known_as": None}, {"accuracy": 0.5, "test_reviews": 210}
    print_metrics({"LSTM": one, "NB-SVM": other}, "the test part")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip() == "the test part"
    cells = [re.findall(r"[\w.]+", line) for line in lines]
    assert ["metric", "LSTM", "NB", "SVM"] in cells
    assert ["accuracy", "0.8765", "0.5000"] in cells
    assert ["test_reviews", "210", "210"] in cells
    assert ["known_as", "None"] in cells
