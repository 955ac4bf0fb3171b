"""Writing the rows of a table in another format than they were read in."""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.runtime.extras import check_arrow
from imdb_sentiment.tables.csv_rows import CsvRows
from imdb_sentiment.tables.csv_table import CsvTable
from imdb_sentiment.tables.files import COMPRESSED_SUFFIXES
from imdb_sentiment.tables.formats import SUFFIXES
from imdb_sentiment.tables.json_table import JsonTable
from imdb_sentiment.tables.parquet_table import ParquetTable
from imdb_sentiment.tables.rows import Added, Answers, Row, Table, Write

OUTPUT_SUFFIXES: Final = ".csv, .tsv, .json, .jsonl or .parquet"


def open_writer(table: Table, path: Path, kind: str, added: Added) -> AbstractContextManager[Write]:
    """Return a context with a function that writes rows of `table` with their answers to `path`, in the format `kind`.

    In the table's own format, values are spelled as they were. Raises InputError.
    """
    if kind == table.format and isinstance(table, CsvTable | JsonTable | ParquetTable):
        return table.writer(path, added)
    names = [column.name for column in table.columns()]
    kept = added.kept(names)
    header = [*(names[place] for place in kept), *added.names]
    if kind not in ("csv", "tsv") and (twice := next((name for name in header if header.count(name) > 1), None)):
        raise InputError(f"{table.name}: found two columns {twice}; expected different names in {kind}")
    match kind:
        case "csv" | "tsv":
            return _csv_writer(path, "\t" if kind == "tsv" else ",", header, table, kept)
        case "parquet":
            return _parquet_writer(path, header, table, kept, len(added.names))
        case _:
            return _json_writer(path, kind == "json", header, table, kept)


def find_output_format(option: str, path: Path) -> str:
    """Return the format that the ending of `path` names. Raises InputError; `option` opens its message."""
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        found = path.suffix or "no"
        raise InputError(f"{option} {path}: found {found} format; expected {OUTPUT_SUFFIXES}")
    if kind == "parquet":
        check_arrow(f"{option} {path}")
    return kind


def output_name(table: Table) -> str:
    """Return the name of an output of the table's own format, in the folder of the outputs of several tables."""
    path = Path(table.name)
    while path.suffix.lower() in (*COMPRESSED_SUFFIXES, *SUFFIXES):
        path = path.with_suffix("")
    return f"{path.name}.{table.format}"


def _values(table: Table, row: Row, kept: Sequence[int], answer: tuple[Any, ...]) -> list[Any]:
    values = [None] * len(table.columns()) if row.problem and not row.content else table.values(row)
    return [*(values[place] for place in kept), *answer]


@contextmanager
def _csv_writer(path: Path, separator: str, header: list[str], table: Table, kept: Sequence[int]) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = CsvRows(file, separator)
        writer.write(header)

        def write(rows: Sequence[Row], answers: Answers) -> None:
            for row, answer in zip(rows, answers, strict=True):
                writer.write([_as_field(value) for value in _values(table, row, kept, answer)])

        yield write


def _as_field(value: Any) -> Any:
    """Return what stands for `value` in CSV: text as it is, lists and objects as JSON."""
    value = _as_plain(value)
    if isinstance(value, str):  # a half surrogate cannot be written
        return value.encode("utf-8", "backslashreplace").decode()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else value


@contextmanager
def _json_writer(path: Path, is_array: bool, header: list[str], table: Table, kept: Sequence[int]) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        between = "[\n" if is_array else ""

        def write(rows: Sequence[Row], answers: Answers) -> None:
            nonlocal between
            for row, answer in zip(rows, answers, strict=True):
                values = map(_as_plain, _values(table, row, kept, answer))
                text = json.dumps(dict(zip(header, values, strict=True)), ensure_ascii=False)
                file.write(between + text.encode("utf-8", "backslashreplace").decode())
                between = ",\n" if is_array else "\n"

        yield write
        if is_array:
            file.write("[]\n" if between == "[\n" else "\n]\n")
        elif between:
            file.write("\n")


def _as_plain(value: Any) -> Any:
    """Return `value` as JSON's types: dates and numbers of other kinds as texts, what is not a number as null."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case bytes():
            return value.decode(errors="backslashreplace")
        case dict():
            return {str(key): _as_plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_as_plain(item) for item in value]
        case _:
            return str(value)


@contextmanager
def _parquet_writer(
    path: Path, header: list[str], table: Table, kept: Sequence[int], answers_count: int
) -> Iterator[Write]:
    """Write texts as texts; of JSON, what the first block shows of each column decides its type."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    is_text = table.format in ("csv", "tsv", "lines")
    kinds = [pa.string() if is_text else None] * len(kept) + [pa.string()] + [pa.float64()] * (answers_count - 1)
    writers: list[pq.ParquetWriter] = []

    def write(rows: Sequence[Row], answers: Answers) -> None:
        lists = [_values(table, row, kept, answer) for row, answer in zip(rows, answers, strict=True)]
        columns = list(zip(*lists, strict=True)) if lists else [()] * len(header)
        arrays = [
            _as_array(table, name, values, kind) for name, values, kind in zip(header, columns, kinds, strict=True)
        ]
        try:
            if not writers:
                # A column without a value yet may have texts to come.
                kinds[:] = [pa.string() if array.type == pa.null() else array.type for array in arrays]
                writers.append(pq.ParquetWriter(path, pa.schema(list(zip(header, kinds, strict=True)))))
            cast = [array.cast(kind) for array, kind in zip(arrays, kinds, strict=True)]
            writers[0].write_table(pa.table(cast, writers[0].schema))
        except MemoryError:  # Arrow's is one of its own exceptions, too
            raise
        except pa.ArrowException as error:  # such as an object without keys
            found = f"values that Parquet does not have ({error})"
            raise InputError(f"{table.name}: found {found}; expected others, or an output in .jsonl") from error

    try:
        yield write
        if not writers:
            write([], [])
    finally:
        for writer in writers:
            writer.close()


def _as_array(table: Table, name: str, values: Sequence[Any], kind: Any) -> Any:
    import pyarrow as pa

    if kind == pa.string():
        values = [value if value is None or isinstance(value, str) else _as_field(value) for value in values]
        values = [
            value if value is None else str(value).encode("utf-8", "backslashreplace").decode() for value in values
        ]
    try:
        return pa.array(values, kind)
    except MemoryError:
        raise
    except (pa.ArrowException, OverflowError) as error:
        expected = "values of one type, or an output in .jsonl"
        raise InputError(
            f"{table.name}: found values of several types in {name} ({error}); expected {expected}"
        ) from error
