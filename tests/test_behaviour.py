"""The texts that behaviour is measured on, and whether their labels are right."""

import re
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from imdb_sentiment.evaluation.behaviour import NAMES
from imdb_sentiment.evaluation.behaviour_labels import measure_labels
from imdb_sentiment.evaluation.behaviour_texts import (
    half_of,
    load_mixed,
    load_pairs,
    load_sentences,
    load_templates,
)
from imdb_sentiment.prediction.explanation import Explanation, Word
from imdb_sentiment.report.edited_reviews import find_changes

ANSWERS = {pair.review: pair.label for pair in load_pairs()}
ANSWERS |= {pair.edit: 1 - pair.label for pair in load_pairs()}
ANSWERS |= {text.text: text.label for text in [*load_sentences(), *load_mixed()]}


def all_knowing(texts: list[str]) -> NDArray[np.float64]:
    return np.array([0.9 if ANSWERS[text] else 0.1 for text in texts])


def test_texts_are_as_many_and_as_varied_as_their_readme_says() -> None:
    pairs, sentences, mixed = load_pairs(), load_sentences(), load_mixed()
    assert len(pairs) >= 200
    assert len(sentences) >= 200
    assert len(mixed) >= 100
    assert {pair.kind for pair in pairs} >= {"negation", "adjective", "verb", "but", "sarcasm", "rating", "intensity"}
    assert set(load_templates()) == set(NAMES)
    for texts in ([pair.review for pair in pairs], [text.text for text in sentences], [text.text for text in mixed]):
        assert len(set(texts)) == len(texts)
        assert not any(re.search(r"[{}|]|^\s|\s$|  ", text) for text in texts)


def test_each_edit_differs_from_its_review_and_leaves_some_of_it() -> None:
    for pair in load_pairs():
        review, edit = (Counter(text.lower().split()) for text in (pair.review, pair.edit))
        assert pair.edit != pair.review
        assert (review & edit).total() >= 2, pair.review


@pytest.mark.parametrize("texts", [load_pairs(), load_sentences()], ids=["pairs", "sentences"])
def test_both_halves_have_a_good_part_of_the_texts_and_labels(texts: list[object]) -> None:
    halves = Counter(text.half for text in texts)  # type: ignore[attr-defined]
    assert min(halves.values()) > 0.4 * len(texts)
    labels = Counter((text.half, text.label) for text in texts)  # type: ignore[attr-defined]
    assert min(labels.values()) > 0.1 * len(texts)


def test_the_half_of_a_text_does_not_depend_on_the_others() -> None:
    assert half_of("I did not like it.") == half_of("I did not like it.")
    assert {half_of(str(number)) for number in range(20)} == {"tune", "held_out"}


def test_a_classifier_that_is_always_right_or_always_wrong_is_measured_so() -> None:
    rates, details = measure_labels(all_knowing)
    assert {rate for name, rate in rates.items() if name.endswith("_right")} == {1.0}
    assert rates["sentences_calibration_error"] == pytest.approx(0.1)
    assert details["confident_mistakes"] == {}
    # 206 labels drawn with the probabilities 0.9 and 0.1 miss these by about 0.02 each.
    assert 0 < details["all_sentences"]["calibration_error_by_chance"] < 0.05
    rates, details = measure_labels(lambda texts: 1 - all_knowing(texts))
    assert {rate for name, rate in rates.items() if name.endswith("_right")} == {0.0}
    assert rates["sentences_calibration_error"] == pytest.approx(0.9)
    assert len(details["confident_mistakes"]) == 10


def test_a_classifier_that_does_not_see_the_edit_has_no_pair_right() -> None:
    reviews = {pair.edit: pair.review for pair in load_pairs()}
    rates, details = measure_labels(lambda texts: all_knowing([reviews.get(text, text) for text in texts]))
    assert (rates["reviews_right"], rates["edits_right"], rates["pairs_right"]) == (1.0, 0.0, 0.0)
    kinds = details["held_out"]["edits"]
    assert sum(found["texts"] for kind, found in kinds.items() if kind != "all") == kinds["all"]["texts"]
    assert kinds["all"]["low"] == pytest.approx(0, abs=1e-9)
    assert 0 < kinds["all"]["high"] < 0.1


def explanation(text: str, *contributions: float) -> Explanation:
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    return Explanation(text, 0.5, [Word(*span, value) for span, value in zip(spans, contributions, strict=True)])


def test_changed_words_are_found_with_what_they_add() -> None:
    review = explanation("I loved this dull film", 0.0, 2.0, 0.25, -1.0, 0.0)
    edit = explanation("I did not love this film", 0.0, -0.5, -1.5, 1.0, 0.25, 0.0)
    assert find_changes(review, edit) == [("loved", 2.0, "did not love", -1.0), ("dull", -1.0, "", 0.0)]
