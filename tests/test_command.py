"""How every command ends: one line on standard error where the user can mend the cause, and no partial outputs."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.files import written_beside
from tests.factories import snapshot, write_folder
from tests.stage_runs import assert_refused, invoke

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def raise_error(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("work", "line"),
    [
        (lambda: raise_error(PipelineError("key: found 3;\n  expected\t4")), "error: key: found 3; expected 4"),
        (lambda: raise_error(PipelineError("\x1b]0;title\x07: found")), r"error: \x1b]0;title\x07: found"),
        (lambda: raise_error(MemoryError()), "error: found too little memory (no more to be had); expected"),
        (
            lambda: raise_error(ImportError("libx.so: failed to map segment from shared object")),
            "error: found too little memory",
        ),
        (lambda: np.zeros(10**15), "error: found too little memory (Unable to allocate"),
        (lambda: pa.allocate_buffer(2**60), "error: found too little memory (malloc of size"),
        (
            lambda: raise_error(ModuleNotFoundError(name="keras.ops")),
            "found no package keras; expected the packages of",
        ),
        (lambda: raise_error(RuntimeError("can't start new thread")), "error: found no more threads; expected"),
    ],
)
def test_errors_that_the_user_can_mend_are_one_line(work: Callable[[], object], line: str) -> None:
    def command() -> None:
        work()

    result = invoke(command_app(command))
    assert_refused(result, line)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("error", [ZeroDivisionError, RuntimeError, ModuleNotFoundError(name="imdb_sentiment.x")])
def test_bugs_keep_their_traceback(error: Exception | type[Exception]) -> None:
    def command() -> None:
        raise error

    assert isinstance(invoke(command_app(command)).exception, error if isinstance(error, type) else type(error))


@pytest.fixture
def default_handlers() -> Iterator[None]:
    """Give the signals their default handlers: under `nohup` or in the background, some are ignored."""
    before = {number: signal.getsignal(number) for number, _ in SIGNALS}
    for number in before:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("default_handlers")
@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_signals_leave_the_old_output_and_no_partial_one(tmp_path: Path, number: int, code: int) -> None:
    before = snapshot(write_folder(tmp_path, {"output": b"old"}))

    def command() -> None:
        with written_beside(tmp_path / "output") as partial:
            partial.write_bytes(b"half")
            signal.raise_signal(number)

    handlers = [signal.getsignal(one) for one, _ in SIGNALS]
    assert_refused(invoke(command_app(command)), "outputs are as they were before", code=code)
    assert snapshot(tmp_path) == before
    assert [signal.getsignal(one) for one, _ in SIGNALS] == handlers


PROCESS = """
import signal, time
from pathlib import Path
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.files import OutputFolder, written_together

# A shell starts what it runs in the background deaf to Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

def command(folder: Path) -> None:
    with written_together(folder / "file", OutputFolder(folder / "folder", ".*")) as (file, inner):
        inner.mkdir()
        (inner / "half").write_text("half")
        file.write_text("half")
        print("writing", flush=True)
        time.sleep(600)

command_app(command)()
"""


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_process_that_is_stopped_removes_its_partial_outputs(tmp_path: Path, number: int, code: int) -> None:
    before = snapshot(write_folder(tmp_path, {"file": b"old", "folder/one": b"old"}))
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr.count("\n")) == (code, 1)
    assert stderr.startswith("error: ")
    assert snapshot(tmp_path) == before


def test_an_ignored_signal_stays_ignored() -> None:
    def command() -> None:
        signal.raise_signal(signal.SIGHUP)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
    try:
        assert invoke(command_app(command)).exit_code == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_commands_run_in_other_threads_too() -> None:
    results = []

    def command() -> None:
        results.append(threading.current_thread().name)

    thread = threading.Thread(target=lambda: invoke(command_app(command)), name="other")
    thread.start()
    thread.join()
    assert results == ["other"]
