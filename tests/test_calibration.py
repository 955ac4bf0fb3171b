"""The temperature: a known one is found, and it never gives a higher loss than none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imdb_sentiment.training.calibration import fit_temperature


def simulate(factor: float, count: int = 20_000) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Return labels drawn from probabilities, and those probabilities with their logits multiplied by `factor`."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, count)
    labels = (rng.random(count) < 1 / (1 + np.exp(-logits))).astype(np.int8)
    return labels, 1 / (1 + np.exp(-factor * logits))


def loss(y_true: NDArray[np.int8], y_prob: NDArray[np.float64], temperature: float) -> float:
    logits = np.log(y_prob / (1 - y_prob)) / temperature
    return float(np.logaddexp(0, np.where(y_true == 1, -logits, logits)).mean())


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0, 4.0])
def test_known_temperature_is_found(factor: float) -> None:
    assert fit_temperature(*simulate(factor)) == pytest.approx(factor, rel=0.03)


def test_loss_is_lowest_at_the_temperature() -> None:
    y_true, y_prob = simulate(1.7, count=500)
    found = fit_temperature(y_true, y_prob)
    lowest = loss(y_true, y_prob, found)
    assert all(lowest <= loss(y_true, y_prob, other) for other in (1.0, found * 0.98, found * 1.02))


def test_always_correct_and_always_wrong_models_stay_within_bounds() -> None:
    labels = np.array([0, 1, 0, 1], np.int8)
    certain = labels.astype(float)
    assert 0.1 <= fit_temperature(labels, certain) < 0.2
    assert 9 < fit_temperature(labels, 1 - certain) <= 10


PAIRS = st.tuples(st.integers(0, 1), st.floats(1e-6, 1 - 1e-6))


@given(st.lists(PAIRS, min_size=1, max_size=30))
def test_temperature_is_within_bounds_and_no_worse_than_none(pairs: list[tuple[int, float]]) -> None:
    y_true, y_prob = np.array([label for label, _ in pairs], np.int8), np.array([prob for _, prob in pairs])
    found = fit_temperature(y_true, y_prob)
    assert 0.1 <= found <= 10
    assert loss(y_true, y_prob, found) <= loss(y_true, y_prob, 1.0) + 1e-6
