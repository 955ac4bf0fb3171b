"""Tables of reviews as files, for the tests of reading tables and of the command line."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment.prediction.table import BadRows, Table
from imdb_sentiment.prediction.tables import open_table

ROWS = [
    {"id": "1", "text": 'Good, "really" good\nfilm', "note": "é"},
    {"id": "2", "text": "Bad", "note": ""},
    {"id": "3", "text": "Neither", "note": "x"},
]


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write `rows` to `path` in the format of its suffix, and return it."""
    match path.suffix:
        case ".csv":
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        case ".jsonl":
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        case _:
            pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def read_table(path: Path) -> list[dict[str, Any]]:
    """Return the rows of the table `path`."""
    match path.suffix:
        case ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file))
        case ".jsonl":
            return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        case _:
            rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
            return rows


def open_strictly(path: Path, encoding: str | None = None) -> Table:
    """Return the table `path`, which refuses bad rows."""
    return open_table(path, None, BadRows(skip=False), encoding)


def read_texts(path: Path, column: str | None = None, skip: bool = False) -> tuple[list[str], int]:
    """Return the texts of the table `path` as prediction reads them, and the number of bad rows."""
    bad = BadRows(skip)
    table = open_table(path, column, bad)
    return [text for block in table.blocks() for text in block.texts], bad.count


def copy_table(path: Path, output: Path, encoding: str | None = None) -> None:
    """Write the table `path` to `output` with a probability of 0.75 for each row."""
    table = open_strictly(path, encoding)
    with table.writer(output) as write:
        for block in table.blocks():
            write(block, [("positive", 0.75)] * len(block.texts))
