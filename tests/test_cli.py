"""What every command shares: errors in one line, progress, and help that answers at once."""

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import pytest
import typer

from imdb_sentiment.runtime import errors
from imdb_sentiment.runtime.command import command_app, import_keras_quietly
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
    script = "from imdb_sentiment.runtime.command import command_app\ndef command() -> None:\n    1 / 0\ncommand_app(command)()\n"
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
    said = capfd.readouterr().err
    assert said.splitlines()[0] == "Loading TensorFlow ..."
    assert said.endswith("back\n")
    assert "no GPU here" not in said


def test_what_the_import_of_keras_says_is_shown_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    put_in_place_of_keras(tmp_path, "import os\nos.write(2, b'no GPU here\\n')\n", monkeypatch)
    monkeypatch.setenv("IMDB_SENTIMENT_VERBOSITY", "verbose")
    import_keras_quietly()
    assert capfd.readouterr().err == "no GPU here\n"


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_comes_whole_out_of_another_process(kind: Callable[[str], errors.PipelineError]) -> None:
    error = kind("key: found 3; expected 4")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # what multiprocessing does
    assert (type(again), str(again)) == (type(error), str(error))
