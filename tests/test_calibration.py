"""The temperature: a known one is found, by length too, and wrongly labelled pieces do not move it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imdb_sentiment.artifacts.temperature import Temperature
from imdb_sentiment.artifacts.vocabulary import PAD_ID, UNKNOWN_ID
from imdb_sentiment.training.calibration import WRONG_PIECES, Scored, fit_temperature

WORD = UNKNOWN_ID + 1


def simulate(temperature: Temperature, *, longest: int = 400, wrong: float = 0.0, count: int = 20_000) -> Scored:
    """Return texts whose labels are drawn from probabilities, their logits multiplied by `temperature`.

    A share `wrong` of the labels is turned round afterwards.
    """
    rng = np.random.default_rng(0)
    lengths = np.exp(rng.uniform(np.log(4), np.log(longest), count)).astype(int)
    token_ids = np.where(np.arange(longest) < lengths[:, None], WORD, PAD_ID).astype(np.int32)
    token_ids[rng.random(token_ids.shape) < rng.uniform(0, 0.5, count)[:, None]] = UNKNOWN_ID
    token_ids[np.arange(longest) >= lengths[:, None]] = PAD_ID
    logits = rng.normal(0, 2, count)
    labels = (rng.random(count) < 1 / (1 + np.exp(-logits))) ^ (rng.random(count) < wrong)
    return Scored(labels.astype(np.int8), 1 / (1 + np.exp(-logits * temperature.at(token_ids))), token_ids)


def loss(scored: Scored, temperatures: NDArray[np.float64] | float) -> float:
    logits = np.log(scored.y_prob / (1 - scored.y_prob)) / temperatures
    return float(np.logaddexp(0, np.where(scored.y_true == 1, -logits, logits)).mean())


def test_temperature_by_length_and_unknown_words() -> None:
    token_ids = np.array([[WORD] * 4, [WORD, UNKNOWN_ID, PAD_ID, PAD_ID]], np.int32)
    found = Temperature(np.log(2), -0.5, 1.0).at(token_ids)
    np.testing.assert_allclose(found, [2 * (4 / 100) ** -0.5, min(10, 2 * (2 / 100) ** -0.5 * np.exp(0.5))])
    np.testing.assert_allclose(Temperature(-5.0).at(token_ids), 0.1)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0, 4.0])
def test_known_temperature_is_found(factor: float) -> None:
    found = fit_temperature(simulate(Temperature(np.log(factor))))
    assert found.at_length(20) == pytest.approx(factor, rel=0.05)
    assert found.at_length(300) == pytest.approx(factor, rel=0.05)


def test_known_dependence_on_length_and_unknown_words_is_found() -> None:
    known = Temperature(0.3, -0.25, 0.6)
    found = fit_temperature(simulate(known))
    assert found.as_dict() == pytest.approx(known.as_dict(), abs=0.08)


def test_pieces_with_wrong_labels_do_not_make_short_texts_less_confident() -> None:
    known = Temperature(0.2, -0.2, 0.0)
    reviews, pieces = simulate(known), simulate(known, longest=60, wrong=WRONG_PIECES)
    assert fit_temperature(reviews, pieces).at_length(8) == pytest.approx(known.at_length(8), rel=0.06)
    assert fit_temperature(pieces).at_length(8) > 1.15 * known.at_length(8)


def test_few_reviews_do_not_move_the_dependence_on_length_far() -> None:
    few = simulate(Temperature(0.0, -0.9, 0.0), count=10)
    assert abs(fit_temperature(few).log_length) < 0.5


def test_loss_is_lowest_at_the_temperature() -> None:
    scored = simulate(Temperature(0.5), count=5_000)
    found = fit_temperature(scored).at(scored.token_ids)
    lowest = loss(scored, found)
    assert all(lowest <= loss(scored, other) for other in (1.0, found * 0.95, found * 1.05))


def test_always_correct_and_always_wrong_models_stay_within_bounds() -> None:
    labels, token_ids = np.array([0, 1, 0, 1], np.int8), np.full((4, 100), WORD, np.int32)
    certain = labels.astype(float)
    assert 0.1 <= fit_temperature(Scored(labels, certain, token_ids)).at_length(100) < 0.2
    assert 9 < fit_temperature(Scored(labels, 1 - certain, token_ids)).at_length(100) <= 10.001


EXAMPLES = st.tuples(st.integers(0, 1), st.floats(1e-6, 1 - 1e-6), st.integers(1, 9))


@given(st.lists(EXAMPLES, min_size=1, max_size=30))
def test_temperature_is_within_bounds_and_no_worse_than_none(examples: list[tuple[int, float, int]]) -> None:
    token_ids = np.array([[WORD] * length + [PAD_ID] * (9 - length) for _, _, length in examples], np.int32)
    y_true, y_prob = (np.array(column) for column in list(zip(*examples, strict=True))[:2])
    scored = Scored(y_true.astype(np.int8), y_prob, token_ids)
    found = fit_temperature(scored).at(token_ids)
    assert (found >= 0.0999).all()
    assert (found <= 10.001).all()
    assert loss(scored, found) <= loss(scored, 1.0) + 1e-3
