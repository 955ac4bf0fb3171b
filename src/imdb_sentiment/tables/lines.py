"""The lines of a text file, one by one; one that is too long or cannot be decoded is marked, and not held in memory."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from typing import Final

from imdb_sentiment.tables.files import Content
from imdb_sentiment.tables.rows import Problem
from imdb_sentiment.tables.texts import MAX_CHARACTERS

MAX_LINE_CHARACTERS: Final = 16 * MAX_CHARACTERS  # longer than any row with a text of the allowed length
_BUFFER_BYTES: Final = 1 << 18
_UNDECODED: Final = re.compile("[\udc80-\udcff]")  # how the error handler `surrogateescape` spells a byte


@dataclass(frozen=True)
class Line:
    """A line with its ending, numbered from 1.

    problem: what was found and what was expected, for a line that cannot be used; the text is then not to be read.
    """

    number: int
    text: str
    problem: Problem | None = None


def open_lines(content: Content, encoding: str, newline: str) -> TextIOWrapper:
    """Open `content` for `read_lines`; `newline` is that of `open`. A byte order mark at the start is not content."""
    decoder = "utf-8-sig" if encoding == "utf-8" else encoding
    return TextIOWrapper(BufferedReader(content, _BUFFER_BYTES), decoder, "surrogateescape", newline)


def read_lines(file: TextIOWrapper) -> Iterator[Line]:
    """Yield the lines of a file that `open_lines` opened."""
    number = 0
    while text := file.readline(MAX_LINE_CHARACTERS + 1):
        number += 1
        if len(text) > MAX_LINE_CHARACTERS:
            yield Line(number, "\n", (f"more than {MAX_LINE_CHARACTERS:,} characters", "a shorter line"))
            _skip_rest(file, text)
        else:
            yield as_line(number, text, file.encoding, "line")


def as_line(number: int, text: str, encoding: str, unit: str) -> Line:
    """Return the line, with a problem if it has a byte that `encoding` does not have; `unit` is what it is called."""
    if text.isascii() or not (match := _UNDECODED.search(text)):
        return Line(number, text)
    found, encoding = ord(match[0]) - 0xDC00, encoding.removesuffix("-sig")
    place = len(text[: match.start()].encode(encoding, "surrogateescape")) + 1
    expected = f"text in {encoding}, or --encoding with another, such as cp1252"
    return Line(number, text, (f"the byte 0x{found:02x} at byte {place:,} of the {unit}", expected))


def _skip_rest(file: TextIOWrapper, text: str) -> None:
    while text and not text.endswith(("\n", "\r")):
        text = file.readline(MAX_LINE_CHARACTERS)


class RowLines:
    """Hands lines to `csv.reader`, and remembers those of the current row, to hand out all but the first again."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: deque[Line] = deque()
        self._characters = 0
        self.row: list[Line] = []

    def begin_row(self) -> None:
        """Forget the lines of the last row."""
        self.row, self._characters = [], 0

    def read_again(self) -> None:
        """Take all lines but the first out of the row, and hand them out once more."""
        self._again.extendleft(reversed(self.row[1:]))
        del self.row[1:]

    def __iter__(self) -> "RowLines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.row.append(line)
        self._characters += len(line.text)
        if self._characters > MAX_LINE_CHARACTERS:
            raise csv.Error(f"more than {MAX_LINE_CHARACTERS:,} characters without an end")
        return line.text
