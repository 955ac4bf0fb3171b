"""The LSTM that reads segments and polarity: against a slow computation, and what must not change its answer."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imdb_sentiment.ngrams.polarity import CHANNELS
from imdb_sentiment.text.encoder import PAD_ID
from tests.test_model import (
    TOKEN_IDS,
    VOCABULARY_SIZE,
    draw_weights,
    lstm_by_hand,
    model_params,
    predict,
    train_params,
)

SEGMENT = 4
LABELS = np.array([[1], [0], [0], [1], [0], [1]], np.float32)
_DRAWN = np.random.default_rng(7).normal(size=(6, 6, CHANNELS)).astype(np.float32)
POLARITY = np.where(TOKEN_IDS[..., None] != PAD_ID, _DRAWN, 0).astype(np.float32)
INPUTS = {"token_ids": TOKEN_IDS, "polarity": POLARITY}


def create(train: Any = None, **changes: Any) -> Any:
    from imdb_sentiment.network.model import create_model

    reads = {"architecture": "polarity", "polarity_inputs": True, "polarity_scores": True}
    params = model_params(**{**reads, "bidirectional": True, "segment_length": SEGMENT, **changes})
    return create_model(VOCABULARY_SIZE, params, train or train_params())


def by_hand(model: Any, ids: NDArray[Any], polarity: NDArray[Any], inputs: bool, scores: bool) -> float:
    """Return the probability of one review without padding."""
    words = model.get_layer("embedding").get_weights()[0][ids]
    states = np.concatenate([words, polarity], axis=1) if inputs else words
    segments = [states[start : start + SEGMENT] for start in range(0, len(states), SEGMENT)]
    read = []
    for segment in segments:
        forward = lstm_by_hand(segment, model.get_layer("lstm_1").directions[0])
        backward = lstm_by_hand(segment[::-1], model.get_layer("lstm_1").directions[1])[::-1]
        read.append(np.concatenate([forward, backward], axis=1))
    read_states = np.concatenate(read)
    features = [read_states.max(axis=0), read_states.mean(axis=0)]
    if scores:
        features.append(polarity.sum(axis=0) / np.sqrt(len(ids)))
    kernel, bias = model.get_layer("sentiment").get_weights()
    return float((1 / (1 + np.exp(-(np.concatenate(features) @ kernel + bias))))[0])


def test_where_words_are_looked_up_once_the_answer_is_that_of_looking_each_up() -> None:
    distinct, each = create(embedding_dropout_rate=0.0), create(embedding_dropout_rate=0.3)
    assert [its.path for its in distinct.weights] == [its.path for its in each.weights]
    each.set_weights(draw_weights(distinct).get_weights())
    np.testing.assert_allclose(predict(distinct, **INPUTS), predict(each, **INPUTS), atol=1e-6)


@pytest.mark.parametrize("inputs", [False, True])
@pytest.mark.parametrize("scores", [False, True])
def test_a_review_is_read_segment_by_segment_with_its_polarity(inputs: bool, scores: bool) -> None:
    model = draw_weights(create(polarity_inputs=inputs, polarity_scores=scores, pooling="max_mean"))
    found = predict(model, **INPUTS)[:, 0]
    for row, ids in enumerate(TOKEN_IDS):
        length = int((ids != PAD_ID).sum())
        expected = by_hand(model, ids[:length], POLARITY[row, :length], inputs, scores)
        assert found[row] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("padding", [1, 2, 5])
def test_padding_changes_no_prediction(padding: int) -> None:
    model = draw_weights(create(lstm_layers=2))
    padded = {
        "token_ids": np.pad(TOKEN_IDS, ((0, 0), (0, padding))),
        "polarity": np.pad(POLARITY, ((0, 0), (0, padding), (0, 0))),
    }
    np.testing.assert_allclose(predict(model, **padded), predict(model, **INPUTS), atol=1e-6)


def test_the_company_of_a_batch_does_not_matter() -> None:
    model = draw_weights(create())
    expected = predict(model, **INPUTS)
    for row in range(6):
        alone = predict(model, TOKEN_IDS[row : row + 1, : row + 1], polarity=POLARITY[row : row + 1, : row + 1])
        np.testing.assert_allclose(alone, expected[row : row + 1], atol=1e-6)


def test_one_step_changes_every_weight_but_frozen_vectors() -> None:
    model = draw_weights(create(trainable_embeddings=False, pooling="max_mean"))
    model.run_eagerly = True  # one step is not worth a graph
    before = {weight.path: np.asarray(weight).copy() for weight in model.weights}
    model.train_on_batch(INPUTS, LABELS)
    for weight in model.weights:
        changed = np.asarray(weight) != before[weight.path]
        if weight.path == "embedding/embeddings":
            assert not changed.any()
        else:
            assert changed.all(), weight.path


def test_a_tiny_batch_is_overfitted() -> None:
    model = create(train_params(learning_rate=0.05, clip_norm=1.0))
    for _ in range(80):
        model.train_on_batch(INPUTS, LABELS)
    assert ((predict(model, **INPUTS) > 0.5) == LABELS).all()
    assert float(model.test_on_batch(INPUTS, LABELS)[0]) < 0.05


@pytest.mark.parametrize(("clip_norm", "expected"), [(0.0, None), (2.5, 2.5)])
def test_the_longest_gradient_is_that_of_the_params(clip_norm: float, expected: float | None) -> None:
    assert create(train_params(clip_norm=clip_norm)).optimizer.global_clipnorm == expected
