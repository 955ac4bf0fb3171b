"""The small layers, compared with NumPy loops that compute one review at a time."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imdb_sentiment.artifacts.temperature import Temperature
from imdb_sentiment.artifacts.vocabulary import PAD_ID, UNKNOWN_ID
from tests.networks import POOLINGS

TOKEN_IDS = np.array([[5, 9, 0, 0], [7, 0, 0, 0], [1, 2, 3, 4]], np.int32)
LENGTHS = np.array([2, 1, 4], np.int32)
STATES = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)


@pytest.fixture(scope="module")
def layers() -> ModuleType:
    import imdb_sentiment.network.layers

    return imdb_sentiment.network.layers


def pool_by_hand(pooling: str) -> NDArray[np.float32]:
    reduce: dict[str, Callable[[Any], Any]] = {
        "last": lambda real: real[-1],
        "max": lambda real: real.max(axis=0),
        "mean": lambda real: real.mean(axis=0),
        "max_mean": lambda real: np.concatenate([real.max(axis=0), real.mean(axis=0)]),
    }
    return np.stack([reduce[pooling](states[:length]) for states, length in zip(STATES, LENGTHS, strict=True)])


def test_word_dropout_hides_words_but_no_padding(layers: ModuleType) -> None:
    token_ids = np.tile(np.array([5, 9, 3, 0], np.int32), (5000, 1))
    hidden = np.asarray(layers.WordDropout(0.3)(token_ids, training=True))
    assert (hidden[:, 3] == PAD_ID).all()
    assert set(np.unique(hidden[:, 0])) == {5, UNKNOWN_ID}
    # 15,000 words: 0.3, plus or minus 4 standard errors of 0.0037.
    assert abs((hidden[:, :3] == UNKNOWN_ID).mean() - 0.3) < 0.015
    assert hidden.dtype == np.int32


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_distinct_embedding_gives_the_vector_of_each_token(
    layers: ModuleType, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    layer = layers.DistinctEmbedding(12, 3)
    layer.build()
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    vectors, places = (np.asarray(output) for output in layer.call(TOKEN_IDS))
    assert len(vectors) == (len(np.unique(TOKEN_IDS)) if backend == "tensorflow" else 12)
    assert places.dtype == np.int32
    np.testing.assert_array_equal(vectors[places], layer.get_weights()[0][TOKEN_IDS])


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_reduces_the_states_of_real_tokens_only(layers: ModuleType, pooling: str) -> None:
    for garbage in (0.0, 1e6, -1e6):
        states = np.where(np.arange(4)[:, None] < LENGTHS[:, None, None], STATES, np.float32(garbage))
        pooled = np.asarray(layers.MaskedPooling(pooling)(states, LENGTHS))
        assert pooled.dtype == np.float32
        np.testing.assert_allclose(pooled, pool_by_hand(pooling), rtol=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_gives_padded_steps_no_gradient(layers: ModuleType, pooling: str) -> None:
    import tensorflow as tf

    states = tf.Variable(STATES)
    layer = layers.MaskedPooling(pooling)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(states, LENGTHS))
    gradient = np.asarray(tape.gradient(total, states))
    for row, length in enumerate(LENGTHS):
        assert (gradient[row, length:] == 0).all()
        assert (gradient[row, :length] != 0).any()


@pytest.mark.parametrize("segment_length", [1, 2, 3, 4, 7])
def test_segments_hold_a_review_in_order_and_can_be_joined(layers: ModuleType, segment_length: int) -> None:
    split = layers.SplitSegments(segment_length)
    segments = np.asarray(split(STATES))
    count = -(-4 // segment_length)
    assert segments.shape == (3 * count, segment_length, 5)
    filled = np.pad(STATES, ((0, 0), (0, count * segment_length - 4), (0, 0)))
    np.testing.assert_array_equal(segments, filled.reshape(-1, segment_length, 5))
    np.testing.assert_array_equal(np.asarray(layers.JoinSegments()(segments, STATES)), filled)
    ids = np.asarray(split(TOKEN_IDS))
    assert ids.dtype == np.int32
    assert ids.reshape(3, -1)[:, :4].tolist() == TOKEN_IDS.tolist()
    assert (ids.reshape(3, -1)[:, 4:] == PAD_ID).all()


@pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
def test_probabilities_of_0_and_1_have_an_average(layers: ModuleType, temperature: float) -> None:
    certain = [np.array([[0.0], [1.0], [1.0]], np.float32), np.array([[1.0], [1.0], [0.5]], np.float32)]
    average = layers.CalibratedAverage(Temperature(float(np.log(temperature))))
    opposite, certain_yes, less_certain = np.asarray(average(certain, np.full((3, 1), 2)))[:, 0]
    assert opposite == pytest.approx(0.5, abs=0.3)
    assert 0.5 < less_certain <= certain_yes <= 1
