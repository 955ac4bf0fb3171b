"""Tables in each format: read in blocks, written back with two more columns, and never the wrong column or row."""

import csv
import io
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_sentiment.prediction import json_lines_table, parquet_table, table
from imdb_sentiment.prediction.tables import SUFFIXES
from imdb_sentiment.prediction.texts import MAX_CHARACTERS
from imdb_sentiment.runtime.errors import InputError
from tests.table_files import ROWS, copy_table, open_strictly, read_table, read_texts, write_table


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("block_rows", [1, 2, 100])
def test_every_row_is_written_with_two_more_columns(
    tmp_path: Path, suffix: str, block_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "BLOCK_ROWS", block_rows)
    monkeypatch.setattr(parquet_table, "BLOCK_ROWS", block_rows)
    opened = open_strictly(write_table(tmp_path / f"table{suffix}", ROWS))
    size = 0
    with opened.writer(tmp_path / f"out{suffix}") as write:
        for block in opened.blocks():
            assert len(block.texts) <= block_rows
            size += block.size
            write(block, [("positive", 0.5 + len(text) / 100) for text in block.texts])
    assert size == opened.size
    written = read_table(tmp_path / f"out{suffix}")
    assert [{name: row[name] for name in ROWS[0]} for row in written] == ROWS
    assert [row["predicted_label"] for row in written] == ["positive"] * 3
    assert [float(row["probability"]) for row in written] == [0.5 + len(row["text"]) / 100 for row in ROWS]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("bad", ["", " \n ", "a\0b", "x" * (MAX_CHARACTERS + 1)])
def test_row_without_review_is_named_or_skipped(tmp_path: Path, suffix: str, bad: str) -> None:
    path = write_table(tmp_path / f"table{suffix}", [*ROWS, {**ROWS[0], "text": bad}, ROWS[1]])
    # The first review has two lines, which only a CSV table shows.
    where = {".csv": "line 6", ".jsonl": "line 4", ".parquet": "row 4"}[suffix]
    with pytest.raises(InputError, match=rf"{path.name}, {where}.*expected a review.*--skip-bad-lines"):
        read_texts(path)
    assert read_texts(path, skip=True) == ([row["text"] for row in [*ROWS, ROWS[1]]], 1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_column_is_found_or_named(tmp_path: Path, suffix: str) -> None:
    def texts(row: dict[str, Any], column: str | None = None) -> list[str]:
        return read_texts(write_table(tmp_path / f"table{suffix}", [row]), column)[0]

    assert texts({"id": "7", " Review ": "So good"}) == ["So good"]
    assert texts({"comment": "one", "text": "other"}) == ["other"]
    assert texts({"words": "only one"}) == ["only one"]
    assert texts({"one": "a", "other": "b"}, "other") == ["b"]
    with pytest.raises(InputError, match=r"found the columns one.*, other.*; expected texts in one of text, review"):
        texts({"one": None if suffix == ".jsonl" else "a", "other": "b"})
    with pytest.raises(InputError, match=r"found the columns one.*; expected also third, which --text-column names"):
        texts({"one": "a", "other": "b"}, "third")
    with pytest.raises(InputError, match=r"found 2 columns that may hold the reviews \(Text, text\)"):
        texts({"Text": "a", "text": "b"})
    with pytest.raises(InputError, match="found a column probability; expected none"):
        texts({"text": "a", "probability": "b"})


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([{"text": None, "id": "a"}, {"text": "good", "id": "b"}], ["good"]),
        ([{"id": "a"}, {"id": "b", "text": "good"}], ["good"]),
        ([{"text": 3}, {"text": "good", "n": 1}, {"other": "x"}], ["good"]),
        ([{"n": 1, "words": None}, {"n": 2, "words": "good"}], ["good"]),
    ],
)
def test_json_lines_never_takes_another_column_for_a_missing_text(
    tmp_path: Path, rows: list[dict[str, Any]], found: list[str]
) -> None:
    path = write_table(tmp_path / "table.jsonl", rows)
    assert read_texts(path, skip=True) == (found, len(rows) - len(found))
    with pytest.raises(InputError, match=r"table\.jsonl, line \d: found"):
        read_texts(path)


def test_json_line_with_an_added_key_is_a_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_table(tmp_path / "table.jsonl", [{"text": "good"}, {"text": "bad", "probability": 1}])
    with pytest.raises(InputError, match="found a column probability; expected none"):
        read_texts(path)
    monkeypatch.setattr(json_lines_table, "BLOCK_ROWS", 1)  # the second row comes after the columns are known
    assert read_texts(path, skip=True) == (["good"], 1)


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary("int32", "string")])
def test_parquet_takes_every_type_of_text_and_keeps_it(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "table.parquet"
    texts = pa.array(["a", "b", "a"]).cast(kind)
    pq.write_table(pa.table({"id": ["1", "2", "3"], "text": texts}), path, row_group_size=2)
    assert read_texts(path) == (["a", "b", "a"], 0)
    copy_table(path, tmp_path / "out.parquet")
    written = pq.read_table(tmp_path / "out.parquet")
    assert written["text"].type == pq.read_table(path)["text"].type
    assert written["text"].cast(pa.string()).to_pylist() == ["a", "b", "a"]


@pytest.mark.parametrize(("values", "kind"), [([["a", "b"]], "list"), ([None], "null"), ([{"word": "a"}], "struct")])
def test_parquet_column_of_another_type_is_refused_with_its_type(tmp_path: Path, values: list[Any], kind: str) -> None:
    pq.write_table(pa.table({"text": values, "id": ["x"]}), tmp_path / "table.parquet")
    with pytest.raises(InputError, match=rf"found the column text of type {kind}.*; expected strings"):
        read_texts(tmp_path / "table.parquet")


def test_parquet_rows_of_other_bytes_and_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"text": [b"good", b"na\xefve"]}), path)
    with pytest.raises(InputError, match=r"row 2: found bytes that are not UTF-8 at byte 3; expected a review"):
        read_texts(path)
    pq.write_table(pa.table([["a"], ["b"], ["c"]], ["text", "note", "note"]), path)
    copy_table(path, tmp_path / "out.parquet")
    assert pq.ParquetFile(tmp_path / "out.parquet").read().column(2).to_pylist() == ["c"]
    pq.write_table(pa.table([["a"], ["b"]], ["text", "text"]), path)
    for column in (None, "text"):
        with pytest.raises(InputError, match=r"found 2 columns that may hold the reviews \(text, text\); expected one"):
            read_texts(path, column)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_separator_is_found_and_kept(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f'review{separator}label\n"Good, so; good| it\t"{separator}1\nBad{separator}0\n')
    assert read_texts(path) == (["Good, so; good| it\t", "Bad"], 0)
    copy_table(path, tmp_path / "out.csv")
    header, *_, last = (tmp_path / "out.csv").read_text().splitlines()
    assert header == separator.join(["review", "label", "predicted_label", "probability"])
    assert last == separator.join(["Bad", "0", "positive", "0.75"])


def test_csv_without_a_known_separator_or_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    for header, row in (("review:label", "Good:1"), ("I loved it", "I hated it")):
        path.write_text(f"{header}\n{row}\n")
        with pytest.raises(InputError, match=f"found the only column {header}; expected the names of the columns"):
            read_texts(path)
        assert read_texts(path, header) == ([row], 0)
    path.write_text("a,b;text\n")
    with pytest.raises(InputError, match="found the separators ',' and ';' in the first line; expected one"):
        read_texts(path)


@pytest.mark.parametrize("later", ["plain", '"quoted"', '", and so on"', '"two\nlines"'])
def test_csv_quote_that_is_never_closed_costs_only_its_own_row(tmp_path: Path, later: str) -> None:
    path = tmp_path / "table.csv"
    rows = [f"{number},{later}\n" for number in range(2000)]
    rows[500] = '500,"never closed\n'
    path.write_text("id,text\n" + "".join(rows))
    line = 2 + 500 * rows[0].count("\n")
    with pytest.raises(InputError, match=rf"table\.csv, line {line}: found what is not CSV \("):
        read_texts(path)
    assert read_texts(path, skip=True) == ([later.strip('"')] * 1999, 1)


def test_csv_row_with_other_fields_is_named_or_skipped(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    for row, found in (("2", "1 fields"), ('2,"a\nb",c', "3 fields"), ('2,"a"b', "what is not CSV")):
        path.write_bytes(f'\ufeffid,text\r1,5" wide\r\r\n{row}\r\n3,c'.encode())
        with pytest.raises(InputError, match=rf"table\.csv, line 4: found {found}"):
            read_texts(path)
        assert read_texts(path, skip=True) == (['5" wide', "c"], 1)


TEXTS = st.lists(st.text(st.sampled_from('a",;\t|\n\ré \u2028'), min_size=1).filter(str.strip), min_size=1)


@given(texts=TEXTS, separator=st.sampled_from(",;\t|"), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_csv_gives_back_every_text_that_was_written(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], separator: str, quoting: Any
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator, quoting=quoting)
    writer.writerows([["id", "text"], *([number, text] for number, text in enumerate(texts))])
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    path.write_text(file.getvalue(), encoding="utf-8", newline="")
    assert read_texts(path) == (texts, 0)


def test_csv_in_another_encoding_is_refused_by_line_and_byte_or_read_when_named(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("text,id\nfine,1\nna\xefve,2\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"line 3: found the byte 0xef at byte 3 of the line.*--encoding with another"):
        read_texts(path)
    assert read_texts(path, skip=True) == (["fine"], 1)
    copy_table(path, tmp_path / "out.csv", "cp1252")
    assert (tmp_path / "out.csv").read_text(encoding="cp1252").splitlines()[2] == "na\xefve,2,positive,0.75"
    with pytest.raises(InputError, match="--encoding klingon: found no such encoding; expected"):
        list(open_strictly(path, "klingon").blocks())
    path.write_text("text,id\nna\xefve,2\n", encoding="utf-16")
    assert [block.texts for block in open_strictly(path, "utf-16").blocks()] == [["na\xefve"]]
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "table.parquet")
    with pytest.raises(InputError, match="--encoding utf-8: found a Parquet table"):
        open_strictly(tmp_path / "table.parquet", "utf-8")


def test_json_line_that_is_no_object_is_named_or_skipped(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    for line, found in (("broken", "what is not JSON"), ('["b"]', "a JSON list"), ("[" * 100_000, "what is not JSON")):
        path.write_text(f'{{"text": "a"}}\n\n{line}\n{{"text": "b"}}\n')
        with pytest.raises(InputError, match=rf"table\.jsonl, line 3: found {found}"):
            read_texts(path)
        assert read_texts(path, skip=True) == (["a", "b"], 1)


def test_json_values_are_written_as_they_were_spelled(tmp_path: Path) -> None:
    values = '"n": 1e999, "price": 1.10, "id": 12345678901234567890, "text": "half \\ud800 caf\\u00e9"'
    (tmp_path / "table.jsonl").write_text(f"\ufeff{{{values} }} \n")
    copy_table(tmp_path / "table.jsonl", tmp_path / "out.jsonl")
    expected = f'{{{values}, "predicted_label": "positive", "probability": 0.75}}\n'
    assert (tmp_path / "out.jsonl").read_text() == expected


def test_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    for name, content, message in (
        ("table.csv", b"", "found nothing; expected the names of the columns"),
        ("table.csv", b'"text\n', "line 1: found what is not CSV"),
        ("table.csv", b"te\xefxt\n", "line 1: found the byte 0xef"),
        ("table.parquet", b"PAR1", "cannot be read"),
        ("table.txt", b"text", "found no format of tables; expected one of .csv"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}.*{message}"):
            read_texts(tmp_path / name, skip=True)


@pytest.mark.parametrize(
    ("name", "start"), [("table.csv", b"id,text\n1,"), ("table.jsonl", b'{"text": "a"}\n{"text": "')]
)
def test_very_long_line_is_one_bad_row_and_takes_little_memory(tmp_path: Path, name: str, start: bytes) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(start)
        file.truncate(300_000_000)  # NUL bytes, which take no space on the disk
        file.seek(300_000_000)
        file.write(b"\n2,good\n" if name == "table.csv" else b'"}\n{"text": "good"}\n')
    tracemalloc.start()
    try:
        texts, bad = read_texts(path, skip=True)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
    assert (texts[-1], len(texts), bad) == ("good", start.count(b'a"') + 1, 1)
    with pytest.raises(InputError, match=r"line 2: found more than 16,000,000 characters"):
        read_texts(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_blocks_of_long_rows_are_bounded_by_their_characters(tmp_path: Path, suffix: str) -> None:
    rows = [{"text": f"{number} " + "good " * 190_000} for number in range(40)]
    opened = open_strictly(write_table(tmp_path / f"table{suffix}", rows))
    found = [text for block in opened.blocks() for text in block.texts]
    assert found == [row["text"] for row in rows]
    assert max(len(block.texts) for block in opened.blocks()) <= 32


def test_parquet_value_that_is_stored_once_is_not_repeated_in_memory(tmp_path: Path) -> None:
    def write(characters: int) -> Path:
        text = pa.DictionaryArray.from_arrays(np.zeros(8192, np.int32), pa.array(["x" * characters]))
        options = {"compression": "zstd", "store_schema": False, "dictionary_pagesize_limit": 2**30}
        pq.write_table(pa.table({"text": text}), tmp_path / "table.parquet", **options)
        return tmp_path / "table.parquet"

    before = pa.total_allocated_bytes()
    block = next(open_strictly(write(1_000_000)).blocks())
    assert len(block.texts) == 16
    assert pa.total_allocated_bytes() - before < 100_000_000
    with pytest.raises(InputError, match=r"found [\d,]+ bytes that unfold to 100,000,\d+ in the column text"):
        read_texts(write(100_000_000))


def test_parquet_table_that_was_read_does_not_stay_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    texts = pa.array([f"{row} {np.random.default_rng(row).bytes(50).hex()}" for row in range(40_000)])
    pq.write_table(pa.table({"text": texts}), path, row_group_size=2000, use_dictionary=False, compression=None)
    del texts
    before = pa.total_allocated_bytes()
    most = 0
    for _ in open_strictly(path).blocks():
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < path.stat().st_size / 2
