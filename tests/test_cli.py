"""What every command shares: errors in one line, quiet imports, and help that answers at once."""

import os
import pickle
import signal
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
from tests.factories import ROOT
from tests.stage_runs import assert_refused, invoke

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
Kind = Callable[[str], errors.PipelineError]


def app_that_raises(error: BaseException) -> typer.Typer:
    def command() -> None:
        raise error

    return command_app(command)


@pytest.mark.parametrize("kind", KINDS)
def test_error_of_the_user_is_one_line(kind: Kind) -> None:
    error = kind("key: found 3;\n  expected 4\r\n")
    result = invoke(app_that_raises(error))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"error: {' '.join(str(error).split())}\n"
    assert "key: found 3; expected 4" in result.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_error_keeps_its_message_in_another_process(kind: Kind) -> None:
    error = kind("key: found 3; expected 4")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # as multiprocessing does
    assert (type(again), str(again)) == (type(error), str(error))


def test_ctrl_c_is_one_line_and_the_exit_code_of_shells() -> None:
    assert_refused(invoke(app_that_raises(KeyboardInterrupt())), "interrupted; outputs are as they were", code=130)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_is_one_line_and_the_exit_code_of_shells(number: signal.Signals) -> None:
    def command() -> None:
        os.kill(os.getpid(), number)

    result = invoke(command_app(command))
    assert_refused(result, "terminated; outputs are as they were before", code=128 + number)
    assert signal.getsignal(number) is signal.SIG_DFL


def test_bug_keeps_its_traceback() -> None:
    script = (
        "from imdb_sentiment.runtime.command import command_app\n"
        "def command() -> None:\n"
        "    1 / 0\n"
        "command_app(command)()\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert result.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "\nerror: " not in result.stderr


def test_command_without_an_error_exits_with_0() -> None:
    def command() -> None:
        typer.echo("done")

    result = invoke(command_app(command))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "done\n", "")
    assert invoke(command_app(command), "--verbose").stderr == "command: 0:00\n"
    assert invoke(command_app(command), "--verbose", "--quiet").exit_code == 2


@pytest.mark.parametrize("stage", STAGES)
def test_stage_help_lists_its_options_and_loads_nothing_heavy(stage: str) -> None:
    # Each import is named on standard error: a time would measure the machine instead.
    command = [sys.executable, "-X", "importtime", "-m", f"stages.{stage}", "--help"]
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & HEAVY
    options = typer.main.get_command(import_module(f"stages.{stage}").app).params
    assert {"verbose", "quiet"} < {str(option.name) for option in options}
    assert [option.name for option in options if option.opts[0] not in result.stdout] == []


@pytest.mark.parametrize("stage", STAGES)
def test_stage_refuses_unknown_option(stage: str) -> None:
    result = invoke(import_module(f"stages.{stage}").app, "--nonsense")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No such option: --nonsense" in result.stderr


@pytest.mark.parametrize("ending", ["", "raise ImportError('broken')\n"], ids=["works", "fails"])
def test_messages_of_the_import_of_keras_are_shown_only_with_verbose(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # The descriptor and not sys.stderr: that is how C++ writes.
    (tmp_path / "keras.py").write_text("import os\nos.write(2, b'no GPU here\\n')\n" + ending)
    for name in [name for name in sys.modules if name.partition(".")[0] == "keras"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)

    def import_it() -> str:
        with pytest.raises(ImportError, match="broken") if ending else nullcontext():
            import_keras_quietly()
        sys.modules.pop("keras", None)
        os.write(2, b"back\n")
        return capfd.readouterr().err

    printed = import_it()
    assert printed.startswith("Loading TensorFlow ...\n")
    assert printed.endswith("back\n")
    assert "no GPU here" not in printed
    monkeypatch.setenv("IMDB_SENTIMENT_VERBOSITY", "verbose")
    assert import_it() == "no GPU here\nback\n"
