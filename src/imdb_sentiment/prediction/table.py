"""What all table formats share: blocks of rows that bound memory, and what happens at a row without a review."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from imdb_sentiment.runtime.errors import InputError

# A block ends at whichever comes first.
BLOCK_ROWS: Final = 4096
BLOCK_CHARACTERS: Final = 16_000_000
ADDED_COLUMNS: Final = ("predicted_label", "probability")

Values = Sequence[tuple[str, float]]  # the values of ADDED_COLUMNS, one pair per row


@dataclass
class BadRows:
    """Refuses a row that cannot be classified, or with `skip` counts it."""

    skip: bool
    count: int = 0

    def add(self, where: str, found: str, expected: str) -> None:
        """Count one row. Raises InputError unless such rows are skipped."""
        if not self.skip:
            raise InputError(f"{where}: found {found}; expected {expected} (--skip-bad-lines leaves such rows out)")
        self.count += 1


@dataclass(frozen=True)
class Block:
    """Some rows of a table.

    rows: what the format needs to write them again; size: their share of the table's size, rows left out included.
    """

    texts: list[str]
    rows: Any
    size: int


class Table(Protocol):
    """A table of texts in some format."""

    unit: str

    @property
    def size(self) -> int:
        """The size of all blocks together, in `unit`."""

    def blocks(self) -> Iterator[Block]:
        """Yield the rows that can be classified, in order. Raises InputError."""

    def writer(self, path: Path) -> AbstractContextManager[Callable[[Block, Values], None]]:
        """Open a table of the same format at `path`, and yield a function that writes a block with added values."""


class Row(NamedTuple):
    """A row that can be classified: its text, what the format needs to write it again, and the characters of both."""

    text: str
    content: Any
    characters: int


def gather_blocks(rows: Iterable[Row], position: Callable[[], int]) -> Iterator[Block]:
    """Yield `rows` in blocks, whose sizes are the steps of `position()`, the bytes read so far."""
    block: list[Row] = []
    characters = start = 0
    for row in rows:
        block.append(row)
        characters += row.characters
        if len(block) >= BLOCK_ROWS or characters >= BLOCK_CHARACTERS:
            end = position()
            yield _as_block(block, end - start)
            block, characters, start = [], 0, end
    yield _as_block(block, position() - start)


def _as_block(rows: list[Row], size: int) -> Block:
    return Block([row.text for row in rows], [row.content for row in rows], size)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the errors of reading the table `path` into InputError."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: found bytes that are not {error.encoding} ({error.reason}); expected text"
        ) from error
    except (ValueError, OSError) as error:  # Arrow's errors are one of the two
        raise InputError(f"{path}: found what cannot be read ({error}); expected a {path.suffix} table") from error
