"""What is measured of a classifier's behaviour: with classifiers that are known to behave so."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from imdb_sentiment.artifacts.reviews import REVIEWS_SCHEMA
from imdb_sentiment.evaluation.behaviour import ACTORS, NAMES, measure_behaviour, sample_reviews, with_typing_errors
from imdb_sentiment.runtime.errors import ArtifactError
from tests.imports import ROOT
from tests.refusal import run_behaviour

REVIEWS = ["A good film, and a long evening with friends.", "Not good at all."]
GOOD = re.compile(r"\b(good|great|funny|interesting|convincing|loved|wonderful|won|had)\b")
BAD = re.compile(r"\b(bad|boring|terrible|awful|disappointing|hated|lost|bored)\b")


def indifferent(texts: list[str]) -> NDArray[np.float64]:
    return np.full(len(texts), 0.5)


def careful(texts: list[str]) -> NDArray[np.float64]:
    """Knows what "not" and "but" do."""
    scores = []
    for text in texts:
        opinion = text.lower().split(", but ")[-1]
        score = bool(GOOD.search(opinion)) - bool(BAD.search(opinion))
        scores.append(0.5 + 0.4 * (-score if "not " in opinion else score))
    return np.array(scores)


def capitals_are_good(texts: list[str]) -> NDArray[np.float64]:
    return np.array([0.9 if text.isupper() else 0.4 for text in texts])


def knows_a_name(texts: list[str]) -> NDArray[np.float64]:
    return np.array([0.5 + 0.3 * (ACTORS[1] in text) + 0.12 * (NAMES[2] in text) for text in texts])


def test_who_does_not_care_changes_nothing_and_gets_no_direction_right() -> None:
    rates = measure_behaviour(indifferent, REVIEWS)
    assert {name: rate for name, rate in rates.items() if rate} == {"turned_over": 0.5}


def test_who_knows_what_negation_does_gets_every_direction_right() -> None:
    rates = measure_behaviour(careful, REVIEWS)
    assert (rates["not_good_below_good"], rates["not_bad_over_bad"], rates["turned_over"]) == (1.0, 1.0, 1.0)
    assert rates["capitals_change"] == 0


def test_capitals_that_change_sides_are_counted() -> None:
    rates = measure_behaviour(capitals_are_good, REVIEWS)
    assert rates["capitals_change"] == pytest.approx(0.5)
    assert rates["capitals_other_side"] == 1.0
    assert rates["neutral_sentence_change"] == 0


def test_a_name_that_matters_is_seen() -> None:
    rates = measure_behaviour(knows_a_name, REVIEWS)
    # One of 6 names stands out: of the 30 pairs of two different ones, 10 have it.
    assert rates["actor_name_change"] == pytest.approx(0.3 * 10 / 30)
    assert rates["film_name_change"] == pytest.approx(0.12 * 10 / 30)


def test_it_is_measured_the_same_each_time() -> None:
    def by_length(texts: list[str]) -> NDArray[np.float64]:
        return np.array([sum(text.encode()) % 97 / 97 for text in texts])

    assert measure_behaviour(by_length, REVIEWS) == measure_behaviour(by_length, REVIEWS)


def test_typing_errors_exchange_neighbours_within_words() -> None:
    text = "Wonderful performances everywhere, it is a 1990s classic " * 200
    changed = with_typing_errors(text, np.random.default_rng(0))
    pairs = [(one, other) for one, other in zip(text.split(), changed.split(), strict=True) if one != other]
    assert 10 <= len(pairs) <= 50
    for one, other in pairs:
        assert sorted(one) == sorted(other)
        assert (one[0], one[-1]) == (other[0], other[-1])
        assert sum(a != b for a, b in zip(one, other, strict=True)) == 2
        assert one in {"Wonderful", "performances", "classic"}


def test_the_sample_is_of_test_reviews_alone(prepared: Path) -> None:
    import pyarrow.parquet as pq

    texts = sample_reviews(prepared / "reviews.parquet")
    table = pq.read_table(prepared / "reviews.parquet").to_pylist()
    assert sorted(texts) == sorted(row["text"] for row in table if row["split"] == "test")
    pq.write_table(REVIEWS_SCHEMA.empty_table(), prepared / "reviews.parquet")
    with pytest.raises(ArtifactError, match="no test review"):
        sample_reviews(prepared / "reviews.parquet")


def test_the_stage_measures_the_trained_model(trained: Path) -> None:
    assert run_behaviour(trained).exit_code == 0
    rates = json.loads((trained / "behaviour.json").read_text(encoding="utf-8"))
    assert rates.keys() == json.loads((trained / "baseline_behaviour.json").read_text(encoding="utf-8")).keys()
    assert rates["capitals_change"] == 0
    assert rates["neutral_sentence_change"] > 0


# The trained model, on the real dataset: `make behaviour` measures it anew.
MEASURED = ROOT / "metrics/behaviour.json"


@pytest.mark.parametrize(
    ("rate", "least", "most"),
    [
        ("film_name_change", 0, 0.05),
        ("actor_name_change", 0, 0.05),
        ("not_good_below_good", 0.9, 1),
        ("not_bad_over_bad", 0.9, 1),
        ("turned_over", 0.75, 1),
        ("neutral_sentence_change", 0, 0.05),
        ("neutral_sentence_other_side", 0, 0.05),
        ("typing_errors_change", 0, 0.05),
        ("typing_errors_other_side", 0, 0.05),
        ("capitals_change", 0, 1e-6),
    ],
)
def test_the_trained_model_behaves(rate: str, least: float, most: float) -> None:
    assert least <= json.loads(MEASURED.read_text(encoding="utf-8"))[rate] <= most
