"""What all commands share: verbosity, errors in one line, clean ends on signals, and Keras without its notices."""

import functools
import inspect
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from typing import Annotated, Any, Final

import typer

from imdb_sentiment.runtime.console import (
    Verbosity,
    as_time,
    console_progress,
    printable,
    stop_bars,
    verbosity,
    with_verbosity,
)
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.extras import how_to_install

_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
_LESS_MEMORY: Final = (
    "expected room for the reviews and the model: lower preprocess.max_length, preprocess.vocabulary_size, "
    "model.lstm_units or train.batch_size, or set OMP_NUM_THREADS=1"
)
_WITH_PIPELINE: Final = (
    f"expected the packages of the pipeline, which prediction does not need: {how_to_install('pipeline')}"
)
_FEWER_THREADS: Final = "expected one a core: set OMP_NUM_THREADS to a smaller number, or raise the limit (ulimit -u)"
_OPTIONS: Final = {
    "verbose": Annotated[bool, typer.Option("--verbose", help="Show TensorFlow's messages and the total time.")],
    "quiet": Annotated[bool, typer.Option("--quiet", help="Show no progress and no tables, only results and errors.")],
}


def command_app(command: Callable[..., None]) -> typer.Typer:
    """Return the typer application of one command, which ends as `ends_in_one_line` says."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(ends_in_one_line(command))
    return app


def ends_in_one_line(command: Callable[..., None]) -> Callable[..., None]:
    """Make `command` end in one line on standard error where the user, not the programmer, can mend the cause.

    A PipelineError gives exit code 1, as do a missing package, too little memory and too few threads, a signal (Ctrl-C,
    SIGTERM, SIGHUP) 128 and its number; anything else is a bug and keeps its traceback. Adds the options `--verbose`
    and `--quiet`.
    """

    @functools.wraps(command)
    def wrapper(*args: Any, verbose: bool, quiet: bool, **kwargs: Any) -> None:
        if verbose and quiet:
            raise typer.BadParameter("found both --verbose and --quiet; expected one of them")
        chosen = Verbosity.VERBOSE if verbose else Verbosity.QUIET if quiet else None
        start = time.monotonic()
        with with_verbosity(chosen), _signals_raised():
            try:
                command(*args, **kwargs)
            except (Exception, KeyboardInterrupt, _Terminated) as error:
                end = _find_end(error)
                if end is None:
                    raise
                stop_bars()
                message, code = end
                print(f"error: {printable(' '.join(message.split()))}", file=sys.stderr)
                raise typer.Exit(code) from error
            if verbosity() is Verbosity.VERBOSE:
                print(f"{command.__name__}: {as_time(time.monotonic() - start)}", file=sys.stderr)

    # typer makes an option of each parameter that it finds here.
    signature = inspect.signature(command, eval_str=True)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
        for name, annotation in _OPTIONS.items()
    ]
    wrapper.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *added])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {**command.__annotations__, **_OPTIONS}
    return wrapper


def _find_end(error: BaseException) -> tuple[str, int] | None:
    """Return message and exit code for what the user can mend, None for a bug."""
    match error:
        case PipelineError():
            return str(error), 1
        case ModuleNotFoundError(name=str() as name) if not name.startswith("imdb_sentiment"):
            return f"found no package {name.partition('.')[0]}; {_WITH_PIPELINE}", 1
        case error if isinstance(error, MemoryError) or "failed to map segment" in str(error):  # of a library's file
            return f"found too little memory ({str(error) or 'no more to be had'}); {_LESS_MEMORY}", 1
        case RuntimeError() if "can't start new thread" in str(error):
            return f"found no more threads; {_FEWER_THREADS}", 1
        case KeyboardInterrupt() | _Terminated():
            number = error.signal if isinstance(error, _Terminated) else signal.SIGINT
            verb = "interrupted" if number == signal.SIGINT else "terminated"
            return f"{verb}; outputs are as they were before", 128 + number
    return None


class _Terminated(BaseException):
    """A signal asked the process to end: raised, so that partial outputs are removed on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = number


@contextmanager
def _signals_raised() -> Iterator[None]:
    """Raise _Terminated in the block where SIGTERM or SIGHUP arrives."""
    if current_thread() is not main_thread():  # only the main thread can set handlers
        yield
        return

    def handle(number: int, _: object) -> None:
        raise _Terminated(number)

    # One that is ignored (`nohup`) stays ignored.
    handled = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in handled:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def import_keras_quietly() -> None:
    """Import Keras and its backend without TensorFlow's notices about CUDA and CPU flags, unless verbose.

    The notices are written by C++ and bypass `sys.stderr`, so the file descriptor itself is redirected.
    """
    if verbosity() is Verbosity.VERBOSE:
        import keras  # noqa: F401  # for what it loads

        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Its advice about shapes that vary, as those of batches grouped by length do.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if "keras" not in sys.modules:
        with console_progress("Loading TensorFlow", None, ""):
            _import_without_stderr()


def _import_without_stderr() -> None:
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as devnull:
        os.dup2(devnull.fileno(), 2)
        try:
            import keras  # noqa: F401  # for what it loads
        finally:
            os.dup2(kept, 2)
            os.close(kept)
