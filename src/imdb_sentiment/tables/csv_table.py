"""Tables of separated values, by the standard library's reader.

Two other readers were tried on a file in which one quote is never closed. DuckDB 2.0 (70 MB) decides that the file has
no quoting, and leaves the quotes in every text. PyArrow 26 joins the rows up to the next quote to one, and does not
call its handler of invalid rows. Here such a row is named by its first line, and no other row is lost with it.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.tables.columns import is_text_name
from imdb_sentiment.tables.csv_rows import CsvRows
from imdb_sentiment.tables.encodings import find_encoding
from imdb_sentiment.tables.files import Content, TableFile
from imdb_sentiment.tables.lines import MAX_LINE_CHARACTERS, RowLines, open_lines, read_lines
from imdb_sentiment.tables.rows import Added, Answers, Column, Problem, Row, Write, check_width, reading

SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SAMPLE_BYTES: Final = 65_536  # enough to find the separator
_FIELD_CHARACTERS: Final = 50  # what a field takes in memory besides its text


@dataclass
class CsvTable:
    """Rows of values separated by commas, semicolons, tabs or bars, with the names of the columns in the first.

    named_separator: None to find it; has_header: False for columns that are called 1, 2, ...; named_column: of texts,
    by which an only column is known to have a name.
    """

    file: TableFile
    named_encoding: str | None = None
    named_separator: str | None = None
    has_header: bool = True
    named_column: str | None = None
    format: str = "csv"
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

    @cached_property
    def separator(self) -> str:
        """The separator: the one that splits the first row into several fields, and most rows into as many."""
        if self.named_separator is not None:
            return self.named_separator
        with reading(self.name, "separated values"), self.file.open() as content:
            sample = io.BufferedReader(content).read(_SAMPLE_BYTES).decode(self.encoding, errors="replace")
        agreeing: dict[str, int] = {}
        for separator in SEPARATORS:
            rows = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
            header, *others = [len(row) for row in rows if row] or [0]
            if header > 1:
                agreeing[separator] = others.count(header)
        best = [separator for separator, count in agreeing.items() if count == max(agreeing.values())]
        if len(best) > 1:
            found = " and ".join(repr(separator) for separator in best)
            raise InputError(
                f"{self.name}: found the separators {found} in the first line; expected one of them only (--delimiter)"
            )
        return best[0] if best else ","

    @cached_property
    def _names(self) -> list[str]:
        with reading(self.name, "separated values"), self.file.open() as content:
            number, fields, problem = next(self._parsed(content), (1, [], ("nothing", "the names of the columns")))
        if problem:
            raise InputError(f"{self.name}, line {number}: found {problem[0]}; expected {problem[1]}")
        check_width(self.name, len(fields))
        if not self.has_header:
            return [str(place) for place in range(1, len(fields) + 1)]
        # The first of many reviews, or a row with another separator, must not be taken for a name.
        if len(fields) == 1 and not is_text_name(fields[0]) and fields[0] != self.named_column:
            raise InputError(
                f"{self.name}: found the only column {Column(fields[0])}; expected a usual name such as text or review "
                "(--no-header if it is a review, --text-column if it is a name)"
            )
        return fields

    def describe(self) -> str:
        """Return the encoding and the separator."""
        separator = SEPARATORS.get(self.separator, f"{self.separator!r}")
        separated = f", separated by {separator}" if len(self._names) > 1 else ""
        return f"{self.format.upper()} in {self.encoding}{separated}"

    def columns(self) -> list[Column]:
        """Return the columns by the first line. Raises InputError."""
        return [Column(name) for name in self._names]

    def locate(self, row: Row) -> str:
        """Return the line in which a row begins."""
        return f"{self.name}, line {row.number}"

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Yield all rows, with the values of the columns at the places `wanted`. Raises InputError."""
        width = len(self._names)
        with reading(self.name, "separated values"), self.file.open() as content:
            self._content = content
            parsed = self._parsed(content)
            if self.has_header:
                next(parsed)
            for number, fields, problem in parsed:
                characters = sum(map(len, fields)) + _FIELD_CHARACTERS * len(fields)
                if not problem and len(fields) == width:
                    yield Row(number, tuple(fields[place] for place in wanted), fields, characters)
                else:
                    other = f"{len(fields)} fields", f"{width}, as in the first line"
                    kept = [*fields, *[""] * width][:width]
                    yield Row(number, (), kept, characters, problem or other)

    def values(self, row: Row) -> list[Any]:
        """Return the fields."""
        return list(row.content)

    def _parsed(self, content: Content) -> Iterator[tuple[int, list[str], Problem | None]]:
        """Yield each row's first line, its fields, and what is wrong with it.

        A row with broken quotes is left at its first line, so that no other row is lost with it.
        """
        csv.field_size_limit(MAX_LINE_CHARACTERS)
        lines = RowLines(read_lines(open_lines(content, self.encoding, newline="")))
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        while True:
            lines.begin_row()
            fields: list[str] = []
            broken = ""
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                broken = str(error)
            # Quotes come in pairs. A row of several lines with an odd number was closed by the quote of another row.
            if len(lines.row) > 1 and sum(line.text.count('"') for line in lines.row) % 2:
                broken = broken or "a quote is not closed"
            if broken:
                lines.read_again()
            unusable = next((line for line in lines.row if line.problem), None)
            if unusable:
                yield unusable.number, [], unusable.problem
            elif broken:
                yield lines.row[0].number, [], (f"what is not CSV ({broken})", "values with quotes in pairs")
            elif fields:  # an empty line has none
                yield lines.row[0].number, fields, None

    @contextmanager
    def writer(self, path: Path, added: Added) -> Iterator[Write]:
        """Open a CSV file at `path` with this one's separator and encoding, and yield a function that writes rows."""
        kept = added.kept(self._names)
        with path.open("w", encoding=self.encoding, newline="") as file:
            writer = CsvRows(file, self.separator)
            if self.has_header:
                writer.write([*(self._names[place] for place in kept), *added.names])

            def write(rows: Sequence[Row], answers: Answers) -> None:
                for row, answer in zip(rows, answers, strict=True):
                    writer.write([*(row.content[place] for place in kept), *answer])

            yield write
