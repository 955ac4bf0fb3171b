"""Tables in JSON Lines: an object per line."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from imdb_sentiment.prediction.lines import Line, is_utf8, open_lines, read_lines
from imdb_sentiment.prediction.table import (
    ADDED_COLUMNS,
    BLOCK_CHARACTERS,
    BLOCK_ROWS,
    BadRows,
    Block,
    Row,
    Values,
    gather_blocks,
    reading,
)
from imdb_sentiment.prediction.text_column import Column, find_text_column
from imdb_sentiment.prediction.texts import problem_of


class _Object(NamedTuple):
    line: Line
    values: dict[str, Any]


@dataclass
class JsonLinesTable:
    """A JSON object per line."""

    path: Path
    column: str | None
    bad: BadRows
    encoding: str = "utf-8"
    unit: str = "bytes"

    @property
    def size(self) -> int:
        """The bytes of the file."""
        return self.path.stat().st_size

    def blocks(self) -> Iterator[Block]:
        """Yield the rows that can be classified, in order. Raises InputError."""
        # A bare "\r" is white space in JSON, and ends no line.
        with reading(self.path), open_lines(self.path, self.encoding, newline="\n") as file:
            yield from gather_blocks(self._rows(self._objects(read_lines(file))), file.buffer.tell)

    def _objects(self, lines: Iterator[Line]) -> Iterator[_Object]:
        for line in lines:
            if problem := line.problem:
                self._add_bad(line, *problem)
            elif line.text.strip():
                values = self._parse(line)
                if values is not None:
                    yield _Object(line, values)

    def _parse(self, line: Line) -> dict[str, Any] | None:
        try:
            values = json.loads(line.text)
        except (ValueError, RecursionError) as error:
            self._add_bad(line, f"what is not JSON ({error})", "a JSON object")
            return None
        if not isinstance(values, dict):
            self._add_bad(line, f"a JSON {type(values).__name__}", "a JSON object")
            return None
        return values

    def _add_bad(self, line: Line, found: str, expected: str) -> None:
        self.bad.add(f"{self.path}, line {line.number}", found, expected)

    def _rows(self, objects: Iterator[_Object]) -> Iterator[Row]:
        first = _take_block(objects)
        if not first:
            return
        columns = _columns(first)
        name = columns[find_text_column(self.path, columns, self.column)].name
        for line, values in chain(first, objects):
            added = [added for added in ADDED_COLUMNS if added in values]
            problem = f"a key {added[0]}" if added else problem_of(values[name]) if name in values else f"no {name!r}"
            if problem:
                self._add_bad(line, problem, "a review")
            else:
                yield Row(values[name], line.text, 2 * len(line.text))

    @contextmanager
    def writer(self, path: Path) -> Iterator[Callable[[Block, Values], None]]:
        """Open a file of JSON Lines at `path`, and yield a function that writes a block with added values."""
        encoding = "utf-8" if is_utf8(self.encoding) else self.encoding
        with path.open("w", encoding=encoding) as file:

            def write(block: Block, values: Values) -> None:
                for text, added in zip(block.rows, values, strict=True):
                    # Appended to the object as it is spelled: a number keeps its digits, a half surrogate its escape.
                    members = json.dumps(dict(zip(ADDED_COLUMNS, added, strict=True)))
                    file.write(f"{text.rstrip()[:-1].rstrip()}, {members[1:]}\n")

            yield write


def _take_block(objects: Iterator[_Object]) -> list[_Object]:
    taken: list[_Object] = []
    characters = 0
    for found in objects:
        taken.append(found)
        characters += len(found.line.text)
        if len(taken) >= BLOCK_ROWS or characters >= BLOCK_CHARACTERS:
            break
    return taken


def _columns(objects: list[_Object]) -> list[Column]:
    """Return all keys of `objects`, each with the type of its first value that is not a number, or else a number."""
    found: dict[str, Column] = {}
    for _, values in objects:
        for name, value in values.items():
            if name not in found or found[name].is_number:
                found[name] = Column(name, type(value).__name__, isinstance(value, int | float))
    return list(found.values())
