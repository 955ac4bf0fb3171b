"""Opening a table: which format a file has, by its name and content, and the reader for it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.runtime.extras import check_arrow
from imdb_sentiment.tables.csv_table import CsvTable
from imdb_sentiment.tables.files import COMPRESSED_SUFFIXES, TableFile
from imdb_sentiment.tables.json_table import JsonTable
from imdb_sentiment.tables.lines_table import LinesTable
from imdb_sentiment.tables.parquet_table import ParquetTable
from imdb_sentiment.tables.rows import Table, reading

FORMATS: Final = ("csv", "tsv", "json", "jsonl", "parquet", "lines")
SUFFIXES: Final = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
EXPECTED: Final = "a table: .csv, .tsv, .json, .jsonl or .parquet, plain or in .gz, .bz2, .xz, .zst or .zip"


@dataclass(frozen=True)
class TableOptions:
    """What the user says of a table, where it is not to be found out.

    format: one of FORMATS; has_header: False if a CSV table has no line with the names of the columns.
    """

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    has_header: bool = True
    text_column: str | None = None


def open_table(file: TableFile | Path, options: TableOptions) -> Table:
    """Return the table in `file`. Nothing but the start of the file is read yet. Raises InputError."""
    if isinstance(file, Path):
        if not file.is_file():
            raise InputError(f"{file}: found no such file; expected {EXPECTED}")
        file = TableFile(file, str(file))
    kind = options.format or _find_format(file)
    if kind not in FORMATS:
        raise InputError(f"--format {kind}: found no such format; expected one of {', '.join(FORMATS)}")
    if kind not in ("csv", "tsv") and (options.delimiter is not None or not options.has_header):
        option = "--no-header" if options.delimiter is None else "--delimiter"
        raise InputError(f"{option}: found a table in {kind}; expected CSV or TSV")
    match kind:
        case "csv" | "tsv":
            separator = _unescape(options.delimiter) or ("\t" if kind == "tsv" else None)
            return CsvTable(file, options.encoding, separator, options.has_header, options.text_column, kind)
        case "json" | "jsonl":
            return JsonTable(file, options.encoding, _kind_of_json(file) if kind == "json" else kind)
        case "lines":
            return LinesTable(file, options.encoding)
        case _ if options.encoding is None:
            check_arrow(file.name)
            return ParquetTable(file.unpacked() if file.compression else file)
        case _:
            raise InputError(f"--encoding {options.encoding}: found a Parquet table; expected a format of text")


def has_table_name(name: str) -> bool:
    """Tell whether a file of this name is a table, such as `reviews.csv.gz`. A ZIP file always counts as one."""
    path = Path(name.lower())
    if path.suffix in COMPRESSED_SUFFIXES:
        return path.suffix == ".zip" or Path(path.stem).suffix in SUFFIXES
    return path.suffix in SUFFIXES


def _find_format(file: TableFile) -> str:
    name = file.inner_name()
    kind = SUFFIXES.get(Path(name).suffix.lower())
    if kind is None:
        raise InputError(f"{file.name}: found no format of tables in its name; expected {EXPECTED} (or --format)")
    return kind


def _kind_of_json(file: TableFile) -> str:
    """Return `json` for an array, `jsonl` for an object per line, which some name `.json` too."""
    with reading(file.name, "JSON"), file.open() as content:
        start = (content.read(4096) or b"").lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")
    return "json" if start.startswith(b"[") else "jsonl"


def _unescape(delimiter: str | None) -> str | None:
    r"""Return the separator that is meant: shells make it hard to type a tab, so `\t` and `tab` are one."""
    if delimiter is None:
        return None
    found = "\t" if delimiter in (r"\t", "tab") else delimiter
    if len(found) != 1 or (re.fullmatch(r'[\w"\s]', found) and found not in ("\t", " ")):
        raise InputError(f"--delimiter {delimiter}: found {len(found)} characters or a letter; expected one such as ;")
    return found
