"""Tables in Apache Parquet, by PyArrow."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.tables.files import MAX_UNFOLDED_BYTES, MAX_UNFOLDING, TableFile
from imdb_sentiment.tables.memory import memory_limited
from imdb_sentiment.tables.rows import Added, Answers, Column, Problem, Row, Write, check_width, reading

# Rows decoded at once: a file can store a long value once, and repeat it in every row.
_READ_ROWS: Final = 16
_BUFFER_BYTES: Final = 1_000_000
_LEAST_ROW_BYTES: Final = 5  # a text of one byte, and where it begins
# A few hundred bytes may hold a list of 200 million equal values, or a text of gigabytes whose size the file's footer
# denies. PyArrow takes the memory for whatever it finds.
_MAX_READ_BYTES: Final = 256_000_000
_MAX_MEMORY: Final = 300_000_000  # while they are decoded


@dataclass
class ParquetTable:
    """An Apache Parquet file. The content of a row is a batch, and its place there."""

    file: TableFile
    format: str = "parquet"
    numbered: str = "row"
    encoding: str | None = None
    _done: int = 0

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.file.name

    @property
    def size(self) -> int:
        """The number of rows."""
        with self._open() as file:
            return int(file.metadata.num_rows)

    def position(self) -> int:
        """Return the rows that have been read."""
        return self._done

    def describe(self) -> str:
        """Return the name of the format."""
        return "Parquet"

    def locate(self, row: Row) -> str:
        """Return the row's number."""
        return f"{self.name}, row {row.number}"

    @contextmanager
    def _open(self) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with reading(self.name, "Parquet"):
            try:
                # Buffered ahead, all that was read of the file stays in memory to its end (Arrow's issue 39808).
                with pq.ParquetFile(self.file.path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
                    yield file
            except MemoryError:  # Arrow's is one of its own exceptions, too
                raise
            except (pa.ArrowException, RuntimeError) as error:  # the second are those of the Parquet library
                raise ValueError(str(error)) from error

    def columns(self) -> list[Column]:
        """Return the columns of the schema. Raises InputError."""
        with self._open() as file:
            check_width(self.name, len(file.schema_arrow))
            return [_describe(field) for field in file.schema_arrow]

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Yield all rows, with the values of the columns at the places `wanted`: bytes in UTF-8 as texts.

        Raises InputError.
        """
        self._done = 0
        with self._open() as file:
            self._check_unfolding(file.metadata)
            for batch in self._batches(file):
                columns = [_as_values(batch.column(place)) for place in wanted]
                size = batch.nbytes // max(1, len(batch))
                for place, values in enumerate(zip(*columns, strict=True) if columns else [()] * len(batch)):
                    self._done += 1
                    decoded, problem = _decode(values)
                    yield Row(self._done, decoded, (batch, place), size, problem)

    def _batches(self, file: Any) -> Iterator[Any]:
        """Yield the rows of the open `file`, some at a time. Raises InputError where they are too large."""
        batches = file.iter_batches(batch_size=_READ_ROWS)
        limit = self._limit()
        unfolded = 0
        while True:
            where = f"{self.name}, rows {self._done + 1} to {self._done + _READ_ROWS}"
            too_large = InputError(f"{where}: found more than {_MAX_READ_BYTES:,} bytes; expected fewer")
            try:
                with memory_limited(_MAX_MEMORY):
                    batch = next(batches, None)
            except MemoryError as error:
                raise too_large from error
            if batch is None:
                return
            if batch.nbytes > _MAX_READ_BYTES:
                raise too_large
            unfolded += sum(map(_size_of, batch.columns))
            if unfolded > limit:
                raise self._unfolds()
            yield batch

    def _unfolds(self) -> InputError:
        found = f"{self.file.size:,} bytes that unfold to more than {self._limit():,}"
        return InputError(f"{self.name}: found {found}; expected at most {MAX_UNFOLDING} times as many")

    def values(self, row: Row) -> list[Any]:
        """Return the values of all columns."""
        batch, place = row.content
        try:
            return [column[place].as_py() for column in batch.columns]
        except (ValueError, OverflowError) as error:  # a date that Python does not have
            raise InputError(
                f"{self.locate(row)}: found a value out of range ({error}); expected a smaller one"
            ) from error

    def _limit(self) -> int:
        return max(MAX_UNFOLDED_BYTES, MAX_UNFOLDING * self.file.size)

    def _check_unfolding(self, metadata: Any) -> None:
        if metadata.num_rows * _LEAST_ROW_BYTES > self._limit():
            raise self._unfolds()
        # Not asked of each column: of a damaged one, PyArrow 26 ends the whole process (RowGroupMetaData.column).
        unfolded = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
        if unfolded > self._limit():
            raise self._unfolds()

    @contextmanager
    def writer(self, path: Path, added: Added) -> Iterator[Write]:
        """Open a Parquet file at `path`, and yield a function that writes rows; columns keep their types."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with self._open() as file:
            read_schema = file.schema_arrow
        kept = added.kept(read_schema.names)
        fields = [read_schema.field(place) for place in kept]
        kinds = [pa.string(), *[pa.float64()] * (len(added.names) - 1)]
        fields += [pa.field(name, kind) for name, kind in zip(added.names, kinds, strict=True)]
        schema = pa.schema(fields, read_schema.metadata)
        with pq.ParquetWriter(path, schema) as writer:

            def write(rows: Sequence[Row], answers: Answers) -> None:
                table = pa.Table.from_batches(list(_batches(rows)), read_schema)
                columns = zip(*answers, strict=True) if answers else [()] * len(kinds)
                arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
                # A column of categories has others in each batch.
                table = pa.table([*(table.column(place) for place in kept), *arrays], schema).unify_dictionaries()
                writer.write_table(table)

            yield write


def _size_of(column: Any) -> int:
    """Return the bytes of a column of a batch; of categories, which all batches share, those of their numbers."""
    import pyarrow as pa

    return int((column.indices if pa.types.is_dictionary(column.type) else column).nbytes)


def _batches(rows: Sequence[Row]) -> Iterator[Any]:
    """Yield the rows again as batches, one for those that were read in one."""
    import pyarrow as pa

    for _, group in groupby(rows, key=lambda row: id(row.content[0])):
        found = list(group)
        batch = found[0].content[0]
        places = [row.content[1] for row in found]
        yield batch if len(places) == len(batch) else batch.take(pa.array(places, pa.int64()))


def _describe(field: Any) -> Column:
    from pyarrow import types

    is_number = any(
        check(field.type)
        for check in (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_temporal)
    )
    return Column(field.name, str(field.type), is_number, is_text(field.type))


def is_text(kind: Any) -> bool:
    """Tell whether an Arrow type holds texts, or bytes that may be texts."""
    from pyarrow import types

    value = kind.value_type if types.is_dictionary(kind) else kind
    strings = (types.is_string, types.is_large_string, types.is_string_view)
    bytes_ = (types.is_binary, types.is_large_binary, types.is_binary_view)
    return any(check(value) for check in (*strings, *bytes_))


def _as_values(column: Any) -> list[Any]:
    """Return the values; texts as bytes, since PyArrow decodes them as a whole, and names no row."""
    import pyarrow as pa

    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    values: list[Any] = (plain.cast(pa.large_binary()) if is_text(plain.type) else plain).to_pylist()
    return values


def _decode(values: tuple[Any, ...]) -> tuple[tuple[Any, ...], Problem | None]:
    try:
        return tuple(value.decode() if isinstance(value, bytes) else value for value in values), None
    except UnicodeDecodeError as error:
        return (), (f"bytes that are not UTF-8 at byte {error.start + 1:,}", "text in UTF-8")
