"""Text files with one review each, read as a table of two columns: file and text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.tables.rows import Column, Row, reading
from imdb_sentiment.tables.texts import MAX_CHARACTERS, decode_text

_MAX_BYTES: Final = 4 * MAX_CHARACTERS  # a character has at most four bytes


@dataclass
class TextFilesTable:
    """Text files, each a row with the columns `file` and `text`."""

    paths: Sequence[Path]
    format: str = "texts"
    numbered: str = "row"
    encoding: str | None = None
    _done: int = 0

    @property
    def name(self) -> str:
        """The name of the first file, and how many more there are."""
        more = len(self.paths) - 1
        return f"{self.paths[0]} and {more:,} more" if more else str(self.paths[0])

    @property
    def size(self) -> int:
        """The number of files."""
        return len(self.paths)

    def position(self) -> int:
        """Return the files that have been read."""
        return self._done

    def describe(self) -> str:
        """Return the number of files."""
        return f"{len(self.paths):,} text files"

    def locate(self, row: Row) -> str:
        """Return the path of the file."""
        return str(self.paths[row.number - 1])

    def columns(self) -> list[Column]:
        """Return the columns `file` and `text`."""
        return [Column("file"), Column("text")]

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Yield a row for each file. Raises InputError for one that cannot be opened."""
        self._done = 0
        for number, path in enumerate(self.paths, 1):
            with reading(str(path), "a text file"), path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
            self._done = number
            text, problem = decode_text(content[:_MAX_BYTES])
            if len(content) > _MAX_BYTES:
                problem = f"more than {_MAX_BYTES:,} bytes", f"at most {MAX_CHARACTERS:,} characters"
            values = (str(path), text)
            yield Row(number, tuple(values[place] for place in wanted), values, len(text), problem)

    def values(self, row: Row) -> list[Any]:
        """Return the path and the text."""
        return list(row.content)
