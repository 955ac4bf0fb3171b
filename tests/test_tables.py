"""Tables in each format: read in blocks, written back with two more columns, and never the wrong column or row."""

import bz2
import csv
import gzip
import io
import lzma
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.tables import json_array
from imdb_sentiment.tables.rows import in_blocks
from imdb_sentiment.tables.texts import MAX_CHARACTERS
from tests.table_files import (
    ROWS,
    SUFFIXES,
    copy_table,
    open_plainly,
    read_problems,
    read_table,
    read_texts,
    write_table,
)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("output", SUFFIXES)
@pytest.mark.parametrize("block_rows", [1, 2, 100])
def test_every_row_is_written_in_each_format_with_two_more_columns(
    tmp_path: Path, suffix: str, output: str, block_rows: int
) -> None:
    path = write_table(tmp_path / f"table{suffix}", ROWS)
    opened = open_plainly(path)
    assert all(len(block) <= block_rows for block in in_blocks(opened.rows([]), block_rows))
    assert opened.position() == opened.size
    copy_table(path, tmp_path / f"out{output}", block_rows=block_rows)
    written = read_table(tmp_path / f"out{output}")
    assert [{name: row[name] for name in ROWS[0]} for row in written] == ROWS
    assert [list(row) for row in written] == [[*ROWS[0], "predicted_label", "probability"]] * 3
    assert [(row["predicted_label"], float(row["probability"])) for row in written] == [("positive", 0.75)] * 3


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("output", SUFFIXES)
def test_columns_of_the_same_names_are_replaced(tmp_path: Path, suffix: str, output: str) -> None:
    rows = [{"probability": "0.1", "text": "Good", "predicted_label": "bad"}]
    copy_table(write_table(tmp_path / f"table{suffix}", rows), tmp_path / f"out{output}")
    (row,) = read_table(tmp_path / f"out{output}")
    assert (list(row), float(row["probability"])) == (["text", "predicted_label", "probability"], 0.75)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("output", SUFFIXES)
def test_table_without_rows_gives_one_without_rows(tmp_path: Path, suffix: str, output: str) -> None:
    path = write_table(tmp_path / f"table{suffix}", ROWS)
    if suffix == ".parquet":
        pq.write_table(pq.read_table(path).slice(0, 0), path)
    elif suffix in (".csv", ".tsv"):
        path.write_text(path.read_text().splitlines()[0] + "\n")
    else:
        path.write_text("[]" if suffix == ".json" else "")
    copy_table(path, tmp_path / f"out{output}")
    assert read_table(tmp_path / f"out{output}") == []


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("bad", ["", " \n ", "a\0b", "x" * (MAX_CHARACTERS + 1)])
def test_row_without_review_is_named_or_skipped(tmp_path: Path, suffix: str, bad: str) -> None:
    path = write_table(tmp_path / f"table{suffix}", [*ROWS, {**ROWS[0], "text": bad}, ROWS[1]])
    # The first review has two lines, which only a CSV table shows.
    where = {".csv": "line 6", ".tsv": "line 6", ".jsonl": "line 4"}.get(suffix, "row 4")
    (problem,) = read_problems(path)
    assert re.fullmatch(
        rf"{where}: found (an empty text|a NUL byte|1,000,001 characters.*); expected a review", problem
    )
    assert read_texts(path) == ([row["text"] for row in [*ROWS, ROWS[1]]], 1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_column_is_found_or_named(tmp_path: Path, suffix: str) -> None:
    def texts(row: dict[str, Any], column: str | None = None) -> list[str]:
        return read_texts(write_table(tmp_path / f"table{suffix}", [row]), column)[0]

    assert texts({"id": "7", " Review ": "So good"}) == ["So good"]
    assert texts({"comment": "one", "text": "other"}) == ["other"]
    assert texts({"Phrase": "a", "id": "b"}) == ["a"]
    assert texts({"words": "only one"}, "words") == ["only one"]
    assert texts({"one": "a", "other": "b"}, "other") == ["b"]
    with pytest.raises(InputError, match=r"found the columns one.*, other.*; expected texts in text, review"):
        texts({"one": "a", "other": "b"})
    with pytest.raises(InputError, match=r"found the columns one.*; expected also third, which --text-column names"):
        texts({"one": "a", "other": "b"}, "third")
    with pytest.raises(InputError, match=r"found 2 columns that may be meant \(Text, text\)"):
        texts({"Text": "a", "text": "b"})


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([{"text": None, "id": "a"}, {"text": "good", "id": "b"}], ["good"]),
        ([{"id": "a"}, {"id": "b", "text": "good"}], ["good"]),
        ([{"text": 3}, {"text": "good", "n": 1}, {"other": "x"}], ["good"]),
        ([{"n": 1, "words": None}, {"n": 2, "words": "good"}], ["good"]),
    ],
)
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_json_never_takes_another_column_for_a_missing_text(
    tmp_path: Path, suffix: str, rows: list[dict[str, Any]], found: list[str]
) -> None:
    path = write_table(tmp_path / f"table{suffix}", rows)
    assert read_texts(path) == (found, len(rows) - len(found))


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
    with pytest.raises(InputError, match=rf"found the column text of type {kind}.*; expected texts"):
        read_texts(tmp_path / "table.parquet")


def test_parquet_rows_of_other_bytes_and_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"text": [b"good", b"na\xefve"]}), path)
    assert read_problems(path) == ["row 2: found bytes that are not UTF-8 at byte 3; expected text in UTF-8"]
    pq.write_table(pa.table([["a"], ["b"], ["c"]], ["text", "note", "note"]), path)
    copy_table(path, tmp_path / "out.parquet")
    with pytest.raises(InputError, match="found two columns note; expected different names in jsonl"):
        copy_table(path, tmp_path / "out.jsonl")
    assert pq.ParquetFile(tmp_path / "out.parquet").read().column(2).to_pylist() == ["c"]
    pq.write_table(pa.table([["a"], ["b"]], ["text", "text"]), path)
    for column in (None, "text"):
        with pytest.raises(InputError, match=r"found 2 columns that may be meant \(text, text\); expected one"):
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
        with pytest.raises(InputError, match=f"found the only column {header}; expected a usual name .*--no-header"):
            read_texts(path)
        assert read_texts(path, header) == ([row], 0)
        assert read_texts(path, has_header=False) == ([header, row], 0)
    path.write_text("a,b;text\n")
    with pytest.raises(InputError, match="found the separators ',' and ';' in the first line; expected one"):
        read_texts(path)
    assert read_texts(path, delimiter=";") == ([], 0)


@pytest.mark.parametrize("later", ["plain", '"quoted"', '", and so on"', '"two\nlines"'])
def test_csv_quote_that_is_never_closed_costs_only_its_own_row(tmp_path: Path, later: str) -> None:
    path = tmp_path / "table.csv"
    rows = [f"{number},{later}\n" for number in range(2000)]
    rows[500] = '500,"never closed\n'
    path.write_text("id,text\n" + "".join(rows))
    line = 2 + 500 * rows[0].count("\n")
    assert [problem.split(" (")[0] for problem in read_problems(path)] == [f"line {line}: found what is not CSV"]
    assert read_texts(path) == ([later.strip('"')] * 1999, 1)


def test_csv_row_with_other_fields_is_named_or_skipped(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    for row, found in (("2", "1 fields"), ('2,"a\nb",c', "3 fields"), ('2,"a"b', "what is not CSV")):
        path.write_bytes(f'\ufeffid,text\r1,5" wide\r\r\n{row}\r\n3,c'.encode())
        assert read_problems(path)[0].startswith(f"line 4: found {found}")
        assert read_texts(path) == (['5" wide', "c"], 1)


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


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl"])
def test_text_in_another_encoding_is_read_and_a_damaged_row_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    content = write_table(path, [{"text": "na\xefve", "id": "1"}, {"text": "fine", "id": "2"}]).read_text("utf-8")
    for encoding, found in (("cp1252", "cp1252"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-8", "utf-8")):
        path.write_text(content, encoding)
        assert open_plainly(path).encoding == found
        assert read_texts(path) == read_texts(path, encoding=encoding) == (["na\xefve", "fine"], 0)
        copy_table(path, tmp_path / f"out{suffix}")
        assert (tmp_path / f"out{suffix}").read_bytes()[:2] == path.read_bytes()[:2]
        assert "na\xefve" in (tmp_path / f"out{suffix}").read_text(encoding)
    path.write_bytes(content.encode() + content.replace("fine", "f\xe9").encode("cp1252"))
    if suffix != ".json":  # an array has an end
        assert "found the byte 0x" in read_problems(path)[0]
        assert "expected text in utf-8, or --encoding with another" in read_problems(path)[0]
    with pytest.raises(InputError, match="--encoding klingon: found no such encoding; expected"):
        read_texts(path, encoding="klingon")


def test_options_that_do_not_fit_the_format_are_refused(tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.parquet", ROWS)
    for options, message in (
        ({"encoding": "utf-8"}, "--encoding utf-8: found a Parquet table"),
        ({"delimiter": ";"}, "--delimiter: found a table in parquet; expected CSV or TSV"),
        ({"has_header": False}, "--no-header: found a table in parquet"),
        ({"format": "xlsx"}, "--format xlsx: found no such format; expected one of csv, tsv"),
        ({"format": "csv", "delimiter": "ab"}, "--delimiter ab: found 2 characters"),
    ):
        with pytest.raises(InputError, match=message):
            open_plainly(path, **options)


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("compression", [*COMPRESSIONS, ".zip"])
def test_compressed_table_is_read_and_damage_is_refused(tmp_path: Path, suffix: str, compression: str) -> None:
    plain = write_table(
        tmp_path / f"table{suffix}", [{**row, "note": str(number)} for number, row in enumerate(ROWS * 99)]
    )
    path = tmp_path / f"table{suffix}{compression}"
    if compression == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, f"folder/table{suffix}")
            archive.writestr("__MACOSX/._table", "")
    else:
        path.write_bytes(COMPRESSIONS[compression](plain.read_bytes()))
    assert read_texts(path) == ([row["text"] for row in ROWS * 99], 0)
    copy_table(path, tmp_path / f"out{suffix}")
    assert len(read_table(tmp_path / f"out{suffix}")) == 3 * 99
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=rf"{path.name}: found "):
        read_texts(path)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_file_that_unfolds_to_far_more_is_refused(tmp_path: Path, compression: str) -> None:
    path = tmp_path / f"table.csv{compression}"
    path.write_bytes(COMPRESSIONS[compression](b"text\n" + b"good\n" * 4_000_000))
    with pytest.raises(InputError, match=r"bytes that unfold to more than"):
        read_texts(path)


def test_zip_of_several_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "tables.zip", "w") as archive:
        archive.writestr("one.csv", "text\na\n")
        archive.writestr("two.csv", "text\nb\n")
    with pytest.raises(
        InputError, match=r"tables\.zip: found 2 files in it \(one\.csv, two\.csv\); expected one table"
    ):
        read_texts(tmp_path / "tables.zip")


def test_format_is_named_or_that_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "reviews.log"
    path.write_text("So good\r\n\nSo bad")
    assert read_texts(path, format="lines") == (["So good", "So bad"], 0)
    with pytest.raises(InputError, match=r"reviews\.log: found no format of tables in its name; expected.*--format"):
        read_texts(path)
    copy_table(path, tmp_path / "out.jsonl", format="lines")
    assert [row["text"] for row in read_table(tmp_path / "out.jsonl")] == ["So good", "So bad"]
    lines = write_table(tmp_path / "table.jsonl", ROWS).rename(tmp_path / "table.json")
    assert read_texts(lines) == ([row["text"] for row in ROWS], 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"text": "a"} {"text": "b"}]', r"row 1: found '\{' after it; expected a comma"),
        ('[{"text": "a"}', "row 1: found '' after it"),
        ('[{"text": "a"}, {"text": ', "row 2: found what is not JSON"),
        ('[{"text": "a"}] []', "found '\\[' after the array"),
        ("[" * 100_000, "row 1: found what is not JSON"),
    ],
)
def test_broken_json_array_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "table.json").write_text(content)
    with pytest.raises(InputError, match=rf"table\.json.*{message}"):
        read_texts(tmp_path / "table.json")


def test_json_array_is_read_across_the_windows_of_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": number, "text": f'"{"é" * number}\\ ]}}'} for number in range(50)]
    path = write_table(tmp_path / "table.json", rows)
    for characters in (1, 2, 3, 7, 64):
        monkeypatch.setattr(json_array, "_BLOCK_CHARACTERS", characters)
        assert read_texts(path) == ([row["text"] for row in rows], 0)


def test_values_of_other_types_are_written_as_the_format_can(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "a", "n": 1, "is": True, "list": [1, "x"], "mixed": "é"},
        {"text": "b", "n": None, "is": False, "list": [], "mixed": None},
    ]
    for suffix in (".jsonl", ".parquet"):
        path = write_table(
            tmp_path / f"table{suffix}", rows if suffix == ".jsonl" else [{**row, "list": [1]} for row in rows]
        )
        copy_table(path, tmp_path / "out.csv")
        first, second = read_table(tmp_path / "out.csv")
        assert (first["n"], first["is"], first["mixed"], second["n"]) == ("1", "true", "é", "")
        copy_table(path, tmp_path / "out.jsonl")
        assert read_table(tmp_path / "out.jsonl")[1]["n"] is None
    copy_table(write_table(tmp_path / "table.jsonl", rows[:1]), tmp_path / "out.csv")
    assert read_table(tmp_path / "out.csv")[0]["list"] == '[1, "x"]'
    path = write_table(tmp_path / "mixed.jsonl", [{"text": "a", "n": 1}, {"text": "b", "n": "one"}])
    with pytest.raises(InputError, match=r"found values of several types in n .*; expected values of one type"):
        copy_table(path, tmp_path / "out.parquet")
    path = write_table(tmp_path / "empty.jsonl", [{"text": "a", "more": [{}]}])
    with pytest.raises(
        InputError, match=r"found values that Parquet does not have \(.*; expected others, or an output"
    ):
        copy_table(path, tmp_path / "out.parquet")
    dates = pa.table({"text": ["a"], "day": pa.array([19_000], pa.date32()), "x": [float("nan")]})
    pq.write_table(dates, tmp_path / "dates.parquet")
    copy_table(tmp_path / "dates.parquet", tmp_path / "out.json")
    assert read_table(tmp_path / "out.json")[0] == {
        "text": "a",
        "day": "2022-01-08",
        "x": None,
        "predicted_label": "positive",
        "probability": 0.75,
    }


def test_json_line_that_is_no_object_is_named_or_skipped(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    for line, found in (("broken", "what is not JSON"), ('["b"]', "a JSON list"), ("[" * 100_000, "what is not JSON")):
        path.write_text(f'{{"text": "a"}}\n\n{line}\n{{"text": "b"}}\n')
        assert read_problems(path)[0].startswith(f"line 3: found {found}")
        assert read_texts(path) == (["a", "b"], 1)


def test_json_values_are_written_as_they_were_spelled(tmp_path: Path) -> None:
    values = '"n": 1e99, "price": 1.10, "id": 12345678901234567890, "text": "half \\ud800 caf\\u00e9"'
    (tmp_path / "table.jsonl").write_text(f"\ufeff{{{values} }} \n")
    copy_table(tmp_path / "table.jsonl", tmp_path / "out.jsonl")
    expected = f'{{{values}, "predicted_label": "positive", "probability": 0.75}}\n'
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8-sig") == expected
    (tmp_path / "table.jsonl").write_text('{"text": "a", "n": NaN, "more": [-Infinity]}\n')
    copy_table(tmp_path / "table.jsonl", tmp_path / "out.jsonl")
    (row,) = read_table(tmp_path / "out.jsonl")
    assert (row["n"], row["more"]) == (None, [None])


def test_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    for name, content, message in (
        ("table.csv", b"", "found nothing; expected the names of the columns"),
        ("table.csv", b'"text\n', "line 1: found what is not CSV"),
        ("table.csv", "caf\u00e9".encode() + b"te\xefxt\n", "line 1: found the byte 0xef"),
        ("table.parquet", b"PAR1", "cannot be read"),
        ("table.txt", b"text", "found no format of tables in its name; expected a table: .csv"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}.*{message}"):
            read_texts(tmp_path / name)


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
        texts, bad = read_texts(path)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
    assert (texts[-1], len(texts), bad) == ("good", start.count(b'a"') + 1, 1)
    assert read_problems(path) == ["line 2: found more than 16,000,000 characters; expected a shorter line"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_blocks_of_long_rows_are_bounded_by_their_characters(tmp_path: Path, suffix: str) -> None:
    rows = [{"text": f"{number} " + "good " * 190_000} for number in range(40)]
    opened = open_plainly(write_table(tmp_path / f"table{suffix}", rows))
    found = [row.values[0] for block in in_blocks(opened.rows([0])) for row in block]
    assert found == [row["text"] for row in rows]
    assert max(len(block) for block in in_blocks(opened.rows([0]))) <= 32


def test_parquet_value_that_python_does_not_have_is_named_where_it_must_be_converted(tmp_path: Path) -> None:
    dates = pa.array([0, 2**62], pa.timestamp("us"))
    pq.write_table(pa.table({"text": ["a", "b"], "day": dates}), tmp_path / "table.parquet")
    copy_table(tmp_path / "table.parquet", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["day"].cast(pa.int64()).to_pylist() == [0, 2**62]
    with pytest.raises(InputError, match=r"table\.parquet, row 2: found a value out of range"):
        copy_table(tmp_path / "table.parquet", tmp_path / "out.csv")


def test_parquet_with_counts_that_do_not_fit_its_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"text": ["a", None], "id": [1, 2]}), path, store_schema=False)
    # The schema says now that there is a text in each row, the counts still that one is missing.
    path.write_bytes(path.read_bytes().replace(b"\x25\x02\x18\x04text", b"\x25\x00\x18\x04text"))
    with pytest.raises(InputError, match=r"table\.parquet: found what cannot be read \(Definition level histogram"):
        read_texts(path)


def test_parquet_type_that_arrow_does_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"text": ["a"], "n": pa.array([1], pa.int8())}), path, store_schema=False)
    # The width of the type in the file's schema: INT(8), then the same number with the wrong width of 124 bits.
    path.write_bytes(path.read_bytes().replace(b"\xac\x13\x08", b"\xac\x13\x7c"))
    with pytest.raises(InputError, match=r"table\.parquet: found what cannot be read"):
        read_texts(path)


def test_parquet_value_that_is_stored_once_and_repeated_is_refused(tmp_path: Path) -> None:
    def write(characters: int) -> Path:
        text = pa.DictionaryArray.from_arrays(np.zeros(8192, np.int32), pa.array(["x" * characters]))
        options = {"compression": "zstd", "store_schema": False, "dictionary_pagesize_limit": 2**30}
        pq.write_table(pa.table({"text": text}), tmp_path / "table.parquet", **options)
        return tmp_path / "table.parquet"

    before = pa.total_allocated_bytes()
    with pytest.raises(InputError, match="bytes that unfold to more than 16,000,000; expected at most 200 times"):
        list(open_plainly(write(1_000_000)).rows([0]))
    assert pa.total_allocated_bytes() - before < 100_000_000
    with pytest.raises(InputError, match="bytes that unfold to more than"):
        read_texts(write(100_000_000))


def test_parquet_table_that_was_read_does_not_stay_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    texts = pa.array([f"{row} {np.random.default_rng(row).bytes(50).hex()}" for row in range(40_000)])
    pq.write_table(pa.table({"text": texts}), path, row_group_size=2000, use_dictionary=False, compression=None)
    del texts
    before = pa.total_allocated_bytes()
    most = 0
    for _ in in_blocks(open_plainly(path).rows([0])):
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < path.stat().st_size / 2
