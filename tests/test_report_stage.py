"""The stage report: what it reads and computes from the other stages' outputs, and what it writes."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from imdb_sentiment.evaluation.metrics import wilson_interval
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.report.accuracy import Interval, accuracy_by_length, accuracy_by_rating
from imdb_sentiment.report.gather import explain_mistakes, read_test_reviews, read_training
from imdb_sentiment.runtime.errors import ArtifactError
from tests.factories import snapshot
from tests.reports import make_reviews, make_training
from tests.stage_runs import assert_refused, full_disk, run_stage, run_stages


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


def write_training(workspace: Path) -> tuple[Path, Path]:
    """Write made-up training curves and metrics, and return their paths."""
    training = make_training(2, None)
    curves, metrics = workspace / "training", workspace / "training.json"
    curves.mkdir(parents=True)
    members = {f"member_{number}": member for number, member in enumerate(training.members, 1)}
    for name, member in members.items():
        member.curves.to_csv(curves / f"{name}.csv", index=False)
    content = (
        dict(training.result)
        | {"temperature": training.temperature.as_dict()}
        | {name: dict(member.result) for name, member in members.items()}
    )
    metrics.write_text(json.dumps(content))
    return curves, metrics


def test_training_is_read_as_it_was_written(tmp_path: Path) -> None:
    training = read_training(*write_training(tmp_path))
    assert training.temperature == make_training(1).temperature
    assert [member.result["kept_epoch"] for member in training.members] == [2, None]
    pd.testing.assert_frame_equal(training.members[1].curves, make_training(1).members[0].curves)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("training.json", '{"temperature": 1.0}', "no member_1"),
        ("training.json", '{"member_1": {}}', "temperature None"),
        ("training/member_2.csv", None, "no such file"),
        ("training/member_2.csv", "epoch,loss\n1,0.5\n", "expected the columns epoch, train_loss"),
        ("training/member_2.csv", "", "cannot be read"),
    ],
)
def test_unreadable_training_is_refused(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    paths = write_training(tmp_path)
    path = tmp_path / name
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(ArtifactError, match=message) as caught:
        read_training(*paths)
    assert str(path) in str(caught.value)


def test_stage_writes_page_and_card_the_same_again(exported: Path) -> None:
    run_stages(exported, "report")
    written = snapshot(exported)
    fingerprint = json.loads((exported / "metrics/data.json").read_text())["fingerprint"]
    assert fingerprint in (exported / "data/report.html").read_text()
    assert "license: mit" in (exported / "data/model/README.md").read_text()
    run_stages(exported, "report")
    assert snapshot(exported) == written


def test_stage_keeps_old_outputs_if_it_cannot_write_or_read(exported: Path) -> None:
    run_stages(exported, "report")
    before = snapshot(exported)
    with full_disk(10):
        assert_refused(run_stage("report", exported), "cannot be written")
    result = run_stage("report", exported, "--behaviour", "missing.json")
    assert_refused(result, "missing.json", "no such file")
    assert snapshot(exported) == before
    predictions = exported / "data/baseline.csv"
    lines = predictions.read_text().splitlines(keepends=True)
    predictions.write_text("".join(lines[:-1]))
    assert_refused(run_stage("report", exported), "baseline.csv: found not all test reviews")
    assert (exported / "data/report.html").read_bytes() == before["data/report.html"]


def test_most_confident_mistakes_come_first(exported_once: Path) -> None:
    reviews = read_test_reviews(
        *(exported_once / "data" / name for name in ("reviews.parquet", "predictions.csv", "baseline.csv"))
    )
    model = SentimentModel.load(exported_once / "data/model")
    # The tiny corpus is easy. The opposite of each prediction is wrong wherever the prediction was right.
    mistakes = explain_mistakes(model, reviews.assign(lstm=1 - reviews["lstm"]))
    right = reviews[(reviews["lstm"] >= 0.5) == reviews["y_true"]]
    assert len(mistakes) == min(10, len(right)) > 1
    distances = (1 - reviews["lstm"].loc[[mistake.review_id for mistake in mistakes]] - 0.5).abs()
    assert distances.is_monotonic_decreasing
    assert {mistake.review_id for mistake in mistakes} <= set(right.index)
    assert all(mistake.rating in range(1, 11) for mistake in mistakes)
