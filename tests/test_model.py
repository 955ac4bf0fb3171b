"""The model: its shapes, what it can learn, what must not change its answer, and the folder that keeps it."""

from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.runtime.params import ModelParams, TrainParams, read_yaml
from tests.imports import ROOT

VOCABULARY_SIZE = 10
OWN = read_yaml(ROOT / "params.yaml")
POOLINGS = get_args(ModelParams.model_fields["pooling"].annotation)
# Reviews of 1 to 6 tokens.
TOKEN_IDS = pad([[3], [4, 5], [6, 7, 8], [9, 2, 3, 4], [5, 6, 7, 8, 9], [2, 4, 6, 8, 3, 5]], 6)


def model_params(**changes: Any) -> ModelParams:
    """Return the params of a tiny model without dropout."""
    rates = dict.fromkeys(("word_dropout_rate", "embedding_dropout_rate", "dropout_rate", "l1", "l2"), 0.0)
    tiny = {"embedding_dim": 4, "lstm_units": 4, "lstm_layers": 1, "bidirectional": False, "pooling": "max"}
    plain = {"architecture": "baseline", "pretrained_embeddings": False, "trainable_embeddings": True}
    fixed = {"activation": "tanh", "ignore_padding": True, "segment_length": 4}
    return ModelParams(**{**OWN["model"], **tiny, **rates, **plain, **fixed, **changes})


def train_params(**changes: Any) -> TrainParams:
    tiny = {"optimizer": "adam", "learning_rate": 0.01, "batch_size": 4, "epochs": 2, "seed": 0}
    plain = {"learning_rate_schedule": "constant", "clip_norm": 0.0, "averaged_share": 0.0, "members": 1}
    return TrainParams(**{**OWN["train"], **tiny, **plain, **changes})


def create(train: TrainParams | None = None, **changes: Any) -> Any:
    from imdb_sentiment.network.model import create_baseline_model

    return create_baseline_model(VOCABULARY_SIZE, model_params(**changes), train or train_params())


def draw_weights(model: Any, seed: int = 0) -> Any:
    """Give every weight a value of about one, so that what should not matter would show if it did."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    return model


def predict(model: Any, token_ids: NDArray[np.int32], **more: Any) -> NDArray[np.float32]:
    return np.asarray(model({"token_ids": token_ids, **more}, training=False))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lstm_layers", [1, 3])
def test_a_batch_gives_one_probability_a_review(bidirectional: bool, lstm_layers: int) -> None:
    model = draw_weights(create(bidirectional=bidirectional, lstm_layers=lstm_layers))
    assert model.output_shape == (None, 1)
    probabilities = predict(model, TOKEN_IDS)
    assert probabilities.shape == (6, 1)
    assert probabilities.dtype == np.float32
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert len(np.unique(probabilities)) == 6


def test_the_weights_are_as_many_as_the_layers_need() -> None:
    # Embedding 10*4; LSTM 4 gates of (4 inputs + 3 states + 1) * 3; the unit 3 + 1.
    assert create(lstm_units=3).count_params() == 40 + 4 * 8 * 3 + 4
    # A second layer takes the 3 states of the first; both ways double each LSTM, and what the next takes.
    assert create(lstm_units=3, lstm_layers=2).count_params() == 40 + 4 * 8 * 3 + 4 * 7 * 3 + 4
    assert create(lstm_units=3, bidirectional=True).count_params() == 40 + 2 * 4 * 8 * 3 + 7


def lstm_by_hand(inputs: NDArray[Any], layer: Any) -> NDArray[Any]:
    """Return the states `[T, H]` of the inputs `[T, E]`, step by step (Hochreiter, Schmidhuber 1997; Gers 2000)."""
    kernel, recurrent_kernel, bias = layer.get_weights()
    state = cell = np.zeros(recurrent_kernel.shape[0])
    states = []
    for step in inputs:
        into, forget, candidate, out = np.split(step @ kernel + state @ recurrent_kernel + bias, 4)
        cell = cell / (1 + np.exp(-forget)) + np.tanh(candidate) / (1 + np.exp(-into))
        state = np.tanh(cell) / (1 + np.exp(-out))
        states.append(state)
    return np.array(states)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_each_review_is_read_as_a_plain_lstm_reads_it_alone(pooling: str, bidirectional: bool) -> None:
    model = draw_weights(create(pooling=pooling, bidirectional=bidirectional, lstm_layers=2))
    pool = {
        "last": lambda its: its[-1],
        "max": lambda its: its.max(axis=0),
        "mean": lambda its: its.mean(axis=0),
        "max_mean": lambda its: np.concatenate([its.max(axis=0), its.mean(axis=0)]),
    }
    expected = []
    for row in TOKEN_IDS:
        states = model.get_layer("embedding").get_weights()[0][row[row != 0]]
        for number in (1, 2):
            both = [lstm_by_hand(states, model.get_layer(f"lstm_{number}").directions[0])]
            if bidirectional:
                # Read from its end, the states put back where their words stand.
                both.append(lstm_by_hand(states[::-1], model.get_layer(f"lstm_{number}").directions[1])[::-1])
            states = np.concatenate(both, axis=1)
        kernel, bias = model.get_layer("sentiment").get_weights()
        expected.append(1 / (1 + np.exp(-(pool[pooling](states) @ kernel + bias))))
    np.testing.assert_allclose(predict(model, TOKEN_IDS), expected, atol=1e-5)


def test_a_tiny_batch_is_overfitted() -> None:
    model = create(train_params(learning_rate=0.05))
    labels = np.array([[1], [0], [0], [1], [0], [1]], np.float32)
    first = float(model.train_on_batch({"token_ids": TOKEN_IDS}, labels)[0])
    for _ in range(80):
        model.train_on_batch({"token_ids": TOKEN_IDS}, labels)
    assert first > 0.5
    assert float(model.test_on_batch({"token_ids": TOKEN_IDS}, labels)[0]) < 0.05
    assert ((predict(model, TOKEN_IDS) > 0.5) == labels).all()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_one_training_step_changes_every_weight(bidirectional: bool) -> None:
    model = draw_weights(create(bidirectional=bidirectional, lstm_layers=2, pooling="mean"))
    model.run_eagerly = True  # one step is not worth a graph
    before = {weight.path: np.asarray(weight).copy() for weight in model.trainable_weights}
    assert len(before) == len(model.weights) == 3 + 3 * 2 * (2 if bidirectional else 1)
    model.train_on_batch({"token_ids": TOKEN_IDS}, np.array([[1], [0], [0], [1], [0], [1]], np.float32))
    for weight in model.trainable_weights:
        changed = np.asarray(weight) != before[weight.path]
        if weight.path == "embedding/embeddings":
            # The rows of the ids in the batch, 2 to 9, and no others.
            assert changed.all(axis=1).tolist() == [False, False] + [True] * 8
        else:
            assert changed.all(), weight.path


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_changes_no_prediction(pooling: str, bidirectional: bool) -> None:
    model = draw_weights(create(pooling=pooling, bidirectional=bidirectional, lstm_layers=2))
    expected = predict(model, TOKEN_IDS)
    np.testing.assert_allclose(predict(model, np.pad(TOKEN_IDS, ((0, 0), (0, 9)))), expected, atol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_counts_as_words_where_it_is_not_ignored(pooling: str, bidirectional: bool) -> None:
    model = draw_weights(create(pooling=pooling, bidirectional=bidirectional, lstm_layers=2, ignore_padding=False))
    padded = predict(model, np.pad(TOKEN_IDS, ((0, 0), (0, 9))))
    assert np.abs(padded - predict(model, TOKEN_IDS)).max() > 1e-3


def test_padding_that_counts_is_read_as_a_word_of_its_own() -> None:
    model = draw_weights(create(ignore_padding=False, pooling="last"))
    unknown = np.where(TOKEN_IDS == 0, 1, TOKEN_IDS)
    assert np.abs(predict(model, TOKEN_IDS) - predict(model, unknown))[:5].min() > 1e-6


def test_a_reviews_order_of_words_matters_and_so_does_every_word() -> None:
    model = draw_weights(create(bidirectional=True, pooling="mean"))
    review = TOKEN_IDS[5:]
    assert abs(predict(model, review) - predict(model, review[:, ::-1].copy())).item() > 1e-6
    for place in range(6):
        other = review.copy()
        other[0, place] = 9
        assert abs(predict(model, review) - predict(model, other)).item() > 1e-6


def test_the_order_and_the_company_of_a_batch_do_not_matter() -> None:
    model = draw_weights(create(bidirectional=True))
    expected = predict(model, TOKEN_IDS)
    order = np.array([3, 0, 5, 1, 4, 2])
    np.testing.assert_allclose(predict(model, TOKEN_IDS[order]), expected[order], atol=1e-6)
    for row in range(6):
        alone = predict(model, TOKEN_IDS[row : row + 1, : row + 1])
        np.testing.assert_allclose(alone, expected[row : row + 1], atol=1e-6)


@pytest.mark.parametrize("optimizer", get_args(TrainParams.model_fields["optimizer"].annotation))
def test_every_optimizer_is_built_with_its_learning_rate(optimizer: str) -> None:
    built = create(train_params(optimizer=optimizer, learning_rate=0.25)).optimizer
    assert type(built).__name__.lower() == optimizer
    assert float(np.asarray(built.learning_rate)) == 0.25


@pytest.mark.parametrize("activation", get_args(ModelParams.model_fields["activation"].annotation))
def test_every_activation_is_that_of_each_lstm(activation: str) -> None:
    model = draw_weights(create(activation=activation, bidirectional=True, lstm_layers=2))
    lstms = [its for number in (1, 2) for its in model.get_layer(f"lstm_{number}").directions]
    assert [layer.activation.__name__ for layer in lstms] == [activation] * 4
    assert np.isfinite(predict(model, TOKEN_IDS)).all()


def test_the_poolings_differ() -> None:
    found = [predict(draw_weights(create(pooling=pooling)), TOKEN_IDS[1:]) for pooling in POOLINGS]
    assert len(found) == 4
    assert all(np.abs(found[one] - found[one - 1]).min() > 1e-6 for one in range(4))


@pytest.mark.parametrize(("l1", "l2"), [(0.01, 0.0), (0.0, 0.02), (0.01, 0.02)])
def test_penalties_of_the_kernels_are_added_to_the_loss(l1: float, l2: float) -> None:
    labels = np.ones((6, 1), np.float32)
    plain, penalized = draw_weights(create(lstm_layers=2)), draw_weights(create(lstm_layers=2, l1=l1, l2=l2))
    plain.run_eagerly = penalized.run_eagerly = True  # one step is not worth a graph
    kernels = [np.asarray(weight) for weight in plain.weights if weight.path.endswith("/kernel")]
    assert [kernel.shape for kernel in kernels] == [(4, 16), (4, 16), (4, 1)]
    penalty = sum(l1 * np.abs(kernel).sum() + l2 * (kernel**2).sum() for kernel in kernels)
    inputs = {"token_ids": TOKEN_IDS}
    added = float(penalized.test_on_batch(inputs, labels)[0]) - float(plain.test_on_batch(inputs, labels)[0])
    assert added == pytest.approx(penalty, rel=1e-4)


def test_without_penalties_none_is_computed() -> None:
    assert create().losses == []


@pytest.mark.parametrize("rate", ["word_dropout_rate", "embedding_dropout_rate", "dropout_rate"])
def test_dropout_works_while_training_alone(rate: str) -> None:
    model = draw_weights(create(**{rate: 0.5}))
    np.testing.assert_array_equal(predict(model, TOKEN_IDS), predict(draw_weights(create()), TOKEN_IDS))
    drawn = np.stack([np.asarray(model({"token_ids": TOKEN_IDS}, training=True)) for _ in range(5)])
    assert drawn.std(axis=0).max() > 1e-3


def test_a_whole_dimension_of_the_embedding_is_dropped() -> None:
    layer = create(embedding_dropout_rate=0.5).get_layer("embedding_dropout")
    dropped = np.asarray(layer(np.ones((8, 6, 4), np.float32), training=True))
    # One draw a review and dimension, the same on each of its steps; what is left is scaled up.
    assert (dropped == dropped[:, :1]).all()
    assert set(np.unique(dropped)) == {0.0, 2.0}
