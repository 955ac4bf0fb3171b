"""The polarity model: compared with a slow computation, and what must not change its probabilities."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imdb_sentiment.artifacts.vocabulary import PAD_ID
from tests.networks import (
    INPUTS,
    LABELS,
    POLARITY,
    SEGMENT,
    TOKEN_IDS,
    create_polarity,
    draw_weights,
    lstm_by_hand,
    predict,
    train_params,
)


def predict_by_hand(model: Any, ids: NDArray[Any], polarity: NDArray[Any], inputs: bool, scores: bool) -> float:
    """Return the probability of one review without padding."""
    words = model.get_layer("embedding").get_weights()[0][ids]
    words = np.concatenate([words, polarity], axis=1) if inputs else words
    forward, backward = model.get_layer("lstm_1").directions
    segments = []
    for start in range(0, len(words), SEGMENT):
        segment = words[start : start + SEGMENT]
        both = lstm_by_hand(segment, forward), lstm_by_hand(segment[::-1], backward)[::-1]
        segments.append(np.concatenate(both, axis=1))
    states = np.concatenate(segments)
    features = [states.max(axis=0), states.mean(axis=0)]
    if scores:
        features.append(polarity.sum(axis=0) / np.sqrt(len(ids)))
    kernel, bias = model.get_layer("sentiment").get_weights()
    return float((1 / (1 + np.exp(-(np.concatenate(features) @ kernel + bias))))[0])


@pytest.mark.parametrize("inputs", [False, True])
@pytest.mark.parametrize("scores", [False, True])
def test_probabilities_equal_those_computed_by_hand(inputs: bool, scores: bool) -> None:
    polarity = {"segment_length": SEGMENT, "inputs": inputs, "scores": scores}
    model = draw_weights(create_polarity(polarity=polarity, pooling="max_mean"))
    found = predict(model, **INPUTS)[:, 0]
    for row, ids in enumerate(TOKEN_IDS):
        length = int((ids != PAD_ID).sum())
        expected = predict_by_hand(model, ids[:length], POLARITY[row, :length], inputs, scores)
        assert found[row] == pytest.approx(expected, abs=1e-5)


def test_looking_up_distinct_words_gives_the_probabilities_of_looking_up_each_word() -> None:
    distinct, each = create_polarity(embedding_dropout_rate=0.0), create_polarity(embedding_dropout_rate=0.3)
    assert [weight.path for weight in distinct.weights] == [weight.path for weight in each.weights]
    each.set_weights(draw_weights(distinct).get_weights())
    np.testing.assert_allclose(predict(distinct, **INPUTS), predict(each, **INPUTS), atol=1e-6)


def test_padding_and_other_reviews_change_nothing() -> None:
    model = draw_weights(create_polarity(lstm_layers=2))
    expected = predict(model, **INPUTS)
    for padding in (1, 2, 5):
        padded_ids = np.pad(TOKEN_IDS, ((0, 0), (0, padding)))
        padded_polarity = np.pad(POLARITY, ((0, 0), (0, padding), (0, 0)))
        np.testing.assert_allclose(predict(model, padded_ids, polarity=padded_polarity), expected, atol=1e-6)
    for row in range(6):
        alone = predict(model, TOKEN_IDS[row : row + 1, : row + 1], polarity=POLARITY[row : row + 1, : row + 1])
        np.testing.assert_allclose(alone, expected[row : row + 1], atol=1e-6)


def test_one_training_step_changes_every_weight_but_frozen_vectors() -> None:
    model = draw_weights(create_polarity(trainable_embeddings=False, pooling="max_mean"))
    model.run_eagerly = True  # one step is not worth a graph
    before = {weight.path: np.asarray(weight).copy() for weight in model.weights}
    model.train_on_batch(INPUTS, LABELS)
    for weight in model.weights:
        changed = np.asarray(weight) != before[weight.path]
        assert changed.all() if weight.path != "embedding/embeddings" else not changed.any(), weight.path


def test_tiny_batch_is_overfitted() -> None:
    model = create_polarity(train_params(learning_rate=0.05, clip_norm=1.0))
    for _ in range(80):
        model.train_on_batch(INPUTS, LABELS)
    assert ((predict(model, **INPUTS) > 0.5) == LABELS).all()
    assert float(model.test_on_batch(INPUTS, LABELS)[0]) < 0.05
