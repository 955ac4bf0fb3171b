"""Tables of reviews as files, for the tests of reading tables and of the command line."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment.tables.columns import find_text_column
from imdb_sentiment.tables.formats import TableOptions, open_table
from imdb_sentiment.tables.rows import BLOCK_ROWS, Added, Table, in_blocks
from imdb_sentiment.tables.texts import problem_of
from imdb_sentiment.tables.writers import find_output_format, open_writer

ADDED = Added(("predicted_label", "probability"))

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet")
ROWS = [
    {"id": "1", "text": 'Good, "really" good\nfilm', "note": "é"},
    {"id": "2", "text": "Bad", "note": ""},
    {"id": "3", "text": "Neither", "note": "x"},
]


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write `rows` to `path` in the format of its suffix, and return it."""
    match path.suffix:
        case ".csv" | ".tsv":
            with path.open("w", encoding="utf-8", newline="") as file:
                delimiter = "\t" if path.suffix == ".tsv" else ","
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n", delimiter=delimiter)
                writer.writeheader()
                writer.writerows(rows)
        case ".jsonl":
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        case ".json":
            path.write_text(json.dumps(rows, ensure_ascii=False, indent=2), encoding="utf-8")
        case _:
            pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def read_table(path: Path) -> list[dict[str, Any]]:
    """Return the rows of the table `path`."""
    match path.suffix:
        case ".csv" | ".tsv":
            with path.open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
        case ".jsonl":
            return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        case ".json":
            objects: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
            return objects
        case _:
            rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
            return rows


def open_plainly(path: Path, **options: Any) -> Table:
    """Return the table `path`."""
    return open_table(path, TableOptions(**options))


def read_texts(path: Path, column: str | None = None, **options: Any) -> tuple[list[str], int]:
    """Return the texts of the table `path`, and how many rows have none."""
    found = list(_read(path, column, options))
    texts = [text for text, problem in found if not problem]
    return texts, len(found) - len(texts)


def read_problems(path: Path, column: str | None = None, **options: Any) -> list[str]:
    """Return what is wrong with the rows of the table `path` that have no text, such as `line 3: found …`."""
    return [problem for _, problem in _read(path, column, options) if problem]


def _read(path: Path, column: str | None, options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    table = open_plainly(path, text_column=column, **options)
    place = find_text_column(table.name, table.columns(), column)
    for row in table.rows([place]):
        found, expected = row.problem or (problem_of(row.values[0]), "a review")
        where = table.locate(row).removeprefix(f"{table.name}, ")
        yield row.values[0] if row.values else "", f"{where}: found {found}; expected {expected}" if found else ""


def copy_table(path: Path, output: Path, added: Added = ADDED, block_rows: int = BLOCK_ROWS, **options: Any) -> None:
    """Write the table `path` to `output`, in the format of its ending, with a probability of 0.75 for each row."""
    table = open_plainly(path, **options)
    with open_writer(table, output, find_output_format("output", output), added) as write:
        for block in in_blocks(table.rows([]), block_rows):
            write(block, [("positive", 0.75)] * len(block))
