"""Help and usage errors of every command, the quiet import of Keras, and errors that cross processes."""

import os
import pickle
import subprocess
import sys
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import pytest
import typer

from imdb_sentiment.app.commands import app as imdb_sentiment
from imdb_sentiment.runtime import errors
from imdb_sentiment.runtime.command import import_keras_quietly
from tests.factories import ROOT
from tests.stage_runs import invoke

STAGES = sorted(path.stem for path in (ROOT / "stages").glob("[!_]*.py"))


@pytest.mark.parametrize(
    "error",
    [
        errors.ParamsError("key: found 3; expected 4"),
        errors.OutputError(Path("file"), "no space"),
        errors.ArtifactError(Path("file"), "3", "4"),
    ],
)
def test_error_keeps_its_message_in_another_process(error: errors.PipelineError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # as multiprocessing does
    assert (type(again), str(again)) == (type(error), str(error))


@pytest.mark.parametrize("stage", STAGES)
def test_stage_lists_its_options_and_refuses_others(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    app = import_module(f"stages.{stage}").app
    names = [param.opts[0] for param in typer.main.get_command(app).params]
    assert {"--verbose", "--quiet"} < set(names)
    assert [name for name in names if name not in invoke(app, "--help").stdout] == []
    result = invoke(app, "--nonsense")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No such option: --nonsense" in result.stderr


def test_imdb_sentiment_lists_its_commands_and_refuses_others() -> None:
    listed = invoke(imdb_sentiment)
    assert [name for name in ("predict", "explain", "tune") if f" {name} " not in listed.output] == []
    for arguments, message in ((["classify"], "No such command 'classify'"), (["explain", "a", "b"], "extra argument")):
        result = invoke(imdb_sentiment, *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in result.stderr


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


def test_help_answers_without_loading_a_model() -> None:
    # Each import is named on standard error: a time would measure the machine instead.
    command = [sys.executable, "-X", "importtime", "-m", "imdb_sentiment.app.commands", "predict", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "review" in result.stdout
    assert [name for name in ("keras", "numpy", "onnxruntime", "pandas") if name in result.stderr] == []
