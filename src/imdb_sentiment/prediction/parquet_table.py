"""Tables in Apache Parquet, by PyArrow."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.prediction.table import (
    ADDED_COLUMNS,
    BLOCK_CHARACTERS,
    BLOCK_ROWS,
    BadRows,
    Block,
    Values,
    reading,
)
from imdb_sentiment.prediction.text_column import Column, find_text_column
from imdb_sentiment.prediction.texts import problem_of
from imdb_sentiment.runtime.errors import InputError

# Rows decoded at once: a file can store a long value once, and repeat it in every row.
_READ_ROWS: Final = 16
# A column is refused if it decompresses to more bytes than the first, and to more than the second times its bytes.
_MAX_UNFOLDED_BYTES: Final = 16_000_000
_MAX_UNFOLDING: Final = 200
_BUFFER_BYTES: Final = 1_000_000


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
        with self._open() as file:
            return int(file.metadata.num_rows)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        import pyarrow.parquet as pq

        # Buffered ahead, all that was read of the file stays in memory to its end (Arrow's issue 39808).
        with reading(self.path), pq.ParquetFile(self.path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
            yield file

    def blocks(self) -> Iterator[Block]:
        """Yield the rows that can be classified, in order. Raises InputError."""
        with self._open() as file:
            index = find_text_column(self.path, [_describe(field) for field in file.schema_arrow], self.column)
            self._check_type(file.schema_arrow.field(index))
            self._check_unfolding(file.metadata)
            texts: list[str] = []
            batches: list[Any] = []
            done = start = stored = 0
            for batch in file.iter_batches(batch_size=min(_READ_ROWS, BLOCK_ROWS)):
                good_texts, good_rows = self._good_rows(batch, index, done + 1)
                texts += good_texts
                batches.append(good_rows)
                done += len(batch)
                stored += batch.nbytes
                if len(texts) >= BLOCK_ROWS or stored >= BLOCK_CHARACTERS:
                    yield Block(texts, batches, done - start)
                    texts, batches, start, stored = [], [], done, 0
            yield Block(texts, batches, done - start)

    def _good_rows(self, batch: Any, index: int, first: int) -> tuple[list[str], Any]:
        import pyarrow as pa

        texts: list[str] = []
        is_good: list[bool] = []
        for row, value in enumerate(_as_bytes(batch.column(index)).to_pylist(), first):
            text, problem = _decode(value)
            if problem:
                self.bad.add(f"{self.path}, row {row}", problem, "a review")
            else:
                texts.append(text)
            is_good.append(not problem)
        return texts, batch if all(is_good) else batch.filter(pa.array(is_good))

    def _check_type(self, field: Any) -> None:
        if not _is_text(field.type):
            raise InputError(
                f"{self.path}: found the column {field.name} of type {field.type}; expected strings, or bytes in UTF-8"
            )

    def _check_unfolding(self, metadata: Any) -> None:
        for group in range(metadata.num_row_groups):
            for index in range(metadata.num_columns):
                column = metadata.row_group(group).column(index)
                stored, unfolded = column.total_compressed_size, column.total_uncompressed_size
                if unfolded > max(_MAX_UNFOLDED_BYTES, _MAX_UNFOLDING * stored):
                    raise InputError(
                        f"{self.path}: found {stored:,} bytes that unfold to {unfolded:,} in the column "
                        f"{column.path_in_schema}; expected at most {_MAX_UNFOLDING} times as many"
                    )

    @contextmanager
    def writer(self, path: Path) -> Iterator[Callable[[Block, Values], None]]:
        """Open a Parquet file at `path`, and yield a function that writes a block with added values."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with self._open() as file:
            read_schema = schema = file.schema_arrow
        kinds = (pa.string(), pa.float64())
        for name, kind in zip(ADDED_COLUMNS, kinds, strict=True):
            schema = schema.append(pa.field(name, kind))
        with pq.ParquetWriter(path, schema) as writer:

            def write(block: Block, values: Values) -> None:
                rows = pa.Table.from_batches(block.rows, read_schema)
                added = zip(*values, strict=True) if values else ((), ())
                arrays = [pa.array(column, kind) for column, kind in zip(added, kinds, strict=True)]
                # A column of categories has others in each batch.
                table = pa.table([*rows.columns, *arrays], schema).unify_dictionaries()
                writer.write_table(table)

            yield write


def _describe(field: Any) -> Column:
    from pyarrow import types

    is_number = any(
        check(field.type)
        for check in (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_temporal)
    )
    return Column(field.name, str(field.type), is_number)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    value = kind.value_type if types.is_dictionary(kind) else kind
    strings = (types.is_string, types.is_large_string, types.is_string_view)
    bytes_ = (types.is_binary, types.is_large_binary, types.is_binary_view)
    return any(check(value) for check in (*strings, *bytes_))


def _as_bytes(column: Any) -> Any:
    """Return a column of texts as `large_binary`: PyArrow decodes it as a whole, and names no row."""
    import pyarrow as pa

    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    return plain.cast(pa.large_binary())


def _decode(value: bytes | None) -> tuple[str, str | None]:
    """Return the text, and why it cannot be classified."""
    if value is None:
        return "", problem_of(None)
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        return "", f"bytes that are not UTF-8 at byte {error.start + 1:,}"
    return text, problem_of(text)
