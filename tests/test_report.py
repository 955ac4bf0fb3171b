"""The report: what it tells is what was measured, what it quotes is text, and it needs nothing but itself."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from imdb_sentiment.evaluation.metrics import wilson_interval
from imdb_sentiment.prediction.explanation import Explanation, Word
from imdb_sentiment.report.charts import Curve, Interval, curve_chart, interval_chart, ticks_around
from imdb_sentiment.report.gather import Mistake, Report, accuracy_by_length, accuracy_by_rating, gather_report
from imdb_sentiment.report.page import render_report
from imdb_sentiment.runtime.files import read_json
from imdb_sentiment.runtime.params import load_params
from stages import report as report_stage
from tests.conftest import assert_refused, run_stage, snapshot
from tests.refusal import full_disk

EVIL = "<script>alert('x')</script> & <img src=x onerror=alert(1)> dull"


def paths(folder: Path) -> dict[str, Path]:
    names = {"reviews": "reviews.parquet", "predictions": "predictions.csv", "baseline": "baseline.csv"}
    return {name: folder / its for name, its in names.items()} | {"model": folder / "exported"}


@pytest.fixture
def measured(exported_once: Path, tmp_path: Path) -> Path:
    """Return a folder of `metrics` as the pipeline lays it out."""
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    for name in ("data", "metrics", "baseline"):
        (metrics / f"{name}.json").write_bytes((exported_once / f"{name}.json").read_bytes())
    (metrics / "training").symlink_to(exported_once / "curves")
    return metrics


@pytest.fixture
def gathered(exported_once: Path, measured: Path) -> Report:
    params = load_params(exported_once / "params.yaml")
    return gather_report(params=params, metrics=measured, **paths(exported_once))


def run_report(folder: Path, metrics: Path, page: Path) -> Result:
    inputs = paths(folder).values()
    return run_stage(report_stage.app, metrics, *inputs, page, "--params", folder / "params.yaml")


class Page(HTMLParser):
    """Collects the elements, their attributes, and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_the_headline_and_the_tables_are_what_was_measured(gathered: Report, measured: Path) -> None:
    text = " ".join(Page(render_report(gathered)).text.split())
    ours, theirs = read_json(measured / "metrics.json"), read_json(measured / "baseline.json")
    for its in (ours, theirs):
        for key in ("accuracy", "accuracy_low", "accuracy_high"):
            assert f"{its[key]:.2%}" in text
    for key in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
        assert f"{ours[key]:,} (" in text
    assert f"{ours['loss']:.4f}" in text
    assert read_json(measured / "data.json")["fingerprint"] in text
    assert f"batch_size {gathered.params.train.batch_size}" in re.sub(r"(?<=size)(?=\d)", " ", text)


def test_the_page_needs_nothing_and_can_be_read_by_all(gathered: Report) -> None:
    html = render_report(gathered)
    page = Page(html)
    assert {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe"} == set()
    assert not re.search(r"(https?:)?//\w|url\(|@import", html)
    assert page.of("html") == [{"lang": "en"}]
    assert any(its.get("name") == "viewport" for its in page.of("meta"))
    assert any("default-src 'none'" in str(its.get("content")) for its in page.of("meta"))
    charts = page.of("svg")
    assert len(charts) >= 7
    assert all(its["role"] == "img" and its["aria-label"] for its in charts)
    ids = {str(its.get("id")) for _, its in page.elements}
    assert all(str(its["href"]).removeprefix("#") in ids for its in page.of("a"))
    assert all(its.get("scope") in {"row", "col"} for its in page.of("th"))
    assert "prefers-color-scheme: dark" in html


def test_a_review_with_a_script_shows_as_text(gathered: Report) -> None:
    words = [Word(0, 8, 1.0), Word(len(EVIL) - 4, len(EVIL), -2.0)]
    evil = Mistake("<b>id</b>", "negative", 1, Explanation(EVIL, 0.99, words))
    report = Report(**{**vars(gathered), "mistakes": [evil]})
    page = Page(render_report(report))
    assert EVIL in page.text
    assert "<b>id</b>" in page.text
    assert {"script", "img", "b"} & {tag for tag, _ in page.elements} == set()


def test_the_surest_mistakes_come_first_and_are_mistakes(gathered: Report) -> None:
    table = gathered.table
    wrong = table[(table["ours"] >= 0.5) != table["y_true"]]
    assert len(gathered.mistakes) == min(10, len(wrong))
    distances = [abs(its.explanation.probability - 0.5) for its in gathered.mistakes]
    assert distances == sorted(distances, reverse=True)
    assert {its.review_id for its in gathered.mistakes} <= set(wrong.index)


def table_of(count: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, count)
    return pd.DataFrame(
        {
            "y_true": truth,
            "ours": np.where(rng.random(count) < 0.9, truth, 1 - truth).astype(float),
            "theirs": np.where(rng.random(count) < 0.7, truth, 1 - truth).astype(float),
            "rating": np.where(truth == 1, 8, 3),
            "text": ["word " * int(its) for its in rng.integers(1, 50, count)],
        }
    )


def test_groups_have_the_accuracy_and_interval_of_their_reviews() -> None:
    table = table_of()
    rows = dict(accuracy_by_rating(table))
    assert set(rows) == {"3 stars", "8 stars"}
    right = ((table["ours"] >= 0.5) == table["y_true"])[table["rating"] == 8]
    assert rows["8 stars"][0] == Interval(right.mean(), *wilson_interval(int(right.sum()), len(right)))
    assert accuracy_by_rating(table.assign(rating=None)) == []


def test_lengths_are_grouped_into_about_equal_parts() -> None:
    table = table_of()
    words = table["text"].str.split().str.len()
    (first, (interval, _)), *_, (last, _) = accuracy_by_length(table)
    end = int(first.removeprefix("up to ").removesuffix(" words"))
    assert abs((words <= end).sum() - len(table) / 6) <= 3
    right = ((table["ours"] >= 0.5) == table["y_true"])[words <= end]
    assert interval.value == right.mean()
    assert last.startswith("over ")
    assert len(accuracy_by_length(table.assign(text="one two"))) == 1


def test_points_stand_where_their_values_are() -> None:
    curve = Curve([(0.0, 0.0), (1.0, 1.0)], dots=True)
    svg = curve_chart([curve], "a <title>", x_label="x", y_label="y", x_ticks=(0, 1), y_ticks=(0, 1), diagonal=True)
    assert 'aria-label="a &lt;title&gt;"' in svg
    assert '<polyline class="curve ours" points="56.0,256.0 466.0,12.0"/>' in svg
    assert svg.count("<circle") == 2
    row = ("name", [Interval(0.5, 0.25, 0.75)])
    chart = interval_chart([row], "title", (0.0, 1.0), "{:.0%}".format)
    assert 'cx="293.0"' in chart
    assert 'x1="212.5" x2="373.5"' in chart


@pytest.mark.parametrize(
    ("values", "step", "expected"),
    [
        ((0.913, 0.934), 0.01, [0.91, 0.92, 0.93, 0.94]),
        ((0.97, 0.99), 0.05, [0.95, 1.0]),
        ((0.5, 0.5), 0.5, [0.5, 1.0]),
    ],
)
def test_ticks_enclose_the_values(values: tuple[float, float], step: float, expected: list[float]) -> None:
    assert ticks_around(values, step, 0.0, 1.0) == pytest.approx(expected)


def test_the_stage_writes_the_page_twice_the_same(exported_once: Path, measured: Path, tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        result = run_report(exported_once, measured, tmp_path / name)
        assert result.exit_code == 0, result.stderr
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_what_is_missing_or_of_another_run_is_refused(exported_once: Path, measured: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("old")
    before = snapshot(tmp_path)
    with full_disk(10):
        assert_refused(run_report(exported_once, measured, page), "page.html: cannot be written")
    assert snapshot(tmp_path) == before
    (measured / "training").unlink()
    assert_refused(run_report(exported_once, measured, page), "loss.tsv", "no such file")
    (measured / "training/plots/metrics/train").mkdir(parents=True)
    (measured / "training/plots/metrics/train/loss.tsv").write_text("step\tother\n1\t2\n")
    assert_refused(run_report(exported_once, measured, page), "loss.tsv", "cannot be read as a curve")
    (measured / "data.json").unlink()
    assert_refused(run_report(exported_once, measured, page), "data.json", "no such file")
    assert page.read_text() == "old"


def test_predictions_of_other_reviews_are_refused(exported_once: Path, measured: Path, tmp_path: Path) -> None:
    lines = (exported_once / "baseline.csv").read_text().splitlines(keepends=True)
    other = tmp_path / "other.csv"
    other.write_text("".join(lines[:-1]))
    inputs = {**paths(exported_once), "baseline": other}.values()
    result = run_stage(
        report_stage.app, measured, *inputs, tmp_path / "page.html", "--params", exported_once / "params.yaml"
    )
    assert_refused(result, "other.csv: found not each test review")
