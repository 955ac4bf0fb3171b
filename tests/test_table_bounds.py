"""Tables that were made to do harm: each is refused in one line, in bounded memory, and none loses rows silently."""

import bz2
import gzip
import json
import lzma
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imdb_sentiment.corpus.sources import find_tables
from imdb_sentiment.runtime.errors import InputError, SourceError
from imdb_sentiment.tables.rows import in_blocks
from tests.table_files import copy_table, open_plainly, read_problems, read_table, read_texts, write_table

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_every_stream_of_a_compressed_file_is_read_or_damage_is_named(tmp_path: Path, suffix: str) -> None:
    compress = COMPRESSIONS[suffix]
    path = tmp_path / f"table.csv{suffix}"
    first, second = compress(b"text\nGood\n"), compress(b"Bad\n")
    path.write_bytes(first + second)
    assert read_texts(path) == (["Good", "Bad"], 0)
    for damaged in (b"\xff" + second[1:], b"garbage", second[:-6]):
        path.write_bytes(first + damaged)
        with pytest.raises(InputError, match=r"found a damaged \w+ file"):
            read_texts(path)


@pytest.mark.parametrize("suffix", [".bz2", ".xz"])
def test_compressed_file_may_be_filled_up_with_zeros(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table.csv{suffix}"
    path.write_bytes(COMPRESSIONS[suffix](b"text\nGood\n") + bytes(100_000))
    assert read_texts(path) == (["Good"], 0)


def test_xz_file_that_demands_gigabytes_is_refused(tmp_path: Path) -> None:
    compressor = lzma.LZMACompressor(filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 400_000_000}])
    content = compressor.compress(b"text\nGood\n") + compressor.flush()
    (tmp_path / "table.csv.xz").write_bytes(content)
    with pytest.raises(InputError, match=r"damaged xz file .*Memory usage limit"):
        read_texts(tmp_path / "table.csv.xz")


def test_zip_with_a_long_list_or_damaged_or_long_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tables.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2):
            archive.writestr(f"{number}{'x' * 60_000}.csv", "text\nGood\n")
    with pytest.raises(InputError, match="found 2 files in it") as caught:
        read_texts(path)
    assert len(str(caught.value)) < 500
    content = path.read_bytes()
    end = content.rindex(b"PK\5\6")
    path.write_bytes(content[: end + 12] + (60_000_000).to_bytes(4, "little") + content[end + 16 :])
    with pytest.raises(InputError, match="a list of members of more than 50,000,000 bytes"):
        read_texts(path)
    with pytest.raises(SourceError, match="a list of members of more than 50,000,000 bytes"):
        find_tables(path, is_table=False)
    path.write_bytes(content.replace(b"PK\1\2", b"PK\1\3"))
    with pytest.raises(SourceError, match="found a damaged ZIP file"):
        find_tables(path, is_table=False)


@pytest.mark.parametrize("is_array", [False, True])
def test_json_row_that_unfolds_in_memory_is_the_problem_of_its_row(tmp_path: Path, is_array: bool) -> None:
    good = '{"text": "Good"}'
    bad = {
        "more than 2,000,000 commas and brackets": '{"x": [' + ",".join(['{"":0}'] * 1_000_001) + "]}",
        "what is not JSON (Exceeds the limit": '{"x": ' + "9" * 5000 + "}",
        "values nested too deep": '{"x": ' + "[" * 500 + "]" * 500 + "}",
    }
    rows = [good, *bad.values()]
    path = tmp_path / ("table.json" if is_array else "table.jsonl")
    path.write_text(f"[{','.join(rows)}]" if is_array else "\n".join(rows))
    assert read_texts(path) == (["Good"], 3)
    for problem, expected in zip(read_problems(path), bad, strict=True):
        assert f"found {expected}" in problem
    copy_table(path, tmp_path / "out.csv")
    assert [row["text"] for row in read_table(tmp_path / "out.csv")] == ["Good", "", "", ""]


def test_json_without_one_good_row_names_its_first_problem(tmp_path: Path) -> None:
    (tmp_path / "table.jsonl").write_text("{\n}\n")
    with pytest.raises(InputError, match=r"line 1: found what is not JSON"):
        read_texts(tmp_path / "table.jsonl")


def test_json_that_has_an_infinite_number_is_written_as_json(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text('{"text": "Good", "x": [1e999], "y": NaN, "probability": 1}\n')
    copy_table(path, tmp_path / "out.jsonl")

    def refuse(constant: str) -> None:
        pytest.fail(constant)

    written = json.loads((tmp_path / "out.jsonl").read_text(), parse_constant=refuse)
    assert written == {"text": "Good", "x": [None], "y": None, "predicted_label": "positive", "probability": 0.75}


@pytest.mark.parametrize("source", [".csv", ".jsonl"])
@pytest.mark.parametrize("output", [".csv", ".tsv"])
def test_text_with_line_ends_of_any_kind_stays_one_row(tmp_path: Path, source: str, output: str) -> None:
    rows = [{"text": text, "id": "1"} for text in ("a\rb", "a\nb", "a\r\nb", "\r", "a\u2028b", "a\x85b", "a\x0cb")]
    path = tmp_path / f"table{source}"
    if source == ".csv":
        path.write_bytes(b"text,id\n" + "".join(f'"{row["text"]}",1\n' for row in rows).encode())
    else:
        write_table(path, rows)
    copy_table(path, tmp_path / f"out{output}")
    assert [row["text"] for row in read_table(tmp_path / f"out{output}")] == [row["text"] for row in rows]


@pytest.mark.parametrize("output", [".csv", ".parquet"])
def test_key_that_appears_late_is_not_lost(tmp_path: Path, output: str) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text('{"text": "Good"}\n' * 5000 + '{"text": "Bad", "late": 1}\n')
    with pytest.raises(InputError, match=r"line 5001: found the key late, which no row before has; .*\.jsonl"):
        copy_table(path, tmp_path / f"out{output}")
    copy_table(path, tmp_path / "out.jsonl")
    assert read_table(tmp_path / "out.jsonl")[-1]["late"] == 1


def test_table_of_very_many_columns_is_refused(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(10_001)]
    (tmp_path / "table.csv").write_text(f"text,{','.join(names)}\n")
    rows = [{"text": "Good", **dict.fromkeys(names[part::4], 0)} for part in range(4)]
    (tmp_path / "table.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pq.write_table(pa.table({name: [1] for name in names}), tmp_path / "table.parquet")
    for suffix in ("csv", "jsonl", "parquet"):
        with pytest.raises(InputError, match=r"found more than 10,000 columns"):
            read_texts(tmp_path / f"table.{suffix}")


def test_block_of_empty_fields_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("text" + ",x" * 5000 + "\n" + ("Good" + "," * 5000 + "\n") * 200)
    assert max(len(block) for block in in_blocks(open_plainly(path).rows([0]))) <= 64


def _write_bomb(kind: str, path: Path) -> None:
    match kind:
        case "list":
            values = pa.array(np.zeros(150_000_000, np.int8))
            column = pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
            table = pa.table({"text": ["Good"], "x": column})
        case "text":
            table = pa.table({"text": ["x" * 300_000_000]})
        case _:
            table = pa.table({"text": pa.array(["Good"]).take(pa.array(np.zeros(4_000_000, np.int32)))})
    pq.write_table(table, path, compression="zstd")


@pytest.mark.parametrize("kind", ["list", "text", "rows"])
def test_parquet_that_unfolds_takes_bounded_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "table.parquet"
    _write_bomb(kind, path)
    script = (
        "import sys, pathlib; from tests.table_files import copy_table; path = pathlib.Path(sys.argv[1])\n"
        "try: copy_table(path, path.with_suffix('.csv'))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
        "print(pathlib.Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    command = [sys.executable, "-c", script, str(path)]
    root = Path(__file__).parents[1]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    error, kilobytes = result.stdout.splitlines()
    assert error.startswith("InputError ")
    assert "unfold to" in error or "found more than 256,000,000 bytes" in error
    assert int(kilobytes) < 1_000_000


def test_reading_parquet_leaves_the_limits_of_the_process_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"text": ["Good"] * 40}), path)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    rows = open_plainly(path).rows([0])
    next(rows)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert len(list(rows)) == 39
