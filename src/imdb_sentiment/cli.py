"""What the commands share: errors in one line, progress on the terminal, metrics as a table."""

import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from imdb_sentiment.errors import PipelineError
from imdb_sentiment.progress import Task

INTERRUPTED = 130  # what a shell reports for a command that Ctrl-C ended
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_console = Console(stderr=True)


def command_app(command: Callable[..., None]) -> typer.Typer:
    """Return the typer application of one command.

    A PipelineError ends it with one line on standard error and exit code 1, Ctrl-C with one line and 130; anything
    else is a bug and keeps its plain traceback.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(ends_in_one_line(command))
    return app


def ends_in_one_line(command: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Have `command` end in one line where the user, not the programmer, can mend what went wrong."""

    @functools.wraps(command)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except PipelineError as error:
            _stop_bars()
            print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            _stop_bars()
            print("error: interrupted; nothing is half-written", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from error

    return wrapper


def import_keras_quietly() -> None:
    """Import Keras and its backend without TensorFlow's notes on CUDA and CPU flags.

    They come from C++ and go past `sys.stderr`, so the descriptor itself is turned away.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import keras  # noqa: F401  # for what it loads
        finally:
            os.dup2(kept, 2)
            os.close(kept)


_live_bars: list[Progress] = []


def _stop_bars() -> None:
    # The work that an error ends leaves its bar open, which would take the error's line and draw itself below it.
    while _live_bars:
        _live_bars.pop().stop()


class _Bar:
    def __init__(self, bar: Progress, description: str, total: int | None) -> None:
        self._bar = bar
        self._id = bar.add_task(description, total=total, note="")

    def advance(self, amount: int = 1, note: str = "") -> None:
        # An empty note keeps the one that stands.
        if note:
            self._bar.update(self._id, advance=amount, note=note)
        else:
            self._bar.update(self._id, advance=amount)


class _Count:
    """Stands in for the bar where the output is a file: it remembers, one line at the end says it."""

    def __init__(self) -> None:
        self.done = 0
        self.note = ""

    def advance(self, amount: int = 1, note: str = "") -> None:
        self.done += amount
        self.note = note or self.note


@contextmanager
def console_progress(description: str, total: int | None, unit: str) -> Iterator[Task]:
    """Show a live bar on a terminal, or one plain line at the end where the output is not one."""
    if not _console.is_terminal:
        count = _Count()
        yield count
        print(f"{description}: {count.done:,} {unit}{'  ' + count.note if count.note else ''}", file=sys.stderr)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=_console) as bar:
        _live_bars.append(bar)
        yield _Bar(bar, description, total)
        _live_bars.remove(bar)


def print_metrics(columns: Mapping[str, Mapping[str, object]], title: str) -> None:
    """Print a table on standard output: a row a metric, a column for each of `columns`, by its name."""
    table = Table("metric", *columns, title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    names = dict.fromkeys(name for metrics in columns.values() for name in metrics)
    for name in names:
        table.add_row(name, *(_shown(metrics.get(name, "")) for metrics in columns.values()))
    Console().print(table)


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else f"{value}"
