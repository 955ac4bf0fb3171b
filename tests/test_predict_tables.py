"""`imdb-sentiment predict` on tables: every row gets the answer of its text, and none is lost without a word."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Run
from tests.factories import snapshot
from tests.stage_runs import assert_refused
from tests.table_files import SUFFIXES, read_table, write_table

ROWS = [
    {"id": "1", "text": 'I loved it, "a wonderful\nstory"', "note": "é"},
    {"id": "2", "text": "I hated it, dull", "note": ""},
    {"id": "3", "text": "I left early", "note": "x"},
]
Probability = Callable[[str], float]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_row_gets_the_probability_of_its_text(
    run: Run, probability: Probability, tmp_path: Path, suffix: str
) -> None:
    path = write_table(tmp_path / f"table{suffix}", ROWS)
    result = run("predict", path, "--output", tmp_path / f"out{suffix}")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / f'out{suffix}'}: 3 reviews\n")
    written = read_table(tmp_path / f"out{suffix}")
    assert [{name: row[name] for name in ROWS[0]} for row in written] == ROWS
    expected = [probability(row["text"]) for row in ROWS]
    assert [float(row["probability"]) for row in written] == pytest.approx(expected, abs=1e-5)
    labels = ["positive" if value >= 0.5 else "negative" for value in expected]
    assert [row["predicted_label"] for row in written] == labels

    printed = run("predict", path).stdout.splitlines()
    assert [line.split("  ")[0] for line in printed] == labels
    assert printed[0].endswith('I loved it, "a wonderful story"')
    lines = [json.loads(line) for line in run("predict", path, "--json").stdout.splitlines()]
    assert [line["probability"] for line in lines] == pytest.approx(expected, abs=1e-5)
    numbers = {".csv": [2, 4, 5], ".tsv": [2, 4, 5]}.get(suffix, [1, 2, 3])
    assert [line["row" if suffix in (".json", ".parquet") else "line"] for line in lines] == numbers


def test_bad_rows_are_refused_left_out_or_kept(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text('{"text": "I loved it"}\nbroken\n{"text": null, "id": 7}\n{"text": "\\ud83d\\ude00"}\n')
    before = snapshot(tmp_path)
    assert_refused(run("predict", path, "--output", tmp_path / "out.jsonl"), f"{path}, line 2", "--skip-bad-lines")
    assert_refused(run("predict", path, "--skip-bad-lines", "--keep-bad-rows"), "found --keep-bad-rows too")
    assert snapshot(tmp_path) == before

    result = run("predict", path, "--output", tmp_path / "out.jsonl", "--skip-bad-lines")
    assert result.exit_code == 0
    *_, count, first, second, unknown = result.stderr.splitlines()
    assert count == "bad rows left out: 2"
    assert first.startswith(f"  {path}, line 2: found what is not JSON (")
    assert second == f"  {path}, line 3: found no text; expected a review"
    assert unknown == "rows with no word that the model knows: 1 (unknown)"
    written = read_table(tmp_path / "out.jsonl")
    assert [row["text"] for row in written] == ["I loved it", "\N{GRINNING FACE}"]
    assert (written[1]["predicted_label"], written[1]["probability"]) == ("unknown", None)

    result = run("predict", path, "--output", tmp_path / "out.jsonl", "--keep-bad-rows")
    assert "bad rows without an answer: 2" in result.stderr
    kept = read_table(tmp_path / "out.jsonl")
    assert [kept[0], kept[3]] == written
    assert kept[1:3] == [
        {"predicted_label": None, "probability": None},
        {"text": None, "id": 7, "predicted_label": None, "probability": None},
    ]
    printed = run("predict", path, "--keep-bad-rows", "--json").stdout.splitlines()
    assert json.loads(printed[2]) == {"line": 3, "label": None, "probability": None}
    shown = run("predict", path, "--keep-bad-rows").stdout.splitlines()
    assert [line.split("  ")[0] for line in shown[1:]] == ["no answer", "no answer", "unknown"]


@pytest.mark.parametrize("output", SUFFIXES)
def test_kept_rows_are_as_many_as_the_lines_of_the_input(run: Run, tmp_path: Path, output: str) -> None:
    path = tmp_path / "table.csv"
    lines = ["id,text", "1,I loved it", "2", '3,"never closed', "4,a,b", "5,", "6,I hated it"]
    path.write_text("\n".join(lines) + "\n")
    result = run("predict", path, "--output", tmp_path / f"out{output}", "--keep-bad-rows")
    assert result.exit_code == 0, result.stderr
    written = read_table(tmp_path / f"out{output}")
    assert len(written) == 6
    assert [bool(row["predicted_label"]) for row in written] == [True, False, False, False, False, True]
    assert [row["id"] for row in written] == ["1", "2", "", "4", "5", "6"]


def test_only_the_first_bad_rows_are_named(run: Run, tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", [{"id": "1", "text": "", "note": ""}] * 25 + ROWS)
    *_, last, more = run("predict", path, "--skip-bad-lines").stderr.splitlines()
    assert (last.split(": ")[0], more) == (f"  {path}, line 11", "  and 15 more")


def test_columns_of_the_added_names_are_kept_unless_told(run: Run, tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", [{**row, "probability": "0.1"} for row in ROWS])
    output = tmp_path / "out.csv"
    expected = "found a column probability; expected none, or --overwrite-columns"
    assert_refused(run("predict", path, "--output", output), expected)
    assert not output.exists()
    assert run("predict", path, "--output", output, "--overwrite-columns").exit_code == 0
    assert list(read_table(output)[0]) == ["id", "text", "note", "predicted_label", "probability"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_table_on_standard_input_is_read(run: Run, tmp_path: Path, suffix: str) -> None:
    path = write_table(tmp_path / f"table{suffix}", ROWS)
    expected = run("predict", path).stdout
    for source in ([], ["-"]):
        assert run("predict", *source, "--format", suffix[1:], stdin=path.read_bytes()).stdout == expected
    output = tmp_path / "out.csv"
    assert run("predict", "--format", suffix[1:], "--output", output, stdin=path.read_bytes()).exit_code == 0
    assert [row["id"] for row in read_table(output)] == ["1", "2", "3"]


def test_lines_are_read_as_reviews(run: Run, tmp_path: Path) -> None:
    text = "".join(f"{row['text']}\n".replace("\n", " ", row["text"].count("\n")) for row in ROWS)
    (tmp_path / "lines.txt").write_text(text)
    printed = run("predict", tmp_path / "lines.txt", "--format", "lines").stdout.splitlines()
    assert [line.split("  ", 2)[2] for line in printed] == text.splitlines()
    assert run("predict", "--format", "lines", stdin=text).stdout.splitlines() == printed


def test_several_tables_and_a_folder_are_read(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    one, two = write_table(folder / "one.csv", ROWS[:1]), write_table(folder / "two.jsonl", ROWS[1:])
    (folder / "README.txt").write_text("not a review")
    single = [*run("predict", one).stdout.splitlines(), *run("predict", two).stdout.splitlines()]
    for sources in ((one, two), (folder,)):
        printed = run("predict", *sources).stdout.splitlines()
        assert printed == [f"{one}:", single[0], f"{two}:", *single[1:]]
        lines = [json.loads(line) for line in run("predict", *sources, "--json").stdout.splitlines()]
        assert [line["file"] for line in lines] == [str(one), str(two), str(two)]
    result = run("predict", folder, "--output", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'out'}: 3 reviews\n")
    assert [row["id"] for row in read_table(tmp_path / "out/one.csv")] == ["1"]
    assert [row["id"] for row in read_table(tmp_path / "out/two.jsonl")] == ["2", "3"]
    (tmp_path / "file").touch()
    assert_refused(run("predict", folder, "--output", tmp_path / "file"), "found a file; expected a folder")
    assert_refused(run("predict", folder, "--output", folder), "found the file that is read")
    assert_refused(run("predict", one, one, "--output", tmp_path / "out"), "found two tables for one.csv; expected")
    assert_refused(run("predict", one, folder / "no.csv"), "no.csv: found no such file")
    assert_refused(run("predict", one, folder / "README.txt"), "found a text and a table; expected files of one kind")


def test_text_files_are_rows(run: Run, probability: Probability, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.txt" for name in "abc"]
    for path, row in zip(paths, ROWS, strict=True):
        path.write_text(row["text"])
    for sources in (paths, [tmp_path]):
        assert run("predict", *sources, "--output", tmp_path / "out/all.csv").exit_code == 0
        rows: list[dict[str, Any]] = read_table(tmp_path / "out/all.csv")
        assert [row["file"] for row in rows] == list(map(str, paths))
        expected = [probability(row["text"]) for row in ROWS]
        assert [float(row["probability"]) for row in rows] == pytest.approx(expected, abs=1e-5)
    paths[1].write_bytes(b"caf\xe9")
    assert_refused(run("predict", *paths), f"{paths[1]}: found bytes that are not UTF-8 at byte 4; expected text in")


def test_encoding_that_was_guessed_is_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("text;id\nI loved the caf\xe9;1\n".encode("cp1252"))
    result = run("predict", path)
    assert (
        result.stderr.splitlines()[0] == f"{path}: found no UTF-8; read as cp1252 (--encoding names another encoding)"
    )
    assert result.stdout.endswith("I loved the caf\xe9\n")
    assert "cp1252" not in run("predict", path, "--encoding", "cp1252").stderr
    assert "cp1252" not in run("predict", path, "--encoding", "latin-1").stderr


def test_table_without_a_header_is_noticed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("Wonderful\nDull\n")
    assert_refused(run("predict", path), "found the only column Wonderful; expected a usual name", "--no-header")
    assert len(run("predict", path, "--no-header").stdout.splitlines()) == 2
    path.write_text("I loved it,1\nI hated it,0\n")
    assert_refused(run("predict", path), "found the columns I loved it, 1; expected texts in text", "--no-header")
    assert run("predict", path, "--no-header", "--text-column", "1", "--output", tmp_path / "out.csv").exit_code == 0
    first, second = (tmp_path / "out.csv").read_text().splitlines()
    assert (first.startswith("I loved it,1,"), second.startswith("I hated it,0,")) == (True, True)
