"""Tables in JSON: an object per line, or an array of objects."""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from imdb_sentiment.runtime.errors import InputError
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
    Problem,
    Row,
    Write,
    check_width,
    reading,
    shorten,
)

# A value of a few characters, such as [], takes a hundred bytes in memory; each has a comma or a bracket.
_MAX_MARKS: Final = 2_000_000
_MAX_DEPTH: Final = 100


class _Object(NamedTuple):
    """An object as it is spelled, and its keys. Its values would take far more memory, and are parsed again."""

    text: str
    keys: tuple[str, ...]


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
        first_problem: Row | None = None
        characters = 0
        for count, (row, members) in enumerate(self._objects()):
            if count >= BLOCK_ROWS or characters >= BLOCK_CHARACTERS:
                break
            characters += row.characters
            first_problem = first_problem or (row if row.problem else None)
            for name, value in members.items():
                if name not in found or found[name].is_number:
                    found[name] = Column(name, type(value).__name__, isinstance(value, int | float))
            check_width(self.name, len(found))
        if not found and first_problem and first_problem.problem:
            problem, expected = first_problem.problem
            raise InputError(f"{self.locate(first_problem)}: found {problem}; expected {expected}")
        return list(found.values())

    def columns(self) -> list[Column]:
        """Return the keys of the first few thousand objects. Raises InputError."""
        return self._first

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Yield all objects, with the values of the keys at the places `wanted`: None for one that is not there."""
        names = [self._first[place].name for place in wanted]
        for row, members in self._objects():
            yield row if row.problem else row._replace(values=tuple(members.get(name) for name in names))

    def values(self, row: Row) -> list[Any]:
        """Return the values of the columns. Raises InputError for a row with another key, which would be lost."""
        found = {} if row.problem else json.loads(row.content.text)
        values = [found.pop(column.name, None) for column in self._first]
        if found:
            key = shorten(next(iter(found)))
            raise InputError(
                f"{self.locate(row)}: found the key {key}, which no row before has; expected an output in .json or "
                ".jsonl, or the same keys from the first row on"
            )
        return values

    def _objects(self) -> Iterator[tuple[Row, dict[str, Any]]]:
        with reading(self.name, self.describe()), self.file.open() as content:
            self._content = content
            # A bare "\r" is white space in JSON, and ends no line.
            file = open_lines(content, self.encoding, newline="\n")
            for line in read_lines(file) if self.format == "jsonl" else read_elements(file, self.name):
                if line.problem or line.text.strip():
                    yield _parse(line)

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
        text, keys = ("{}", ()) if row.problem else row.content
        members = json.dumps(dict(zip(added.names, answer, strict=True)))[1:]
        if any(name in keys for name in added.names):
            values = {name: value for name, value in json.loads(text).items() if name not in added.names}
            text, keys = _spell(values), tuple(values)
        # Otherwise as it is spelled: a number keeps its digits, a half surrogate its escape.
        return f"{text[:-1].rstrip()}{', ' if keys else ''}{members}"


def _parse(line: Line) -> tuple[Row, dict[str, Any]]:
    """Return the object in `line` as a row, and its members. A row with a problem has none."""
    size = 2 * len(line.text)
    problem = line.problem
    constants: list[str] = []
    values: Any = None
    if problem is None and len(line.text) > _MAX_MARKS and sum(map(line.text.count, ",[{")) > _MAX_MARKS:
        problem = f"more than {_MAX_MARKS:,} commas and brackets", "a row with fewer values"
    if problem is None:
        try:
            values = json.loads(line.text, parse_constant=constants.append)
        except (ValueError, RecursionError) as error:
            problem = f"what is not JSON ({error})", "a JSON object"
        else:
            problem = _problem_of(values, sum(map(line.text.count, "[{")))
    if problem is not None:
        return Row(line.number, (), None, size, problem), {}
    # NaN and Infinity, which Python writes, are not JSON: null takes their place.
    text = _spell(values) if constants else line.text.strip()
    return Row(line.number, (), _Object(text, tuple(values)), size), values


def _problem_of(values: Any, brackets: int) -> Problem | None:
    if not isinstance(values, dict):
        return f"a JSON {type(values).__name__}", "a JSON object"
    level: list[Any] = [values] if brackets > _MAX_DEPTH else []
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    return ("values nested too deep", f"a depth of at most {_MAX_DEPTH}") if level else None


def _spell(value: Any) -> str:
    """Return `value` as JSON, with null for a number such as 1e999, which Python takes for infinity."""
    return json.dumps(_without_infinity(value), ensure_ascii=False)


def _without_infinity(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_infinity(item) for key, item in value.items()}
        case list():
            return [_without_infinity(item) for item in value]
        case float():
            return value if math.isfinite(value) else None
    return value
