"""Tables in JSON: an object per line, or an array of objects."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from imdb_sentiment.tables.encodings import find_encoding
from imdb_sentiment.tables.files import Content, TableFile
from imdb_sentiment.tables.json_array import read_elements
from imdb_sentiment.tables.lines import Line, open_lines, read_lines
from imdb_sentiment.tables.rows import (
    BLOCK_CHARACTERS,
    BLOCK_ROWS,
    Added,
    Answers,
    Column,
    Row,
    Write,
    reading,
)


class _Object(NamedTuple):
    """An object as it is spelled, and its members."""

    text: str
    values: dict[str, Any]


@dataclass
class JsonTable:
    """JSON objects, one per line (`jsonl`) or in an array (`json`); their keys are the columns."""

    file: TableFile
    named_encoding: str | None = None
    format: str = "jsonl"
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
        """Return the kind and the encoding."""
        return f"{'JSON Lines' if self.format == 'jsonl' else 'JSON'} in {self.encoding}"

    @property
    def numbered(self) -> str:
        """What the number of a row counts."""
        return "line" if self.format == "jsonl" else "row"

    def locate(self, row: Row) -> str:
        """Return the line of a row, or its place in the array."""
        return f"{self.name}, {self.numbered} {row.number}"

    @cached_property
    def _first(self) -> list[Column]:
        """The keys of the first block, each with the type of its first value that is not a number, or else a number."""
        found: dict[str, Column] = {}
        characters = 0
        for count, row in enumerate(self._objects()):
            if count >= BLOCK_ROWS or characters >= BLOCK_CHARACTERS:
                break
            characters += row.characters
            for name, value in ({} if row.problem else row.content.values).items():
                if name not in found or found[name].is_number:
                    found[name] = Column(name, type(value).__name__, isinstance(value, int | float))
        return list(found.values())

    def columns(self) -> list[Column]:
        """Return the keys of the first few thousand objects. Raises InputError."""
        return self._first

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Yield all objects, with the values of the keys at the places `wanted`: None for one that is not there."""
        names = [self._first[place].name for place in wanted]
        for row in self._objects():
            if row.problem:
                yield row
            else:
                yield row._replace(values=tuple(row.content.values.get(name) for name in names))

    def values(self, row: Row) -> list[Any]:
        """Return the values of the columns."""
        found = {} if row.problem else row.content.values
        return [found.get(column.name) for column in self._first]

    def _objects(self) -> Iterator[Row]:
        with reading(self.name, self.describe()), self.file.open() as content:
            self._content = content
            # A bare "\r" is white space in JSON, and ends no line.
            file = open_lines(content, self.encoding, newline="\n")
            for line in read_lines(file) if self.format == "jsonl" else read_elements(file, self.name):
                if line.problem or line.text.strip():
                    yield _as_row(line)

    @contextmanager
    def writer(self, path: Path, added: Added) -> Iterator[Write]:
        """Open a file of the same kind at `path`, and yield a function that writes objects with their answers."""
        is_array = self.format == "json"
        with path.open("w", encoding=self.encoding, newline="\n") as file:
            start, between, end = ("[\n", ",\n", "\n]\n") if is_array else ("", "\n", "\n")
            file.write(start)
            is_first = True

            def write(rows: Sequence[Row], answers: Answers) -> None:
                nonlocal is_first
                for row, answer in zip(rows, answers, strict=True):
                    file.write(("" if is_first else between) + self._with_members(row, added, answer))
                    is_first = False

            yield write
            if is_array or not is_first:
                file.write(end)

    def _with_members(self, row: Row, added: Added, answer: tuple[Any, ...]) -> str:
        text, values = ("{}", {}) if row.problem else row.content
        members = json.dumps(dict(zip(added.names, answer, strict=True)))[1:]
        if any(name in values for name in added.names):
            values = {name: value for name, value in values.items() if name not in added.names}
            text = json.dumps(values, ensure_ascii=False)
        # Otherwise as it is spelled: a number keeps its digits, a half surrogate its escape.
        return f"{text[:-1].rstrip()}{', ' if values else ''}{members}"


def _as_row(line: Line) -> Row:
    size = 2 * len(line.text)
    if line.problem:
        return Row(line.number, (), None, size, line.problem)
    constants: list[str] = []
    try:
        values = json.loads(line.text, parse_constant=constants.append)
    except (ValueError, RecursionError) as error:
        return Row(line.number, (), None, size, (f"what is not JSON ({error})", "a JSON object"))
    if not isinstance(values, dict):
        return Row(line.number, (), None, size, (f"a JSON {type(values).__name__}", "a JSON object"))
    # NaN and Infinity, which Python writes, are not JSON: null takes their place.
    text = json.dumps(values, ensure_ascii=False) if constants else line.text.strip()
    return Row(line.number, (), _Object(text, values), size)
