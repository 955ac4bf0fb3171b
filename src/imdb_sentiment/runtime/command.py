"""What the commands share: how much they say, errors in one line, and Keras without its noise."""

import functools
import inspect
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from imdb_sentiment.runtime.console import Verbosity, as_time, console_progress, speaking, stop_bars, verbosity
from imdb_sentiment.runtime.errors import PipelineError

INTERRUPTED: Final = 130  # what a shell reports for a command that Ctrl-C ended
_OPTIONS: Final = {
    "verbose": Annotated[bool, typer.Option("--verbose", help="Let TensorFlow speak, and say how long it all took.")],
    "quiet": Annotated[bool, typer.Option("--quiet", help="No progress and no tables: results and errors alone.")],
}


def command_app(command: Callable[..., None]) -> typer.Typer:
    """Return the typer application of one command.

    A PipelineError ends it with one line on standard error and exit code 1, Ctrl-C with one line and 130; anything
    else is a bug and keeps its plain traceback.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(ends_in_one_line(command))
    return app


def ends_in_one_line(command: Callable[..., None]) -> Callable[..., None]:
    """Have `command` end in one line where the user, not the programmer, can mend what went wrong.

    It also gets the options `--verbose` and `--quiet`. IMDB_SENTIMENT_VERBOSITY in the environment says the same to
    commands that another program starts.
    """

    @functools.wraps(command)
    def wrapper(*args: Any, verbose: bool, quiet: bool, **kwargs: Any) -> None:
        if verbose and quiet:
            raise typer.BadParameter("found both --verbose and --quiet; expected one of them")
        chosen = Verbosity.VERBOSE if verbose else Verbosity.QUIET if quiet else None
        start = time.monotonic()
        with speaking(chosen):
            try:
                command(*args, **kwargs)
            except PipelineError as error:
                stop_bars()
                print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
                raise typer.Exit(1) from error
            except KeyboardInterrupt as error:
                stop_bars()
                print("error: interrupted; nothing is half-written", file=sys.stderr)
                raise typer.Exit(INTERRUPTED) from error
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


def import_keras_quietly() -> None:
    """Import Keras and its backend without TensorFlow's notes on CUDA and CPU flags, unless told to be verbose.

    They come from C++ and go past `sys.stderr`, so the descriptor itself is turned away.
    """
    if verbosity() is Verbosity.VERBOSE:
        import keras  # noqa: F401  # for what it loads

        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Its advice on shapes that vary, as those of batches grouped by length do.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if "keras" not in sys.modules:
        with console_progress("Loading TensorFlow", None, ""):
            _import_without_stderr()


def _import_without_stderr() -> None:
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import keras  # noqa: F401  # for what it loads
        finally:
            os.dup2(kept, 2)
            os.close(kept)
