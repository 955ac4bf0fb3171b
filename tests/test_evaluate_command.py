"""`imdb-sentiment evaluate`, and what `train` refuses before any work."""

import json
from pathlib import Path
from typing import Any

import pytest

from imdb_sentiment import SentimentModel
from tests.commands import Run
from tests.factories import snapshot
from tests.stage_runs import assert_refused
from tests.table_files import write_table

TEXTS = ["I loved it, a wonderful story", "I hated it, dull", "I left early", "every minute of it <b>& more</b>"]
ROWS: list[dict[str, Any]] = [
    {"text": text, "label": number % 2, "split": "test" if number < 3 else "train"} for number, text in enumerate(TEXTS)
]


def test_evaluate_measures_the_labelled_rows(run: Run, exported_once: Path, tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", [{"text": row["text"], "label": row["label"]} for row in ROWS])
    result = run("evaluate", path, "--output", tmp_path / "m.json", "--html", tmp_path / "page.html")
    assert result.exit_code == 0, result.stderr
    probabilities = SentimentModel.load(exported_once / "data/model").predict(TEXTS).probabilities
    wrong = [number for number, p in enumerate(probabilities) if (p >= 0.5) != number % 2]
    measured = json.loads((tmp_path / "m.json").read_text())
    assert measured["accuracy"] == 1 - len(wrong) / 4
    assert measured["test_reviews"] == 4
    assert measured["accuracy_low"] < measured["accuracy"] < measured["accuracy_high"]
    assert sum(bin_["reviews"] for bin_ in measured["calibration"]) == 4
    assert {mistake["text"] for mistake in measured["mistakes"]} <= set(TEXTS) | {"every minute of it & more"}
    assert len(measured["mistakes"]) == len(wrong) > 0
    assert "accuracy_without_train_duplicates" not in measured
    assert "Most confident mistakes" in result.stdout
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Evaluation on <bdi>table.csv</bdi>" in page
    assert "default-src 'none'" in page
    assert page.count("<article>") == len(wrong)


def test_evaluate_measures_the_test_part_alone_if_there_is_one(run: Run, tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.jsonl", ROWS)
    assert run("evaluate", path, "--output", tmp_path / "m.json").exit_code == 0
    assert json.loads((tmp_path / "m.json").read_text())["test_reviews"] == 3


def test_evaluate_on_one_label_has_no_area_under_the_curve(run: Run, tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.jsonl", [{"text": text, "label": "pos"} for text in TEXTS])
    assert run("evaluate", path, "--output", tmp_path / "m.json", "--html", tmp_path / "page.html").exit_code == 0
    assert json.loads((tmp_path / "m.json").read_text())["roc_auc"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "found the labels good (2 rows), bad (1 rows); expected positive and negative"),
        (("--positive", "good"), "the options: found only one of positive and negative; expected both, or none"),
        (("--label-column", "stars"), "expected also stars, which data.table.label_column names"),
        (("--positive", "good", "--negative", "bad", "--encoding", "klingon"), "found no such encoding"),
    ],
)
@pytest.mark.parametrize("command", ["evaluate", "train"])
def test_table_that_is_not_clear_is_refused_before_any_work(
    run: Run, tmp_path: Path, command: str, options: tuple[str, ...], message: str
) -> None:
    rows = [{"text": text, "label": label} for text, label in zip(TEXTS, ("good", "bad", "good"), strict=False)]
    path = write_table(tmp_path / "table.csv", rows)
    before = snapshot(tmp_path)
    assert_refused(run(command, path, "--output", tmp_path / "out", *options), message)
    assert snapshot(tmp_path) == before


def test_output_that_would_replace_something_is_refused(run: Run, tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", ROWS)
    before = snapshot(tmp_path)
    assert_refused(run("train", path, "--output", tmp_path), "expected an empty folder, or one that an earlier")
    assert_refused(run("evaluate", path, "--output", path), f"--output {path}: found the file that is read")
    assert_refused(run("evaluate", path, "--html", path), f"--html {path}: found the file that is read")
    assert_refused(run("train", tmp_path / "no.csv", "--output", tmp_path / "out"), "no.csv: found no such file")
    assert snapshot(tmp_path) == before


def test_train_needs_the_project(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_table(tmp_path / "table.csv", ROWS)
    monkeypatch.setattr(
        "imdb_sentiment.__file__", str(tmp_path / "lib/python/site-packages/imdb_sentiment/__init__.py")
    )
    expected = "found no dvc.yaml; expected a clone of the project"
    assert_refused(run("train", path, "--output", tmp_path / "out"), expected)
