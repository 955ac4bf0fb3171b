"""The model card: front matter that model hubs read, and the measured numbers."""

import dataclasses
import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from imdb_sentiment.report.gather import Report
from imdb_sentiment.report.page import render_model_card
from tests.reports import DATA, make_report


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return make_report(tmp_path_factory.mktemp("report"))


def front_matter(card: str) -> dict[str, Any]:
    _, yaml, _ = card.split("---\n", 2)
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(yaml)
    return content


def test_card_has_front_matter_for_model_hubs(report: Report) -> None:
    found = front_matter(render_model_card(report))
    assert (found["language"], found["license"], found["pipeline_tag"]) == ("en", "mit", "text-classification")
    assert found["datasets"] == ["imdb"]
    (result,) = found["model-index"][0]["results"]
    assert result["dataset"]["name"] == DATA["known_as"]
    assert result["metrics"][0] == {"type": "accuracy", "value": report.metrics["accuracy"]}


@pytest.mark.parametrize("tables", [None, {"left_out": {"without a text": 3}}])
def test_card_of_another_source_says_nothing_of_the_dataset(report: Report, tables: dict[str, Any] | None) -> None:
    card = render_model_card(dataclasses.replace(report, data=DATA | {"known_as": None, "tables": tables}))
    own = front_matter(card)
    assert not {"datasets", "language"} & own.keys()
    assert own["model-index"][0]["results"][0]["dataset"]["type"] == "custom"
    assert ("Tables of reviews" in card) == (tables is not None)
    body = card.split("---\n", 2)[2].split("## Params")[0]
    assert not re.search(r"2011|one site|English reviews|film reviews|Maas", body)


def test_card_shows_measured_numbers(report: Report) -> None:
    card = render_model_card(report)
    assert f"| accuracy | {report.metrics['accuracy']:.2%} | {report.baseline['accuracy']:.2%} |" in card
    assert f"{report.metrics['accuracy_low']:.2%} to {report.metrics['accuracy_high']:.2%}" in card
    assert "| another actor's name: mean change of the probability | 0.013 |" in card
    assert "| a typing error in every twentieth word: share of predictions that flip | 0.034 |" in card
    assert "at most 7e-07" in card
    assert "55186348" in card
    assert re.findall("^## (.*)", card, re.M)[:3] == ["Intended use", "Training data", "Evaluation"]


def test_card_quotes_the_params_as_yaml(report: Report) -> None:
    _, yaml = render_model_card(report).split("```yaml\n")
    assert YAML(typ="safe", pure=True).load(yaml.split("```")[0]) == report.params.model_dump()
