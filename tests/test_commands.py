"""The commands `imdb-sentiment predict` and `explain`, through their real parser, and as processes where it matters."""

import functools
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from imdb_sentiment import SentimentModel
from tests.commands import Run, start
from tests.factories import snapshot
from tests.stage_runs import assert_refused, full_disk
from tests.table_files import ROWS, read_table, write_table

GOOD = "I loved every minute of it."


def test_predict_classifies_text_file_and_standard_input_alike(
    run: Run, probability: Callable[[str], float], tmp_path: Path
) -> None:
    (tmp_path / "review.txt").write_text(GOOD)
    expected = probability(GOOD)
    label = "positive" if expected >= 0.5 else "negative"
    printed = f"{label} (probability of being positive: {expected:.3f})\n"
    review = tmp_path / "review.txt"
    for result in (run("predict", review), *(run("predict", *source, stdin=GOOD) for source in ((GOOD,), (), ("-",)))):
        assert (result.exit_code, result.stdout, result.stderr) == (0, printed, "")
    as_json = json.loads(run("predict", "--json", GOOD).stdout)
    assert as_json == {"label": label, "probability": pytest.approx(expected, abs=1e-6)}


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_text_that_is_no_review_is_refused(run: Run, command: str) -> None:
    for text, found in (("", "found an empty text"), ("x" * 1_000_001, "1,000,001 characters")):
        assert_refused(run(command, text), "the review", found)
        assert_refused(run(command, stdin=text), "standard input", found)


def test_text_without_a_known_word_has_no_prediction(run: Run) -> None:
    assert run("predict", "Фильм").stdout == "unknown (no word that the model knows)\n"
    assert json.loads(run("predict", "--json", "Фильм").stdout) == {"label": "unknown", "probability": None}
    assert_refused(run("explain", "Фильм"), "the review: found no word that the model knows; expected a review in the")


def test_thresholds_decide_the_label(run: Run, probability: Callable[[str], float]) -> None:
    found = probability(GOOD)

    def label(*options: object) -> str:
        return str(run("predict", GOOD, *options).stdout.split(" (")[0])

    assert label("--threshold", found - 0.01) == "positive"
    assert label("--threshold", found + 0.01) == "negative"
    assert label("--uncertain", found - 0.01, found + 0.01) == "uncertain"
    assert label("--uncertain", found + 0.01, found + 0.02) == "negative"
    assert label("--uncertain", found - 0.02, found - 0.01) == "positive"
    for options, message in (
        (("--threshold", 1.5), "--threshold 1.5: found no such probabilities; expected 0 to 1"),
        (("--uncertain", 0.7, 0.3), "--uncertain 0.7 0.3: found no such probabilities"),
        (("--uncertain", 0.3, 0.7, "--threshold", 0.5), "--threshold: found --uncertain too; expected one of them"),
    ):
        assert_refused(run("predict", GOOD, *options), message)


def test_review_without_quotes_is_refused(run: Run) -> None:
    assert_refused(run("predict", "what", "a", "film"), "the review: found 3 arguments; expected one, in quotes")


@pytest.mark.parametrize("name", ["no.csv", "no.tsv", "no.json", "IMDB Datset.csv", "./no", "/no/folder", "runs/demo/"])
def test_path_of_no_file_is_not_taken_for_a_review(run: Run, name: str) -> None:
    for command in ("predict", "explain"):
        assert_refused(run(command, name), f"{name}: found no such file; expected a review, a .txt file or a table")
        assert run(command, stdin=f"I loved {name}").exit_code == 0


def test_path_of_another_kind_is_not_taken_for_a_review(run: Run, tmp_path: Path) -> None:
    (tmp_path / "review.doc").write_text(GOOD)
    assert_refused(run("predict", tmp_path / "review.doc"), "found a file of another kind; expected a review, a .txt")
    assert_refused(run("predict", tmp_path), f"{tmp_path}: found a folder without tables or .txt files; expected")
    assert_refused(run("explain", tmp_path), f"{tmp_path}: found a folder without tables")
    assert_refused(run("predict", "/dev/null"), "/dev/null: found a pipe or device; expected")
    assert_refused(run("explain", write_table(tmp_path / "table.csv", ROWS)), "found a table or a folder; expected one")
    for options in (["--output", "out.csv"], ["--text-column", "a"], ["--encoding", "utf-8"], ["--skip-bad-lines"]):
        assert_refused(run("predict", GOOD, *options), "the review: found options for tables; expected a table")


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_review_that_begins_with_a_hyphen_goes_after_two(run: Run, command: str) -> None:
    assert run(command, "--", "-5 stars, avoid it").exit_code == 0
    for options in ([], ["--json"]):
        result = run(command, *options, "-5 stars, avoid it")
        assert result.exit_code == 2
        assert f"imdb-sentiment {command} -- '-5 stars, avoid it'" in result.stderr
    result = run(command, "--nonsense", GOOD)
    assert (result.exit_code, "No such option: --nonsense" in result.stderr) == (2, True)


def test_output_that_cannot_be_written_is_refused(run: Run, tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", ROWS)
    (tmp_path / "file").write_text("in the way")
    before = snapshot(tmp_path)
    predict = functools.partial(run, "predict", path, "--output")
    assert_refused(predict(tmp_path / "out.xlsx"), "found .xlsx format; expected .csv")
    assert_refused(predict(tmp_path / "out"), "found no format; expected .csv")
    assert_refused(predict(tmp_path / "file/out.csv"), "out.csv: cannot be written")
    with full_disk(10):
        assert_refused(predict(tmp_path / "out.csv"), "out.csv: cannot be written")
    assert_refused(run("explain", GOOD, "--html", tmp_path / "file/page.html"), "page.html: cannot be written")
    for command in ("predict", "explain"):
        assert_refused(run(command, GOOD, "--model", tmp_path / "nowhere"), "nowhere", "no such folder", "dvc repro")
    assert snapshot(tmp_path) == before


def test_output_that_is_the_input_is_refused(run: Run, exported_once: Path, tmp_path: Path) -> None:
    table, review = write_table(tmp_path / "table.csv", ROWS), tmp_path / "review.txt"
    review.write_text(GOOD)
    for path in (table, review):
        (tmp_path / f"symbolic{path.suffix}").symlink_to(path)
        (tmp_path / f"hard{path.suffix}").hardlink_to(path)
    before = snapshot(tmp_path)
    for name in ("table", "symbolic", "hard"):
        output = tmp_path / f"{name}.csv"
        assert_refused(run("predict", table, "--output", output), f"--output {output}: found the file that is read")
    for name in ("review", "symbolic", "hard"):
        output = tmp_path / f"{name}.txt"
        assert_refused(run("explain", review, "--html", output), f"--html {output}: found the file that is read")
    with review.open("rb") as stdin:
        process = start(exported_once, "explain", "--html", review, stdin=stdin)
        assert "found the file that is read" in process.communicate(timeout=60)[1]
    assert snapshot(tmp_path) == before


def test_two_commands_that_write_one_output_leave_that_of_the_last(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = write_table(tmp_path / "one.csv", ROWS)
    two = write_table(tmp_path / "two.csv", [{"text": f"Number {number}"} for number in range(50)])
    predict_with_known = SentimentModel.predict_with_known
    results = []

    def predict_two(*arguments: object) -> object:
        monkeypatch.setattr(SentimentModel, "predict_with_known", predict_with_known)
        results.append(run("predict", two, "--output", tmp_path / "out.csv"))
        assert len(read_table(tmp_path / "out.csv")) == 50
        return predict_with_known(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(SentimentModel, "predict_with_known", predict_two)
    results.append(run("predict", one, "--output", tmp_path / "out.csv"))
    assert [result.exit_code for result in results] == [0, 0]
    assert [row["id"] for row in read_table(tmp_path / "out.csv")] == ["1", "2", "3"]
    assert {path.name for path in tmp_path.iterdir()} == {"one.csv", "two.csv", "out.csv"}


def test_explain_prints_the_words_and_writes_a_page(run: Run, tmp_path: Path) -> None:
    result = run("explain", "I hated it, <b>dull</b> & [bold]so[/bold] tiresome", "--html", tmp_path / "page.html")
    assert result.exit_code == 0, result.stderr
    assert "I hated it, dull & [bold]so[/bold] tiresome" in result.stdout.splitlines()[0]
    assert "probability of being positive" in result.stdout
    assert f"page: {tmp_path / 'page.html'}" in result.stdout
    assert "(probability of being positive" in (tmp_path / "page.html").read_text(encoding="utf-8")
    words = json.loads(run("explain", GOOD, "--json").stdout)["words"]
    assert [word["word"] for word in words] == re.findall(r"\w+|[^\w\s]", GOOD)
    assert all(isinstance(word["contribution"], float) for word in words)


def test_control_characters_are_printed_as_escapes(run: Run, tmp_path: Path) -> None:
    text = "I loved \x1b[2J it\x07, \u202eever"
    write_table(tmp_path / "table.csv", [{"text": text}])
    (tmp_path / "evil\x1b[2J.doc").touch()
    shown = r"I loved \x1b[2J it\x07, \u202eever"
    assert run("predict", tmp_path / "table.csv").stdout.endswith(f"{shown}\n")
    explained = run("explain", text).stdout
    assert r"I loved \x1b[2J it" in explained
    assert_refused(run("predict", tmp_path / "evil\x1b[2J.doc"), r"evil\x1b[2J.doc: found")
    assert not set("\x1b\x07\u202e") & set(explained)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_output_in_any_encoding_loses_nothing(exported_once: Path, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text('{"text": "I loved it \\ud83d\\ude00 \\u00e9 \\ud800"}\n')
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    printed = start(exported_once, "predict", path, env=environment, encoding=encoding).communicate(timeout=60)[0]
    expected = "I loved it \N{GRINNING FACE} é ".encode(encoding, "backslashreplace").decode(encoding) + r"\ud800"
    assert printed.splitlines()[0].endswith(expected)
    arguments = ("explain", "--json", "I loved it \N{GRINNING FACE}")
    printed = start(exported_once, *arguments, env=environment, encoding=encoding).communicate(timeout=60)[0]
    assert json.loads(printed)["words"][-1]["word"] == "\N{GRINNING FACE}"


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_full_output_closed_input_and_other_bytes_are_refused(exported_once: Path, command: str) -> None:
    with Path("/dev/full").open("w") as full:
        process = start(exported_once, command, GOOD, stdout=full)
        message = process.communicate(timeout=60)[1]
    expected = "error: standard output: cannot be written: No space left on device\n"
    assert (process.returncode, message) == (1, expected)
    process = start(exported_once, command, preexec_fn=functools.partial(os.close, 0))
    message = process.communicate(timeout=60)[1]
    assert (process.returncode, message) == (1, "error: standard input: found it closed; expected a review\n")
    message = start(exported_once, command, os.fsdecode(b"I loved the caf\xe9")).communicate(timeout=60)[1]
    assert message == "error: the review: found bytes that are not UTF-8; expected a review\n"


def test_reader_that_goes_away_ends_predict_without_a_traceback(exported_once: Path, tmp_path: Path) -> None:
    process = start(exported_once, "predict", write_table(tmp_path / "table.csv", ROWS * 20_000))
    assert process.stdout is not None
    assert process.stderr is not None
    assert "  0." in process.stdout.readline()
    process.stdout.close()
    message = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) != 0
    assert "Traceback" not in message
    assert "Exception" not in message
