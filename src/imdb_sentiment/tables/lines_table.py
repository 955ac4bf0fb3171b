"""Texts in a plain file, one in each line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from imdb_sentiment.tables.encodings import find_encoding
from imdb_sentiment.tables.files import Content, TableFile
from imdb_sentiment.tables.lines import open_lines, read_lines
from imdb_sentiment.tables.rows import Column, Row, reading


@dataclass
class LinesTable:
    """A text in each line, which is the only column, `text`. Empty lines are left out."""

    file: TableFile
    named_encoding: str | None = None
    format: str = "lines"
    numbered: str = "line"
    _content: Content | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.file.name

    @property
    def size(self) -> int:
        """The bytes of the file."""
        return self.file.size

    def position(self) -> int:
        """Return the bytes that have been read."""
        return self._content.position() if self._content else 0

    @cached_property
    def encoding(self) -> str:
        """The encoding, named or found."""
        with reading(self.name, "text"):
            return find_encoding(self.file, self.named_encoding)

    def describe(self) -> str:
        """Return the encoding."""
        return f"a text in each line in {self.encoding}"

    def locate(self, row: Row) -> str:
        """Return the line of a row."""
        return f"{self.name}, line {row.number}"

    def columns(self) -> list[Column]:
        """Return the column `text`."""
        return [Column("text")]

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Yield all lines that are not empty. Raises InputError."""
        with reading(self.name, "text"), self.file.open() as content:
            self._content = content
            for line in read_lines(open_lines(content, self.encoding, newline="\n")):
                text = line.text.rstrip("\r\n")
                if line.problem:
                    yield Row(line.number, (), "", 0, line.problem)
                elif text.strip():
                    yield Row(line.number, (text,) * len(wanted), text, len(text))

    def values(self, row: Row) -> list[Any]:
        """Return the text."""
        return [row.content]
