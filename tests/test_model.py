"""The plain model: its shapes, what it can learn, and what must not change its probabilities."""

from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from imdb_sentiment.artifacts.vocabulary import PAD_ID
from imdb_sentiment.runtime.params import ModelParams, TrainParams
from tests.networks import (
    LABELS,
    POOLINGS,
    TOKEN_IDS,
    create_plain,
    draw_weights,
    lstm_by_hand,
    predict,
    train_params,
)

PLAIN_INPUTS = {"token_ids": TOKEN_IDS}
COUNT_PADDING = {"ignore_padding": False}


def test_model_has_the_weights_that_its_layers_need() -> None:
    # Embedding 10*4; LSTM 4 gates of (4 inputs + 3 states + 1) * 3; sigmoid unit 3 + 1.
    assert create_plain(lstm_units=3).count_params() == 40 + 4 * 8 * 3 + 4
    # A second layer reads the 3 states of the first; two directions double each LSTM, and what the next layer reads.
    assert create_plain(lstm_units=3, lstm_layers=2).count_params() == 40 + 4 * 8 * 3 + 4 * 7 * 3 + 4
    assert create_plain(lstm_units=3, bidirectional=True).count_params() == 40 + 2 * 4 * 8 * 3 + 7


def predict_by_hand(model: Any, token_ids: NDArray[np.int32], pooling: str) -> NDArray[Any]:
    """Return the probability of one review without padding."""
    states = model.get_layer("embedding").get_weights()[0][token_ids]
    for number in (1, 2):
        forward, *backward = model.get_layer(f"lstm_{number}").directions
        both = [lstm_by_hand(states, forward)]
        # Read from the end, and put back in the order of the words.
        both += [lstm_by_hand(states[::-1], direction)[::-1] for direction in backward]
        states = np.concatenate(both, axis=1)
    reductions = {"last": states[-1], "max": states.max(axis=0), "mean": states.mean(axis=0)}
    features = np.concatenate([reductions[kind] for kind in pooling.split("_")])
    kernel, bias = model.get_layer("sentiment").get_weights()
    return np.asarray(1 / (1 + np.exp(-(features @ kernel + bias))))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_probabilities_equal_those_computed_by_hand_with_any_padding(pooling: str, bidirectional: bool) -> None:
    model = draw_weights(create_plain(pooling=pooling, bidirectional=bidirectional, lstm_layers=2))
    expected = [predict_by_hand(model, row[row != PAD_ID], pooling) for row in TOKEN_IDS]
    found = predict(model, TOKEN_IDS)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(predict(model, np.pad(TOKEN_IDS, ((0, 0), (0, 9)))), found, atol=1e-6)


def test_tiny_batch_is_overfitted() -> None:
    model = create_plain(train_params(learning_rate=0.05))
    first = float(model.train_on_batch(PLAIN_INPUTS, LABELS)[0])
    for _ in range(80):
        model.train_on_batch(PLAIN_INPUTS, LABELS)
    assert first > 0.5
    assert float(model.test_on_batch(PLAIN_INPUTS, LABELS)[0]) < 0.05
    assert ((predict(model, TOKEN_IDS) > 0.5) == LABELS).all()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_one_training_step_changes_every_weight(bidirectional: bool) -> None:
    model = draw_weights(create_plain(bidirectional=bidirectional, lstm_layers=2, pooling="mean"))
    model.run_eagerly = True  # one step is not worth a graph
    before = {weight.path: np.asarray(weight).copy() for weight in model.trainable_weights}
    assert len(before) == len(model.weights) == 3 + 3 * 2 * (2 if bidirectional else 1)
    model.train_on_batch(PLAIN_INPUTS, LABELS)
    for weight in model.trainable_weights:
        changed = np.asarray(weight) != before[weight.path]
        if weight.path == "embedding/embeddings":
            # The rows of the ids in the batch, 2 to 9, and no others.
            assert changed.all(axis=1).tolist() == [False, False] + [True] * 8
        else:
            assert changed.all(), weight.path


@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_counts_where_the_params_say_so(pooling: str) -> None:
    model = draw_weights(create_plain(pooling=pooling, bidirectional=True, lstm_layers=2, plain=COUNT_PADDING))
    padded = predict(model, np.pad(TOKEN_IDS, ((0, 0), (0, 9))))
    assert np.abs(padded - predict(model, TOKEN_IDS)).max() > 1e-3


@pytest.mark.parametrize("optimizer", get_args(TrainParams.model_fields["optimizer"].annotation))
def test_optimizer_is_that_of_the_params(optimizer: str) -> None:
    built = create_plain(train_params(optimizer=optimizer, learning_rate=0.25, clip_norm=2.5)).optimizer
    assert type(built).__name__.lower() == optimizer
    assert float(np.asarray(built.learning_rate)) == 0.25
    assert built.global_clipnorm == 2.5


@pytest.mark.parametrize("activation", get_args(ModelParams.model_fields["activation"].annotation))
def test_activation_is_that_of_the_params(activation: str) -> None:
    model = draw_weights(create_plain(activation=activation, bidirectional=True, lstm_layers=2))
    directions = [layer for number in (1, 2) for layer in model.get_layer(f"lstm_{number}").directions]
    assert [layer.activation.__name__ for layer in directions] == [activation] * 4
    assert np.isfinite(predict(model, TOKEN_IDS)).all()


@pytest.mark.parametrize(("l1", "l2"), [(0.01, 0.0), (0.0, 0.02), (0.01, 0.02)])
def test_penalties_of_the_kernels_are_added_to_the_loss(l1: float, l2: float) -> None:
    plain = draw_weights(create_plain(lstm_layers=2))
    penalized = draw_weights(create_plain(lstm_layers=2, l1=l1, l2=l2))
    assert plain.losses == []
    plain.run_eagerly = penalized.run_eagerly = True  # one step is not worth a graph
    kernels = [np.asarray(weight) for weight in plain.weights if weight.path.endswith("/kernel")]
    assert [kernel.shape for kernel in kernels] == [(4, 16), (4, 16), (4, 1)]
    penalty = sum(l1 * np.abs(kernel).sum() + l2 * (kernel**2).sum() for kernel in kernels)
    losses = [float(model.test_on_batch(PLAIN_INPUTS, LABELS)[0]) for model in (plain, penalized)]
    assert losses[1] - losses[0] == pytest.approx(penalty, rel=1e-4)


@pytest.mark.parametrize("rate", ["word_dropout_rate", "embedding_dropout_rate", "dropout_rate"])
def test_dropout_works_in_training_only(rate: str) -> None:
    changes: dict[str, Any] = {rate: 0.5}
    model = draw_weights(create_plain(**changes))
    np.testing.assert_array_equal(predict(model, TOKEN_IDS), predict(draw_weights(create_plain()), TOKEN_IDS))
    drawn = np.stack([np.asarray(model(PLAIN_INPUTS, training=True)) for _ in range(5)])
    assert drawn.std(axis=0).max() > 1e-3
