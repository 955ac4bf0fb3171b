"""The report page shows what was measured, quotes texts safely, and needs no other file."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from imdb_sentiment.report.charts import training_chart
from imdb_sentiment.report.gather import Report
from imdb_sentiment.report.page import render_report
from tests.reports import SCRIPT, SOURCE, make_report, make_training

SECTIONS = [
    "Training",
    "Errors",
    "Ranking",
    "Calibration",
    "Length and rating",
    "Most confident mistakes",
    "Edited reviews",
    "Data",
    "Params",
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return make_report(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    return render_report(report)


class Page(HTMLParser):
    """Collects the elements of a page with their attributes, its text, and the text with a space at each tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.feed(html)
        self.text = " ".join("".join(self.pieces).split())
        self.spaced_text = " ".join(" ".join(self.pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_page_shows_measured_numbers(report: Report, html: str) -> None:
    text = Page(html).text
    for metrics in (report.metrics, report.baseline):
        for key in ("accuracy", "accuracy_low", "accuracy_high"):
            assert f"{metrics[key]:.2%}" in text
        for key in ("precision", "roc_auc", "loss", "expected_calibration_error"):
            assert f"{metrics[key]:.4f}" in text
    for key in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
        assert f"{report.metrics[key]:,} (" in text
    for part in (
        "55186348",
        "14,106",
        "1.56 percentage points ahead",
        "unlikely to be chance (McNemar's test, p = 0.012)",
        "1.78 at 10 tokens",
        "test reviews that are also",
    ):
        assert part in text


def test_page_has_each_section_and_links_to_it(html: str) -> None:
    page = Page(html)
    assert re.findall(r"<h2 id=[^>]*>(.*?)</h2>", html) == SECTIONS
    ids = [attributes.get("id") for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert [str(link["href"]).removeprefix("#") for link in page.attributes("a")] == ids
    assert [section["aria-labelledby"] for section in page.attributes("section")] == ids


def test_page_needs_no_other_file(html: str) -> None:
    page = Page(html)
    assert {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "use", "image"} == set()
    names = {name for _, attributes in page.elements for name in attributes}
    assert names & {"src", "srcset", "data", "action", "xlink:href", "onload"} == set()
    assert all(str(link["href"]).startswith("#") for link in page.attributes("a"))
    assert not re.search(r"url\(|@import", html)
    policies = [meta["content"] for meta in page.attributes("meta") if "http-equiv" in meta]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_page_can_be_read_on_a_phone_in_the_dark_and_aloud(html: str) -> None:
    page = Page(html)
    assert page.attributes("html") == [{"lang": "en"}]
    assert any(meta.get("name") == "viewport" for meta in page.attributes("meta"))
    assert "@media (prefers-color-scheme: dark)" in html
    charts = [attributes for attributes in page.attributes("div") if attributes.get("role") == "img"]
    assert len(charts) == len(page.attributes("svg")) == 8
    assert len({chart["aria-label"] for chart in charts}) == 8
    # Each chart but the headline's has its numbers below it, and each mistake its review.
    assert len(page.attributes("details")) == 8 + 1
    assert all(cell.get("scope") in {"row", "col"} for cell in page.attributes("th"))
    colours = re.findall(r'(?:fill|stroke)="([^"]*)"', html)
    assert {colour for colour in colours if not colour.startswith("var(--")} <= {"none", "transparent"}


def test_page_escapes_reviews_and_params(html: str) -> None:
    page = Page(html)
    for text in (SCRIPT, "test/<b>1</b>", SOURCE):
        assert text in page.text
    assert {"script", "img", "b"} & {tag for tag, _ in page.elements} == set()


def test_page_is_the_same_for_the_same_report(report: Report, html: str) -> None:
    assert render_report(report) == html


@pytest.mark.parametrize(
    ("p_value", "verdict"),
    [
        (4e-24, "almost certainly not chance (McNemar's test, p below 0.001)"),
        (0.25, "may well be chance (McNemar's test, p = 0.250)"),
    ],
)
def test_page_says_whether_the_difference_may_be_chance(report: Report, p_value: float, verdict: str) -> None:
    metrics = {**report.metrics, "mcnemar_p": p_value, "margin_over_baseline": -0.01}
    text = Page(render_report(dataclasses.replace(report, metrics=metrics))).text
    assert verdict in text
    assert "1.00 percentage points behind" in text


def test_page_shows_each_member_and_its_kept_epoch(html: str) -> None:
    text = Page(html).spaced_text
    assert "member 1 2 0.1875 93.75%" in text
    assert "member 2 average over steps 0.1875 93.75%" in text
    assert "the ensemble 0.1250 96.00%" in text
    assert "2, 3 0.2500 0.2500" in text  # the last epoch of member 2 in the table below the chart


def test_training_chart_marks_kept_epochs() -> None:
    plain, one, two = (training_chart(make_training(*kept), "loss") for kept in ((None, None), (None, 1), (3, 1)))
    assert plain.count("<path") < one.count("<path") < two.count("<path")


def test_training_chart_takes_one_epoch_and_many() -> None:
    for epochs in (1, 6000):
        assert training_chart(make_training(1, epochs=epochs), "accuracy").startswith("<svg")


def test_page_without_ratings_and_mistakes(report: Report) -> None:
    bare = dataclasses.replace(report, reviews=report.reviews.assign(rating=None), mistakes=[])
    text = Page(render_report(bare)).text
    assert "Accuracy by rating" not in text
    assert "None: all reviews are classified correctly." in text
