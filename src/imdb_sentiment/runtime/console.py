"""What commands show: progress as a bar or as lines, and metrics as a table."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import Enum
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from imdb_sentiment.runtime.progress import Task, no_progress

LINE_EVERY: Final = 30.0  # seconds between two lines of progress where no bar can be

_console = Console(stderr=True)
_live_bars: list[Progress] = []


class Verbosity(Enum):
    """How much a command shows besides its results and errors."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


_VARIABLE: Final = "IMDB_SENTIMENT_VERBOSITY"


def verbosity() -> Verbosity:
    """Return the verbosity that the environment variable sets."""
    try:
        return Verbosity(os.environ.get(_VARIABLE, "normal"))
    except ValueError:
        return Verbosity.NORMAL


@contextmanager
def with_verbosity(chosen: Verbosity | None) -> Iterator[None]:
    """Set the verbosity within the block, and for the processes that it starts; None leaves it as it is."""
    before = os.environ.get(_VARIABLE)
    if chosen is not None:
        os.environ[_VARIABLE] = chosen.value
    try:
        yield
    finally:
        if chosen is not None:
            os.environ.pop(_VARIABLE)
            os.environ.update({} if before is None else {_VARIABLE: before})


def printable(text: str) -> str:
    r"""Return `text` with every character escaped that could control a terminal: `"\x1b[2J" -> "\\x1b[2J"`."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )


def counted(number: int, unit: str) -> str:
    """Return a number of things: `counted(1, "batches") -> "1 batch"`, `counted(2000, "rows") -> "2,000 rows"`."""
    if number == 1:
        unit = unit.removesuffix("es") if unit.endswith("ches") else unit.removesuffix("s")
    return f"{number:,} {unit}"


def stop_bars() -> None:
    """Remove the progress bars of work that an error has ended, which would redraw themselves below its line."""
    while _live_bars:
        _live_bars.pop().stop()


class _Bar:
    def __init__(self, bar: Progress, description: str, total: int | None) -> None:
        self._bar = bar
        self._id = bar.add_task(description, total=total, note="")

    def advance(self, amount: int = 1, note: str = "") -> None:
        # An empty note keeps the previous one.
        if note:
            self._bar.update(self._id, advance=amount, note=note)
        else:
            self._bar.update(self._id, advance=amount)


class _Lines:
    """Takes the place of the bar where the output is a file: a line every LINE_EVERY seconds, and one at the end.

    Work without a unit shows its share.
    """

    def __init__(self, description: str, total: int | None, unit: str) -> None:
        self._description, self._total, self._unit = description, total, unit
        self._start = self._last = time.monotonic()
        self._done = 0
        self._note = ""
        if total is None:  # otherwise nothing would show before the end
            print(f"{description} ...", file=sys.stderr, flush=True)

    def advance(self, amount: int = 1, note: str = "") -> None:
        self._done += amount
        self._note = note or self._note
        now = time.monotonic()
        # The end has a line of its own.
        if now - self._last >= LINE_EVERY and self._done != self._total:
            self._last = now
            self._print(f"{self._done_text()}{self._time_left(now - self._start)}")

    def end(self) -> None:
        done = f"{counted(self._done, self._unit)} in " if self._unit else ""
        self._print(f"{done}{as_time(time.monotonic() - self._start)}")

    def _print(self, text: str) -> None:
        print(f"{self._description}: {text}{'  ' + self._note if self._note else ''}", file=sys.stderr, flush=True)

    def _done_text(self) -> str:
        if not self._unit:
            return f"{self._done / self._total:.0%}" if self._total else ""
        return f"{self._done:,} of {self._total:,} {self._unit}" if self._total else counted(self._done, self._unit)

    def _time_left(self, elapsed: float) -> str:
        if not self._total or not self._done:
            return ""
        return f", about {as_time(elapsed * (self._total - self._done) / self._done)} left"


def as_time(seconds: float) -> str:
    """Return for example `0:07`, `12:30` or `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def console_progress(description: str, total: int | None, unit: str) -> AbstractContextManager[Task]:
    """Show a live bar on a terminal, lines where the output is not a terminal, and nothing with --quiet."""
    if verbosity() is Verbosity.QUIET:
        return no_progress(description, total, unit)
    return _bar(description, total, unit) if _console.is_terminal else _lines(description, total, unit)


@contextmanager
def _lines(description: str, total: int | None, unit: str) -> Iterator[Task]:
    lines = _Lines(description, total, unit)
    yield lines
    lines.end()


@contextmanager
def _bar(description: str, total: int | None, unit: str) -> Iterator[Task]:
    columns: list[ProgressColumn] = [TextColumn("{task.description}"), BarColumn()]
    columns += [MofNCompleteColumn(), TextColumn(unit)] if unit else []
    columns += [TimeElapsedColumn()]
    columns += [TextColumn("left"), TimeRemainingColumn()] if total else []
    columns += [TextColumn("{task.fields[note]}")]
    with Progress(*columns, console=_console) as bar:
        _live_bars.append(bar)
        yield _Bar(bar, description, total)
        _live_bars.remove(bar)


def print_metrics(columns: Mapping[str, Mapping[str, object]], title: str) -> None:
    """Print a table on standard output: a row a metric, a column for each of `columns`, by its name."""
    if verbosity() is Verbosity.QUIET:
        return
    table = Table("metric", *columns, title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    names = dict.fromkeys(name for metrics in columns.values() for name in metrics)
    for name in names:
        table.add_row(name, *(_shown(metrics.get(name, "")) for metrics in columns.values()))
    Console().print(table)


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else f"{value}"
