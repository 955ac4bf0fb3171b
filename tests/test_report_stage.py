"""The stage report: what it reads and computes from the other stages' outputs, and what it writes."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

from imdb_sentiment.evaluation.metrics import wilson_interval
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.report.accuracy import Interval, accuracy_by_length, accuracy_by_rating
from imdb_sentiment.report.gather import explain_mistakes, read_test_reviews, read_training
from imdb_sentiment.runtime.errors import ArtifactError
from stages import report as report_stage
from tests.conftest import assert_refused, run_stage, snapshot
from tests.factories import make_reviews, make_training
from tests.refusal import full_disk


def test_groups_have_the_accuracy_and_interval_of_their_reviews() -> None:
    reviews = make_reviews()
    groups = {group.name: group for group in accuracy_by_rating(reviews)}
    assert set(groups) == {"3 stars", "8 stars"}
    correct = ((reviews["lstm"] >= 0.5) == reviews["y_true"])[reviews["rating"] == 8]
    assert groups["8 stars"].lstm == Interval(correct.mean(), *wilson_interval(int(correct.sum()), len(correct)))
    assert accuracy_by_rating(reviews.assign(rating=None)) == []


def test_lengths_are_grouped_into_about_equal_parts() -> None:
    reviews = make_reviews()
    words = reviews["text"].map(lambda text: len(text.split()))
    groups = accuracy_by_length(reviews)
    ends = [tuple(map(int, re.findall(r"\d+", group.name))) for group in groups]
    assert ends[0][0] == words.min()
    assert ends[-1][1] == words.max()
    for (start, end), group in zip(ends, groups, strict=True):
        in_group = words.between(start, end)
        assert abs(in_group.sum() - len(reviews) / 6) <= 3
        assert group.linear.value == ((reviews["linear"] >= 0.5) == reviews["y_true"])[in_group].mean()
    assert [group.name for group in accuracy_by_length(reviews.assign(text="one two"))] == ["2 to 2 words"]


def write_training(folder: Path) -> Path:
    training = make_training(2, None)
    folder.mkdir()
    members = {f"member_{number}": member for number, member in enumerate(training.members, 1)}
    for name, member in members.items():
        member.curves.to_csv(folder / f"{name}.csv", index=False)
    content = dict(training.result) | {name: dict(member.result) for name, member in members.items()}
    (folder / "metrics.json").write_text(json.dumps(content))
    return folder


def test_training_is_read_as_it_was_written(tmp_path: Path) -> None:
    training = read_training(write_training(tmp_path / "training"))
    assert training.result["temperature"] == 1.25
    assert [member.result["kept_epoch"] for member in training.members] == [2, None]
    pd.testing.assert_frame_equal(training.members[1].curves, make_training(1).members[0].curves)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metrics.json", '{"temperature": 1.0}', "no member_1"),
        ("member_2.csv", None, "no such file"),
        ("member_2.csv", "epoch,loss\n1,0.5\n", "expected the columns epoch, train_loss"),
        ("member_2.csv", "", "cannot be read"),
    ],
)
def test_unreadable_training_is_refused(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    path = write_training(tmp_path / "training") / name
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(ArtifactError, match=message) as caught:
        read_training(tmp_path / "training")
    assert str(path) in str(caught.value)


def run_report(folder: Path, output: Path, **changes: Path) -> Result:
    paths = {
        "params": folder / "params.yaml",
        "reviews": folder / "reviews.parquet",
        "predictions": folder / "predictions.csv",
        "baseline-predictions": folder / "baseline.csv",
        "model": folder / "exported",
        "metrics": folder / "metrics.json",
        "baseline-metrics": folder / "baseline.json",
        "data-summary": folder / "data.json",
        "behaviour": folder / "behaviour.json",
        "export-check": folder / "export.json",
        "curves": output / "training",
        "page": output / "report.html",
        "card": output / "README.md",
    }
    options = (paths | {name.replace("_", "-"): path for name, path in changes.items()}).items()
    return run_stage(report_stage.app, *(part for name, path in options for part in (f"--{name}", path)))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "output").mkdir()
    write_training(tmp_path / "output/training")
    return tmp_path / "output"


def test_stage_writes_page_and_card_the_same_again(exported_once: Path, output: Path) -> None:
    result = run_report(exported_once, output)
    assert result.exit_code == 0, result.stderr
    written = snapshot(output)
    assert (
        str(json.loads((exported_once / "data.json").read_text())["fingerprint"])
        in (output / "report.html").read_text()
    )
    assert "license: mit" in (output / "README.md").read_text()
    assert run_report(exported_once, output).exit_code == 0
    assert snapshot(output) == written


def test_stage_keeps_old_outputs_if_it_cannot_write_or_read(exported_once: Path, output: Path, tmp_path: Path) -> None:
    for name in ("report.html", "README.md"):
        (output / name).write_text("old")
    before = snapshot(output)
    with full_disk(10):
        assert_refused(run_report(exported_once, output), str(output), "cannot be written")
    missing = tmp_path / "missing.json"
    assert_refused(run_report(exported_once, output, behaviour=missing), "missing.json", "no such file")
    lines = (exported_once / "baseline.csv").read_text().splitlines(keepends=True)
    (tmp_path / "other.csv").write_text("".join(lines[:-1]))
    result = run_report(exported_once, output, baseline_predictions=tmp_path / "other.csv")
    assert_refused(result, "other.csv: found not all test reviews")
    assert snapshot(output) == before


def test_most_confident_mistakes_come_first(exported_once: Path) -> None:
    reviews = read_test_reviews(
        *(exported_once / name for name in ("reviews.parquet", "predictions.csv", "baseline.csv"))
    )
    model = SentimentModel.load(exported_once / "exported")
    # The tiny corpus is easy. The opposite of each prediction is wrong wherever the prediction was right.
    mistakes = explain_mistakes(model, reviews.assign(lstm=1 - reviews["lstm"]))
    right = reviews[(reviews["lstm"] >= 0.5) == reviews["y_true"]]
    assert len(mistakes) == min(10, len(right)) > 1
    distances = (reviews["lstm"].loc[[mistake.review_id for mistake in mistakes]] - 0.5).abs()
    assert distances.is_monotonic_decreasing
    assert {mistake.review_id for mistake in mistakes} <= set(right.index)
    assert all(mistake.rating in range(1, 11) for mistake in mistakes)
