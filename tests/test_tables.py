"""Tables in each format: read some rows at a time, written back with two columns more, and what is refused."""

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imdb_sentiment.prediction import tables
from imdb_sentiment.prediction.tables import FORMATS, BadRows, open_table
from imdb_sentiment.prediction.texts import MAX_CHARACTERS
from imdb_sentiment.runtime.errors import InputError

ROWS = [
    {"id": "1", "text": 'Good, "really" good\nfilm', "note": "é"},
    {"id": "2", "text": "Bad", "note": ""},
    {"id": "3", "text": "Neither", "note": "x"},
]
SUFFIXES = tuple(FORMATS)


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
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
    match path.suffix:
        case ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file))
        case ".jsonl":
            return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        case _:
            return pq.read_table(path).to_pylist()


def read_texts(path: Path, column: str | None = None, skip: bool = False) -> tuple[list[str], int]:
    bad = BadRows(skip)
    table = open_table(path, column, bad)
    return [text for block in table.blocks() for text in block.texts], bad.count


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("block_rows", [1, 2, 3, 100])
def test_every_row_comes_back_with_two_columns_more(
    tmp_path: Path, suffix: str, block_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BLOCK_ROWS", block_rows)
    table = open_table(write_table(tmp_path / f"table{suffix}", ROWS), None, BadRows(skip=False))
    size = 0
    with table.writer(tmp_path / f"out{suffix}") as write:
        for block in table.blocks():
            assert len(block.texts) <= block_rows
            size += block.size
            write(block, [("positive", 0.5 + len(text) / 100) for text in block.texts])
    assert size == table.size
    written = read_table(tmp_path / f"out{suffix}")
    assert [{name: row[name] for name in ROWS[0]} for row in written] == ROWS
    assert [row["predicted_label"] for row in written] == ["positive"] * 3
    assert [float(row["probability"]) for row in written] == [0.5 + len(row["text"]) / 100 for row in ROWS]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("bad", ["", " \n ", "a\0b", "x" * (MAX_CHARACTERS + 1)])
def test_a_row_without_a_review_is_named_or_left_out(tmp_path: Path, suffix: str, bad: str) -> None:
    path = write_table(tmp_path / f"table{suffix}", [*ROWS, {**ROWS[0], "text": bad}, ROWS[1]])
    # The first review has two lines, which only a CSV table shows.
    where = {".csv": "line ", ".jsonl": "line 4", ".parquet": "row 4"}[suffix]
    with pytest.raises(InputError, match=rf"{path.name}, {where}.*expected a review.*--skip-bad-lines"):
        read_texts(path)
    assert read_texts(path, skip=True) == ([row["text"] for row in [*ROWS, ROWS[1]]], 1)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_null_is_no_review(tmp_path: Path, suffix: str) -> None:
    path = write_table(tmp_path / f"table{suffix}", [ROWS[0], {**ROWS[0], "text": None}])
    with pytest.raises(InputError, match=r"(line|row) 2: found no text; expected a review"):
        read_texts(path)
    assert read_texts(path, skip=True) == ([ROWS[0]["text"]], 1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_column_of_reviews_is_found_or_named(tmp_path: Path, suffix: str) -> None:
    def texts(rows: list[dict[str, Any]], column: str | None = None) -> list[str]:
        return read_texts(write_table(tmp_path / f"table{suffix}", rows), column)[0]

    assert texts([{"id": "7", "Review": "So good"}]) == ["So good"]
    assert texts([{"comment": "one", "text": "other"}]) == ["other"]
    assert texts([{"words": "only one"}]) == ["only one"]
    assert texts([{"one": "a", "other": "b"}], "other") == ["b"]
    with pytest.raises(InputError, match="found the columns one, other; expected one of text, review"):
        texts([{"one": "a", "other": "b"}])
    with pytest.raises(InputError, match="found the columns one, other; expected also third"):
        texts([{"one": "a", "other": "b"}], "third")
    with pytest.raises(InputError, match="found a column probability; expected none"):
        texts([{"text": "a", "probability": "b"}])


def test_a_column_of_numbers_is_no_column_of_reviews(tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.parquet", [{"text": 3, "number": 4}])
    with pytest.raises(InputError, match="found the column text of int64; expected texts"):
        read_texts(path, "text")
    with pytest.raises(InputError, match="found the columns text, number; expected one of"):
        read_texts(path)
    lines = write_table(tmp_path / "table.jsonl", [{"text": "a"}, {"text": 3}, {"other": "a"}])
    assert read_texts(lines, skip=True) == (["a"], 2)
    with pytest.raises(InputError, match="line 2: found int 3; expected a review"):
        read_texts(lines)


@pytest.mark.parametrize(
    ("content", "texts", "line", "said"),
    [
        (b'{"text": "a"}\n\n{"text": broken}\n{"text": "b"}\n', ["a", "b"], 3, "no JSON"),
        (b'{"text": "a"}\n["b"]\n', ["a"], 2, "a JSON list"),
        (b"[" * 100_000 + b"\n" + b'{"text": "a"}', ["a"], 1, "no JSON"),
        (b'{"text": "a"}\n{"text": "\xff"}\n', ["a"], 2, "no JSON"),
    ],
)
def test_a_broken_line_of_json_is_named_or_left_out(
    tmp_path: Path, content: bytes, texts: list[str], line: int, said: str
) -> None:
    path = tmp_path / "table.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"table\.jsonl, line {line}: found.*{said}"):
        read_texts(path)
    assert read_texts(path, skip=True) == (texts, 1)


@pytest.mark.parametrize(
    ("content", "texts", "said"),
    [
        (b"id,text\n1,a\n2\n3,b\n", ["a", "b"], "line 3: found 1 fields; expected 2"),
        (b"id,text\n1,a,b\n", [], "line 2: found 3 fields; expected 2"),
        (b'id,text\n1,a\n2,"never closed\n3,b\n', ["a"], "found what is no CSV"),
        (b'id,text\n1,"a"b\n2,c\n', ["c"], "line 2: found what is no CSV"),
    ],
)
def test_a_broken_row_of_csv_is_named_or_left_out(tmp_path: Path, content: bytes, texts: list[str], said: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_texts(path)
    assert read_texts(path, skip=True) == (texts, 1)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("table.csv", b"", "found nothing; expected the names of the columns"),
        ("table.csv", b"text\nna\xefve\n", "not UTF-8"),
        ("table.parquet", b"PAR1", "cannot be read"),
        ("table.parquet", b"text\na\n", "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read_texts(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))


def test_a_byte_order_mark_and_blank_lines_are_no_content(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(b"\xef\xbb\xbftext\r\n\r\na\r\n")
    assert read_texts(tmp_path / "table.csv") == (["a"], 0)


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_every_kind_of_text_in_parquet_is_taken(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"text": pa.array(["a", "b"]).cast(kind)}), path)
    assert read_texts(path) == (["a", "b"], 0)
    table = open_table(path, None, BadRows(skip=False))
    with table.writer(tmp_path / "out.parquet") as write:
        for block in table.blocks():
            write(block, [("positive", 0.75)] * len(block.texts))
    assert pq.read_table(tmp_path / "out.parquet")["text"].to_pylist() == ["a", "b"]


@pytest.mark.parametrize(("suffix", "header"), [(".csv", "text,predicted_label,probability\n"), (".jsonl", "")])
def test_a_table_without_rows_stays_one(tmp_path: Path, suffix: str, header: str) -> None:
    path = tmp_path / f"table{suffix}"
    path.write_text("text\n" if suffix == ".csv" else "")
    table = open_table(path, None, BadRows(skip=False))
    with table.writer(tmp_path / f"out{suffix}") as write:
        for block in table.blocks():
            write(block, [])
    assert (tmp_path / f"out{suffix}").read_text() == header


def test_half_a_surrogate_pair_in_json_comes_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "table.jsonl").write_text('{"text": "half \\ud800"}\n')
    table = open_table(tmp_path / "table.jsonl", None, BadRows(skip=False))
    with table.writer(tmp_path / "out.jsonl") as write:
        for block in table.blocks():
            write(block, [("negative", 0.25)])
    assert json.loads((tmp_path / "out.jsonl").read_text())["text"] == "half \ud800"


def _lines(count: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            file.write("text\n")
            file.writelines(f"Number {number} is good\n" for number in range(count))

    return write


def test_no_more_than_a_block_is_in_memory(tmp_path: Path) -> None:
    import tracemalloc

    peaks = []
    for count in (20_000, 200_000):
        _lines(count)(tmp_path / "table.csv")
        table = open_table(tmp_path / "table.csv", None, BadRows(skip=False))
        tracemalloc.start()
        assert sum(len(block.texts) for block in table.blocks()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_what_was_read_of_a_parquet_table_does_not_stay_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    texts = pa.array([f"{row} {hashlib.sha512(str(row).encode()).hexdigest()}" for row in range(40_000)])
    pq.write_table(pa.table({"text": texts}), path, row_group_size=2000, use_dictionary=False, compression=None)
    del texts
    before = pa.total_allocated_bytes()
    most = 0
    for _ in open_table(path, None, BadRows(False)).blocks():
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < path.stat().st_size / 2
