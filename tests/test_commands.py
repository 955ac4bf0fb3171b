"""The command imdb-sentiment, through its real parser and, where that matters, as a process of its own."""

import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from imdb_sentiment import SentimentModel
from imdb_sentiment.app import commands
from imdb_sentiment.prediction.predictor import Prediction
from tests.conftest import assert_refused, snapshot
from tests.refusal import full_disk
from tests.test_tables import ROWS, SUFFIXES, read_table, write_table

GOOD = "I loved every minute of it."
Run = Callable[..., Result]


@pytest.fixture
def run(exported_once: Path) -> Run:
    def invoke(command: str, *arguments: object, stdin: bytes | str = b"") -> Result:
        texts = [str(argument) for argument in arguments]
        environment = {"IMDB_SENTIMENT_MODEL": str(exported_once / "exported"), "COLUMNS": "200", "TERM": "dumb"}
        return CliRunner().invoke(commands.app, [command, *texts], input=stdin, env=environment)

    return invoke


@pytest.fixture
def probability(exported_once: Path) -> Callable[[str], float]:
    model = SentimentModel.load(exported_once / "exported")
    return lambda text: float(model.predict([text]).probabilities[0])


def test_a_text_a_file_and_standard_input_are_told_alike(
    run: Run, probability: Callable[[str], float], tmp_path: Path
) -> None:
    (tmp_path / "review.txt").write_text(GOOD)
    expected = probability(GOOD)
    printed = f"{'positive' if expected >= 0.5 else 'negative'} (probability of being positive: {expected:.3f})\n"
    for result in (
        run("predict", GOOD),
        run("predict", tmp_path / "review.txt"),
        run("predict", stdin=GOOD),
        run("predict", "-", stdin=GOOD),
    ):
        assert (result.exit_code, result.stdout, result.stderr) == (0, printed, "")
    as_json = json.loads(run("predict", "--json", GOOD).stdout)
    assert as_json == {"label": printed.split(maxsplit=1)[0], "probability": pytest.approx(expected, abs=1e-6)}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_comes_back_with_the_probability_that_each_text_has_alone(
    run: Run, probability: Callable[[str], float], tmp_path: Path, suffix: str
) -> None:
    path = write_table(tmp_path / f"table{suffix}", ROWS)
    result = run("predict", path, "--output", tmp_path / f"out{suffix}")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / f'out{suffix}'}: 3 reviews\n")
    written = read_table(tmp_path / f"out{suffix}")
    assert [{name: row[name] for name in ROWS[0]} for row in written] == ROWS
    expected = [probability(row["text"]) for row in ROWS]
    assert [float(row["probability"]) for row in written] == pytest.approx(expected, abs=1e-5)
    named = ["positive" if its >= 0.5 else "negative" for its in expected]
    assert [row["predicted_label"] for row in written] == named

    printed = run("predict", path)
    assert [line.split("  ")[0] for line in printed.stdout.splitlines()] == named
    assert printed.stdout.splitlines()[0].endswith('Good, "really" good film')
    lines = [json.loads(line) for line in run("predict", path, "--json").stdout.splitlines()]
    assert [its["probability"] for its in lines] == pytest.approx(expected, abs=1e-5)


def test_bad_rows_are_left_out_and_counted_if_that_is_asked_for(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text('{"text": "good"}\nbroken\n{"text": null}\n{"text": "bad"}\n')
    before = snapshot(tmp_path)
    assert_refused(run("predict", path, "--output", tmp_path / "out.jsonl"), f"{path}, line 2", "--skip-bad-lines")
    assert snapshot(tmp_path) == before
    result = run("predict", path, "--output", tmp_path / "out.jsonl", "--skip-bad-lines")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1] == "2 bad rows left out"
    assert [row["text"] for row in read_table(tmp_path / "out.jsonl")] == ["good", "bad"]


@pytest.mark.parametrize("command", ["predict", "explain"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found an empty text"),
        ("   ", "found an empty text"),
        ("\N{GRINNING FACE}\N{GRINNING FACE}", "no word that the model knows; expected English"),
        ("Отличный фильм", "no word that the model knows"),
        ("x" * 1_000_001, "1,000,001 characters"),
    ],
)
def test_what_is_no_review_is_refused(run: Run, command: str, text: str, said: str) -> None:
    assert_refused(run(command, text), "the review", said)
    assert_refused(run(command, stdin=text), said)


@pytest.mark.parametrize("command", ["predict", "explain"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x" * 10_000_000, "more than 4,000,000 bytes"),
        (b"so\0good", "a NUL byte"),
        (b"na\xefve", "not UTF-8"),
        (b"", "an empty text"),
    ],
)
def test_a_file_that_is_no_review_is_refused(run: Run, command: str, content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "review.txt"
    path.write_bytes(content)
    assert_refused(run(command, path), str(path), said)
    assert_refused(run(command, stdin=content), "standard input", said)


@pytest.mark.parametrize("name", ["nothing.txt", "nothing.csv", "nothing.jsonl", "nothing.parquet"])
def test_a_file_that_is_not_there_is_no_review(run: Run, name: str, tmp_path: Path) -> None:
    assert_refused(run("predict", tmp_path / name), str(tmp_path / name), "found")


def test_a_sentence_that_ends_like_a_file_is_a_review(run: Run) -> None:
    assert run("predict", "I loved every minute of it.txt").exit_code == 0
    assert run("predict", "I hated every minute of film.csv").exit_code == 0


def test_a_file_of_another_kind_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "review.doc").write_text(GOOD)
    assert_refused(run("predict", tmp_path / "review.doc"), "expected one of .txt, .csv, .jsonl, .parquet")


def test_options_of_tables_are_refused_for_a_text(run: Run, tmp_path: Path) -> None:
    for options in (["--output", tmp_path / "out.csv"], ["--text-column", "a"], ["--skip-bad-lines"]):
        assert_refused(run("predict", GOOD, *options), "found the review; expected a table")
    assert_refused(run("explain", tmp_path / "table.csv"), "found a table; expected one review")


def test_an_output_that_cannot_be_written_is_refused(run: Run, tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", ROWS)
    (tmp_path / "file").write_text("in the way")
    before = snapshot(tmp_path)
    refused = functools.partial(run, "predict", path, "--output")
    assert_refused(refused(tmp_path / "out.parquet"), "found .parquet format; expected .csv")
    assert_refused(refused(tmp_path / "out"), "found no format; expected .csv")
    assert_refused(refused(path), "found the table that is read; expected another file")
    assert_refused(refused(tmp_path / "file/out.csv"), "out.csv: cannot be written")
    with full_disk(10):
        assert_refused(refused(tmp_path / "out.csv"), "out.csv: cannot be written")
    assert_refused(run("explain", GOOD, "--html", tmp_path / "file/page.html"), "page.html: cannot be written")
    assert snapshot(tmp_path) == before


def test_a_model_that_is_none_is_refused(run: Run, tmp_path: Path) -> None:
    for command in ("predict", "explain"):
        assert_refused(run(command, GOOD, "--model", tmp_path / "nowhere"), "nowhere", "no such folder", "dvc repro")


def test_an_explanation_is_printed_and_written_as_a_page(run: Run, tmp_path: Path) -> None:
    result = run("explain", "I hated it, <b>dull</b> & [bold]so[/bold] tiresome", "--html", tmp_path / "page.html")
    assert result.exit_code == 0, result.stderr
    assert "I hated it, dull & [bold]so[/bold] tiresome" in result.stdout.splitlines()[0]
    assert "probability of being positive" in result.stdout
    assert f"page: {tmp_path / 'page.html'}" in result.stdout
    assert "(probability of being positive" in (tmp_path / "page.html").read_text(encoding="utf-8")
    words = json.loads(run("explain", GOOD, "--json").stdout)["words"]
    assert [its["word"] for its in words] == re.findall(r"\w+|[^\w\s]", GOOD)
    assert all(isinstance(its["contribution"], float) for its in words)


def test_ctrl_c_leaves_the_old_output(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> Prediction:
        raise KeyboardInterrupt

    monkeypatch.setattr(SentimentModel, "predict", interrupted)
    path = write_table(tmp_path / "table.csv", ROWS)
    (tmp_path / "out.csv").write_text("old")
    before = snapshot(tmp_path)
    assert_refused(run("predict", path, "--output", tmp_path / "out.csv"), "interrupted", code=130)
    assert snapshot(tmp_path) == before


def start(model: Path, *arguments: object) -> "subprocess.Popen[str]":
    # A process started in the background may have been told to ignore Ctrl-C.
    script = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    script += "from imdb_sentiment.app.commands import app; app()"
    command = [sys.executable, "-c", script, *map(str, arguments), "--model", str(model)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_real_ctrl_c_leaves_nothing_half_written(exported_once: Path, tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", ROWS * 100_000)
    before = set(snapshot(tmp_path))
    process = start(exported_once / "exported", "predict", path, "--output", tmp_path / "out.csv")
    deadline = time.monotonic() + 60
    while set(snapshot(tmp_path)) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert set(snapshot(tmp_path)) != before  # it has begun to write
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "error: interrupted; nothing is half-written"
    assert set(snapshot(tmp_path)) == before


def test_a_reader_that_goes_away_ends_it_without_a_traceback(exported_once: Path, tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", ROWS * 20_000)
    process = start(exported_once / "exported", "predict", path)
    assert process.stdout is not None
    assert process.stderr is not None
    assert "  0." in process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) != 0
    assert "Traceback" not in said
    assert "Exception" not in said


def test_the_label_is_that_of_the_probability() -> None:
    from imdb_sentiment.artifacts.labels import describe, label_name

    assert [label_name(its) for its in np.array([0.0, 0.4999, 0.5, 1.0])] == ["negative"] * 2 + ["positive"] * 2
    assert describe(0.25) == "negative (probability of being positive: 0.250)"


def test_help_answers_without_loading_a_model() -> None:
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-X", "importtime", "-m", "imdb_sentiment.app.commands", "predict", "--help"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "--skip-bad-lines" in result.stdout
    assert "onnxruntime" not in result.stderr
    assert "numpy" not in result.stderr
