"""Printing results on standard output: in any encoding, and in one line if it cannot be written."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path

from imdb_sentiment.runtime.errors import OutputError


@contextmanager
def standard_output() -> Iterator[Callable[[str], None]]:
    """Yield a function that prints a line; characters that the stream's encoding lacks are printed as escapes.

    Raises OutputError if standard output is closed or full.
    """
    stream = sys.stdout
    if stream is None:
        raise OutputError(Path("standard output"), "it is closed")
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")

    def print_line(line: str) -> None:
        with output_errors():
            stream.write(f"{line}\n")

    try:
        yield print_line
    except BaseException:
        with suppress(OutputError), output_errors():  # the first error is the one to show
            stream.flush()
        raise
    with output_errors():
        stream.flush()


@contextmanager
def output_errors() -> Iterator[None]:
    """Raise OutputError for an OSError in the block, which writes to standard output and does nothing else."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader has gone, as `head` does: typer ends quietly
            raise
        # What is left in the buffer must not fail again when Python ends.
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as devnull:
            os.dup2(devnull.fileno(), sys.stdout.fileno())
        raise OutputError(Path("standard output"), error.strerror or str(error)) from error


def prints_unicode() -> bool:
    """Tell whether standard output takes every character as it is."""
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
