"""Tables of texts in CSV, JSON Lines or Parquet: read some rows at a time, and written back with two columns more.

However long a table is, no more than BLOCK_ROWS of it are in memory.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, Protocol

from imdb_sentiment.prediction.texts import MAX_CHARACTERS, problem_of
from imdb_sentiment.runtime.errors import InputError

BLOCK_ROWS: Final = 4096
ADDED_COLUMNS: Final = ("predicted_label", "probability")
# Tried in this order, capitals or not, where no column is named.
TEXT_COLUMNS: Final = ("text", "review", "review_text", "content", "comment", "sentence", "body")
_MAX_LINE_BYTES: Final = 16 * MAX_CHARACTERS  # longer than any row with a text of the allowed length

Values = Sequence[tuple[str, float]]  # the values of ADDED_COLUMNS, a row each


@dataclass
class BadRows:
    """Decides what happens at a row that cannot be classified: the end, or with `skip` it is left out and counted."""

    skip: bool
    count: int = 0

    def add(self, where: str, found: str, expected: str) -> None:
        """Count one. Raises InputError unless such rows are to be skipped."""
        if not self.skip:
            raise InputError(f"{where}: found {found}; expected {expected} (--skip-bad-lines goes on without it)")
        self.count += 1


@dataclass(frozen=True)
class Block:
    """Some rows: their texts, what the format needs to write them again, and how much of the file they took."""

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
        """Yield the rows that can be classified, in their order. Raises InputError."""

    def writer(self, path: Path) -> AbstractContextManager[Callable[[Block, Values], None]]:
        """Open a table of the same format at `path`; what it gives writes a block with the values to add."""


def open_table(path: Path, column: str | None, bad: BadRows) -> Table:
    """Return the table in `path`, whose texts are in `column`, or in the one that looks like it. Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path}: found no such file; expected a table of reviews")
    return FORMATS[path.suffix.lower()](path, column, bad)


@dataclass
class CsvTable:
    """Comma-separated values in UTF-8, names of the columns in the first row."""

    path: Path
    column: str | None
    bad: BadRows
    unit: str = "bytes"
    _header: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The bytes of the file."""
        return self.path.stat().st_size

    def blocks(self) -> Iterator[Block]:
        """Yield the rows that can be classified, in their order. Raises InputError."""
        csv.field_size_limit(_MAX_LINE_BYTES)
        with _reading(self.path), self.path.open("rb") as binary:
            file = TextIOWrapper(binary, encoding="utf-8-sig", newline="")
            reader = csv.reader(file, strict=True)
            self._header = next(reader, [])
            if not self._header:
                raise InputError(f"{self.path}: found nothing; expected the names of the columns in the first line")
            index = self._header.index(find_text_column(self.path, self._header, self._header, self.column))
            texts: list[str] = []
            rows: list[list[str]] = []
            done = 0
            while (row := self._next(reader)) is not None:
                where = f"{self.path}, line {reader.line_num}"
                if not row:
                    continue
                if len(row) != len(self._header):
                    self.bad.add(where, f"{len(row)} fields", f"{len(self._header)}, as in the first line")
                elif problem := problem_of(row[index]):
                    self.bad.add(where, problem, "a review")
                else:
                    texts.append(row[index])
                    rows.append(row)
                if len(rows) == BLOCK_ROWS:
                    at = binary.tell()
                    yield Block(texts, rows, at - done)
                    texts, rows, done = [], [], at
            yield Block(texts, rows, self.size - done)

    def _next(self, reader: Any) -> list[str] | None:
        """Return the next row, an empty one in place of one that is no CSV, or None at the end."""
        try:
            row: list[str] | None = next(reader, None)
        except csv.Error as error:
            self.bad.add(f"{self.path}, line {reader.line_num}", f"what is no CSV ({error})", "comma-separated values")
            return []
        return row

    @contextmanager
    def writer(self, path: Path) -> Iterator[Callable[[Block, Values], None]]:
        """Open a CSV file at `path`; what it gives writes a block with the values to add."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            is_begun = False

            def write(block: Block, values: Values) -> None:
                nonlocal is_begun
                if not is_begun:  # the header is known once a block has been read
                    writer.writerow([*self._header, *ADDED_COLUMNS])
                    is_begun = True
                writer.writerows([*row, *added] for row, added in zip(block.rows, values, strict=True))

            yield write


@dataclass
class JsonLinesTable:
    """A JSON object a line."""

    path: Path
    column: str | None
    bad: BadRows
    unit: str = "bytes"

    @property
    def size(self) -> int:
        """The bytes of the file."""
        return self.path.stat().st_size

    def blocks(self) -> Iterator[Block]:
        """Yield the rows that can be classified, in their order. Raises InputError."""
        column: str | None = None
        texts: list[str] = []
        rows: list[dict[str, Any]] = []
        size = 0
        for number, line in enumerate(self._lines(), 1):
            size += len(line)
            row = self._parse(line, f"{self.path}, line {number}") if line.strip() else None
            if row is not None:
                if column is None:
                    named = [name for name, value in row.items() if isinstance(value, str)]
                    column = find_text_column(self.path, list(row), named, self.column)
                problem = problem_of(row[column]) if column in row else f"no {column!r}"
                if problem:
                    self.bad.add(f"{self.path}, line {number}", problem, "a review")
                else:
                    texts.append(row[column])
                    rows.append(row)
            if len(rows) == BLOCK_ROWS:
                yield Block(texts, rows, size)
                texts, rows, size = [], [], 0
        yield Block(texts, rows, size)

    def _lines(self) -> Iterator[bytes]:
        with _reading(self.path), self.path.open("rb") as file:
            while line := file.readline(_MAX_LINE_BYTES):
                yield line

    def _parse(self, line: bytes, where: str) -> dict[str, Any] | None:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            self.bad.add(where, f"what is no JSON ({error})", "a JSON object")
            return None
        if not isinstance(row, dict):
            self.bad.add(where, f"a JSON {type(row).__name__}", "a JSON object")
            return None
        return row

    @contextmanager
    def writer(self, path: Path) -> Iterator[Callable[[Block, Values], None]]:
        """Open a file of JSON Lines at `path`; what it gives writes a block with the values to add."""
        # Half of a surrogate pair, which JSON can spell and UTF-8 cannot, is spelled as it was.
        with path.open("w", encoding="utf-8", errors="backslashreplace") as file:

            def write(block: Block, values: Values) -> None:
                for row, added in zip(block.rows, values, strict=True):
                    both = row | dict(zip(ADDED_COLUMNS, added, strict=True))
                    file.write(json.dumps(both, ensure_ascii=False) + "\n")

            yield write


@dataclass
class ParquetTable:
    """An Apache Parquet file."""

    path: Path
    column: str | None
    bad: BadRows
    unit: str = "reviews"

    @property
    def size(self) -> int:
        """The number of rows."""
        import pyarrow.parquet as pq

        with _reading(self.path), pq.ParquetFile(self.path) as file:
            return int(file.metadata.num_rows)

    def blocks(self) -> Iterator[Block]:
        """Yield the rows that can be classified, in their order. Raises InputError."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        # Buffered ahead, all that was read of the file stays in memory to its end (Arrow's issue 39808).
        with _reading(self.path), pq.ParquetFile(self.path, pre_buffer=False) as file:
            schema = file.schema_arrow
            named = [its.name for its in schema if _is_text(its.type)]
            column = find_text_column(self.path, schema.names, named, self.column)
            if column not in named:
                raise InputError(
                    f"{self.path}: found the column {column} of {schema.field(column).type}; expected texts"
                )
            done = 0
            for batch in file.iter_batches(batch_size=BLOCK_ROWS):
                texts = batch[column].cast(pa.string()).to_pylist()
                problems = [problem_of(text) for text in texts]
                for row, problem in enumerate(problems, done + 1):
                    if problem:
                        self.bad.add(f"{self.path}, row {row}", problem, "a review")
                kept = batch.filter(pa.array([problem is None for problem in problems], pa.bool_()))
                good = [text for text, problem in zip(texts, problems, strict=True) if problem is None]
                yield Block(good, kept, len(batch))
                done += len(batch)

    @contextmanager
    def writer(self, path: Path) -> Iterator[Callable[[Block, Values], None]]:
        """Open a Parquet file at `path`; what it gives writes a block with the values to add."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with _reading(self.path), pq.ParquetFile(self.path) as file:
            schema = file.schema_arrow
        for name, kind in zip(ADDED_COLUMNS, (pa.string(), pa.float64()), strict=True):
            schema = schema.append(pa.field(name, kind))
        with pq.ParquetWriter(path, schema) as writer:

            def write(block: Block, values: Values) -> None:
                labels, probabilities = zip(*values, strict=True) if values else ((), ())
                added = [pa.array(labels, pa.string()), pa.array(probabilities, pa.float64())]
                writer.write_batch(pa.RecordBatch.from_arrays([*block.rows.columns, *added], schema=schema))

            yield write


FORMATS: Final[Mapping[str, Callable[[Path, str | None, BadRows], Table]]] = {
    ".csv": CsvTable,
    ".jsonl": JsonLinesTable,
    ".parquet": ParquetTable,
}


def find_text_column(path: Path, names: Sequence[str], texts: Sequence[str], wanted: str | None) -> str:
    """Return which of the columns `names` has the reviews: the `wanted` one, a usual name, or the only one of `texts`.

    Raises InputError if that cannot be told, or a column has the name of one that is to be added.
    """
    listed = ", ".join(names) or "none"
    for name in ADDED_COLUMNS:
        if name in names:
            raise InputError(f"{path}: found a column {name}; expected none, since one of that name is added")
    if wanted is not None:
        if wanted not in names:
            raise InputError(f"{path}: found the columns {listed}; expected also {wanted}, which --text-column names")
        return wanted
    lower = {name.lower(): name for name in reversed(texts)}
    usual = [lower[name] for name in TEXT_COLUMNS if name in lower]
    if usual or len(texts) == 1:
        return usual[0] if usual else texts[0]
    raise InputError(
        f"{path}: found the columns {listed}; expected one of {', '.join(TEXT_COLUMNS)} (--text-column names another)"
    )


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    value = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(value) or types.is_large_string(value))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what reading `path` raises into an InputError."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: found bytes that are not UTF-8 ({error.reason}); expected text in UTF-8") from error
    except (ValueError, OSError) as error:  # Arrow's errors are one of the two
        raise InputError(f"{path}: found what cannot be read ({error}); expected a {path.suffix} table") from error
