"""The elements of a JSON array, one by one: a file of any size, and no more than one element in memory."""

import json
import re
from collections.abc import Iterator
from io import TextIOWrapper
from typing import Final

from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.tables.lines import MAX_LINE_CHARACTERS, Line, as_line

_BLOCK_CHARACTERS: Final = 1 << 20
# Numbers are not converted here: one of 5,000 digits, which Python refuses, is the problem of its row.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str)
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_EXPECTED: Final = "an array of objects, as in [{...}, {...}]"


def read_elements(file: TextIOWrapper, name: str) -> Iterator[Line]:
    """Yield the elements as they are spelled, numbered from 1.

    Raises InputError where the array is broken: nothing says where the next element begins.
    """
    reader = _Reader(file, name)
    if reader.next_mark() != "[":
        raise InputError(f"{name}: found no JSON array; expected {_EXPECTED}")
    number = 0
    mark = "," if reader.peek() != "]" else reader.next_mark()
    while mark == ",":
        number += 1
        yield as_line(number, reader.element(number), file.encoding, "row")
        mark = reader.next_mark()
    if mark != "]":
        raise InputError(f"{name}, row {number}: found {mark!r} after it; expected a comma or the end of the array")
    if rest := reader.peek():
        raise InputError(f"{name}: found {rest!r} after the array; expected its end")


class _Reader:
    """A window of the file, which moves forwards."""

    def __init__(self, file: TextIOWrapper, name: str) -> None:
        self._file, self._name = file, name
        self._text, self._place = "", 0

    def peek(self) -> str:
        """Return the next character that is not white space, or "" at the end."""
        while True:
            self._place = _SPACE.match(self._text, self._place).end()  # type: ignore[union-attr]
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._read_more():
                return ""

    def next_mark(self) -> str:
        """Return what `peek` returns, and go on after it."""
        mark = self.peek()
        self._place += len(mark)
        return mark

    def element(self, number: int) -> str:
        """Return the text of the element that begins here. Raises InputError."""
        self.peek()
        while True:
            try:
                _, end = _DECODER.raw_decode(self._text, self._place)
                # A number at the window's end may have more digits.
                if end < len(self._text) or not self._read_more():
                    text, self._place = self._text[self._place : end], end
                    return text
            except (ValueError, RecursionError) as error:
                is_long = len(self._text) - self._place > MAX_LINE_CHARACTERS
                if is_long or isinstance(error, RecursionError) or not self._read_more():
                    found = (
                        f"more than {MAX_LINE_CHARACTERS:,} characters" if is_long else f"what is not JSON ({error})"
                    )
                    raise InputError(f"{self._name}, row {number}: found {found}; expected {_EXPECTED}") from error

    def _read_more(self) -> bool:
        more = self._file.read(_BLOCK_CHARACTERS)
        self._text, self._place = self._text[self._place :] + more, 0
        return bool(more)
