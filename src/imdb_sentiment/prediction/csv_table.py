"""Tables of comma-separated values, by the standard library's reader.

Two other readers were tried on a file in which one quote is never closed. DuckDB 2.0 (70 MB) decides that the file has
no quoting, and leaves the quotes in every text. PyArrow 26 joins the rows up to the next quote to one, and does not
call its handler of invalid rows. Here such a row is named by its first line, and no other row is lost with it.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from imdb_sentiment.prediction.lines import MAX_LINE_CHARACTERS, RowLines, is_utf8, open_lines, read_lines
from imdb_sentiment.prediction.table import ADDED_COLUMNS, BadRows, Block, Row, Values, gather_blocks, reading
from imdb_sentiment.prediction.text_column import Column, find_text_column
from imdb_sentiment.prediction.texts import problem_of
from imdb_sentiment.runtime.errors import InputError

_SEPARATORS: Final = (",", ";", "\t", "|")
_SAMPLE_BYTES: Final = 65_536  # enough to find the separator
_PLAIN_NAME: Final = re.compile(r"[\w-]+")


@dataclass
class CsvTable:
    """Rows of values separated by commas, semicolons, tabs or bars, with the names of the columns in the first."""

    path: Path
    column: str | None
    bad: BadRows
    encoding: str = "utf-8"
    unit: str = "bytes"
    _separator: str = ","
    _header: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The bytes of the file."""
        return self.path.stat().st_size

    def blocks(self) -> Iterator[Block]:
        """Yield the rows that can be classified, in order. Raises InputError."""
        csv.field_size_limit(MAX_LINE_CHARACTERS)
        with reading(self.path), open_lines(self.path, self.encoding, newline="") as file:
            self._separator = self._find_separator()
            rows = self._rows(RowLines(read_lines(file)))
            self._header = self._read_header(rows)
            index = self._find_text_column()
            good = (
                Row(fields[index], fields, sum(map(len, fields)))
                for number, fields in rows
                if self._is_good(number, fields, index)
            )
            yield from gather_blocks(good, file.buffer.tell)

    def _find_separator(self) -> str:
        """Return the separator that splits the first row into several fields, and most rows into as many."""
        with self.path.open("rb") as binary:
            sample = binary.read(_SAMPLE_BYTES).decode(self.encoding, errors="replace")
        agreeing: dict[str, int] = {}
        for separator in _SEPARATORS:
            rows = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
            header, *others = [len(row) for row in rows if row] or [0]
            if header > 1:
                agreeing[separator] = others.count(header)
        best = [separator for separator, count in agreeing.items() if count == max(agreeing.values())]
        if len(best) > 1:
            found = " and ".join(repr(separator) for separator in best)
            raise InputError(f"{self.path}: found the separators {found} in the first line; expected one of them only")
        return best[0] if best else ","

    def _rows(self, lines: RowLines) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of each row's first line, and its fields.

        A row with broken quotes is left at its first line, so that no other row is lost with it.
        """
        reader = csv.reader(lines, delimiter=self._separator, strict=True)
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
            first = lines.row[0]
            unusable = next((line for line in lines.row if line.problem), None)
            if unusable and unusable.problem:
                self._add_bad(unusable.number, *unusable.problem)
            elif broken:
                self._add_bad(first.number, f"what is not CSV ({broken})", "values with quotes in pairs")
            elif fields:  # an empty line has none
                yield first.number, fields

    def _add_bad(self, number: int, found: str, expected: str) -> None:
        where = f"{self.path}, line {number}"
        if not self._header:
            raise InputError(f"{where}: found {found}; expected {expected}")
        self.bad.add(where, found, expected)

    def _read_header(self, rows: Iterator[tuple[int, list[str]]]) -> list[str]:
        _, header = next(rows, (1, []))
        if not header:
            raise InputError(f"{self.path}: found nothing; expected the names of the columns in the first line")
        return header

    def _find_text_column(self) -> int:
        index = find_text_column(self.path, [Column(name) for name in self._header], self.column)
        # The first of many reviews, or a row with another separator, is not a name.
        if self.column is None and not _PLAIN_NAME.fullmatch(self._header[index].strip()):
            raise InputError(
                f"{self.path}: found the only column {Column(self._header[index])}; expected the names of the columns "
                "in the first line (--text-column confirms that this is one)"
            )
        return index

    def _is_good(self, number: int, fields: list[str], index: int) -> bool:
        if len(fields) != len(self._header):
            self._add_bad(number, f"{len(fields)} fields", f"{len(self._header)}, as in the first line")
        elif problem := problem_of(fields[index]):
            self._add_bad(number, problem, "a review")
        else:
            return True
        return False

    @contextmanager
    def writer(self, path: Path) -> Iterator[Callable[[Block, Values], None]]:
        """Open a CSV file at `path`, and yield a function that writes a block with added values."""
        encoding = "utf-8" if is_utf8(self.encoding) else self.encoding
        with path.open("w", encoding=encoding, newline="") as file:

            def write(block: Block, values: Values) -> None:
                # Separator and header are known once a block has been read.
                writer = csv.writer(file, delimiter=self._separator, lineterminator="\n")
                if not file.tell():
                    writer.writerow([*self._header, *ADDED_COLUMNS])
                writer.writerows([*fields, *added] for fields, added in zip(block.rows, values, strict=True))

            yield write
