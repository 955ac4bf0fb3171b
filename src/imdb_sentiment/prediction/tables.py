"""Tables of texts in CSV, JSON Lines or Parquet: read some rows at a time, and written back with two more columns."""

from pathlib import Path
from typing import Final

from imdb_sentiment.prediction.csv_table import CsvTable
from imdb_sentiment.prediction.json_lines_table import JsonLinesTable
from imdb_sentiment.prediction.parquet_table import ParquetTable
from imdb_sentiment.prediction.table import BadRows, Table
from imdb_sentiment.runtime.errors import InputError

SUFFIXES: Final = (".csv", ".jsonl", ".parquet")


def open_table(path: Path, column: str | None, bad: BadRows, encoding: str | None = None) -> Table:
    """Return the table in `path`, whose texts are in `column`, or in the one that looks like it.

    encoding: that of a CSV or JSON Lines file, by default UTF-8. Raises InputError.
    """
    if not path.is_file():
        raise InputError(f"{path}: found no such file; expected a table of reviews")
    match path.suffix.lower():
        case ".csv":
            return CsvTable(path, column, bad, encoding or "utf-8")
        case ".jsonl":
            return JsonLinesTable(path, column, bad, encoding or "utf-8")
        case ".parquet" if encoding is None:
            return ParquetTable(path, column, bad)
        case ".parquet":
            raise InputError(f"--encoding {encoding}: found a Parquet table; expected CSV or JSON Lines")
        case _:
            raise InputError(f"{path}: found no format of tables; expected one of {', '.join(SUFFIXES)}")
