"""What all formats of tables share: rows, the columns they have, and blocks of rows that bound memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from imdb_sentiment.runtime.errors import InputError, reason_of

# A block ends at whichever comes first.
BLOCK_ROWS: Final = 4096
BLOCK_CHARACTERS: Final = 16_000_000
MAX_COLUMNS: Final = 10_000

Problem = tuple[str, str]  # what was found, and what was expected


@dataclass(frozen=True)
class Column:
    """A column: its name, and the name of its type where the format has types.

    is_number: it holds numbers or dates; is_text: it may hold texts, or is not known to hold anything else.
    """

    name: str
    kind: str = ""
    is_number: bool = False
    is_text: bool = True

    def __str__(self) -> str:
        name = shorten(self.name)
        return f"{name} ({self.kind})" if self.kind else name


_LONGEST_NAME: Final = 60


def shorten(name: str) -> str:
    """Return `name`, or its start if it is too long for a message."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


class Row(NamedTuple):
    """A row of a table.

    number: of its line or row, from 1; values: those of the columns that were asked for; content: what the format needs
    to write the row again; characters: the length of both. problem: for a row that cannot be read, which has no values.
    """

    number: int
    values: tuple[Any, ...]
    content: Any
    characters: int
    problem: Problem | None = None


Answers = Sequence[tuple[Any, ...]]  # the values of the added columns, a tuple for each row
Write = Callable[[Sequence[Row], Answers], None]


@dataclass(frozen=True)
class Added:
    """The columns that an output has beside those of its table; columns of the table with these names are replaced."""

    names: tuple[str, ...]

    def kept(self, columns: Sequence[str]) -> list[int]:
        """Return the places of the table's columns that the output keeps."""
        return [place for place, name in enumerate(columns) if name not in self.names]


class Table(Protocol):
    """A table in some format, which can be read any number of times.

    name: in messages; format: one of `formats.FORMATS`.
    """

    format: str

    @property
    def numbered(self) -> str:
        """What the number of a row counts: `line` or `row`."""

    @property
    def name(self) -> str:
        """The name of the table in messages."""

    @property
    def encoding(self) -> str | None:
        """How texts are encoded, where the format does not say it."""

    @property
    def size(self) -> int:
        """The size of the whole table, in bytes or rows."""

    def position(self) -> int:
        """Return how much of `size` has been read."""

    def describe(self) -> str:
        """Return the facts that were found out about the file, such as `CSV, utf-8, separated by commas`."""

    def columns(self) -> list[Column]:
        """Return the columns. Raises InputError."""

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Yield all rows in order, with the values of the columns at the places `wanted`. Raises InputError."""

    def values(self, row: Row) -> list[Any]:
        """Return the values of all columns of a row that `rows` gave, as Python's types."""

    def locate(self, row: Row) -> str:
        """Return where a row is, such as `reviews.csv, line 7`."""


def in_blocks(rows: Iterable[Row], most_rows: int | None = None) -> Iterator[list[Row]]:
    """Yield `rows` in blocks of bounded size; the last one may be empty."""
    most = most_rows or BLOCK_ROWS
    block: list[Row] = []
    characters = 0
    for row in rows:
        block.append(row)
        characters += row.characters
        if len(block) >= most or characters >= BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    yield block


def check_width(name: str, count: int) -> None:
    """Raise InputError if the table `name` has so many columns that its rows would fill the memory."""
    if count > MAX_COLUMNS:
        raise InputError(f"{name}: found more than {MAX_COLUMNS:,} columns; expected fewer")


@contextmanager
def reading(name: str, kind: str) -> Iterator[None]:
    """Turn the errors of reading the table `name` into InputError."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: found bytes that are not {error.encoding} ({error.reason}); expected text, or --encoding"
        ) from error
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{name}: found what cannot be read ({reason_of(error)}); expected {kind}") from error
