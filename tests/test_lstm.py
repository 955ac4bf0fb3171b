"""The LSTM layer: the fast implementation gives the states and gradients of Keras's own layers."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from tests.networks import lstm_by_hand

UNITS = 5
LENGTHS = np.array([7, 1, 4, 7, 2] * 9, np.int32)  # enough rows for a part in each of two threads
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(len(LENGTHS), 7, 3)).astype(np.float32)
VECTORS = RNG.normal(size=(6, 4)).astype(np.float32)
PLACES = RNG.integers(0, 6, size=INPUTS.shape[:2]).astype(np.int32)
IS_REAL = (np.arange(7) < LENGTHS[:, None])[..., None]


def make_layer(bidirectional: bool, width: int = 3, **changes: Any) -> Any:
    from imdb_sentiment.network.lstm import RowwiseLSTM

    layer = RowwiseLSTM(UNITS, **{"activation": "tanh", "bidirectional": bidirectional, **changes})
    layer.build((*INPUTS.shape[:2], width))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=weight.shape) / 2 for weight in layer.get_weights()])
    return layer


def keras_states(layer: Any, inputs: Any) -> Any:
    """Return the states of the Keras layers that hold the weights of `layer`, each row reversed for the second."""
    import tensorflow as tf

    forward, *backward = layer.directions
    states = [forward(inputs)]
    for direction in backward:
        reversed_states = direction(tf.reverse_sequence(inputs, LENGTHS, seq_axis=1))
        states.append(tf.reverse_sequence(reversed_states, LENGTHS, seq_axis=1))
    return tf.concat(states, 2)


def states_and_gradients(
    compute_states: Callable[..., Any], layer: Any, *arrays: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """Return the real states for `arrays`, and the gradients of a weighted sum of them by arrays and weights."""
    import tensorflow as tf

    variables = [tf.Variable(array) for array in arrays]
    with tf.GradientTape() as tape:
        states = tf.where(IS_REAL, compute_states(*(tf.convert_to_tensor(variable) for variable in variables)), 0.0)
        total = tf.reduce_sum(states * np.random.default_rng(2).normal(size=states.shape).astype(np.float32))
    gradients = tape.gradient(total, [*variables, *(weight.value for weight in layer.trainable_variables)])
    return [np.asarray(tf.convert_to_tensor(tensor)) for tensor in (states, *gradients)]


def assert_all_close(found: list[NDArray[Any]], expected: list[NDArray[Any]]) -> None:
    for array, wanted in zip(found, expected, strict=True):
        assert np.abs(wanted).max() > 0.1
        np.testing.assert_allclose(array, wanted, atol=5e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("threads", ["1", "2", "7"])
def test_states_and_gradients_equal_those_of_keras(
    bidirectional: bool, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    layer = make_layer(bidirectional)
    assert layer.is_fast
    found = states_and_gradients(lambda inputs: layer(inputs, LENGTHS, training=True), layer, INPUTS)
    assert len(found) == 2 + 3 * (1 + bidirectional)
    assert_all_close(found, states_and_gradients(lambda inputs: keras_states(layer, inputs), layer, INPUTS))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("threads", ["1", "5"])
def test_vectors_at_places_equal_inputs_that_hold_them(
    bidirectional: bool, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    layer = make_layer(bidirectional, width=4 + 3)

    def compute(vectors: Any, inputs: Any) -> Any:
        return layer(inputs, LENGTHS, vectors, PLACES, training=True)

    fast = states_and_gradients(compute, layer, VECTORS, INPUTS)
    layer.is_fast = False
    assert_all_close(fast, states_and_gradients(compute, layer, VECTORS, INPUTS))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_states_equal_those_computed_by_hand(bidirectional: bool) -> None:
    layer = make_layer(bidirectional)
    states = np.asarray(layer(INPUTS, LENGTHS))
    for row, length in enumerate(LENGTHS[:5]):
        expected = [lstm_by_hand(INPUTS[row, :length], layer.directions[0])]
        if bidirectional:
            expected.append(lstm_by_hand(INPUTS[row, :length][::-1], layer.directions[1])[::-1])
        np.testing.assert_allclose(states[row, :length], np.concatenate(expected, axis=1), atol=1e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_keras_computes_other_activations(bidirectional: bool) -> None:
    layer = make_layer(bidirectional, activation="softsign")
    assert not layer.is_fast
    states = np.where(IS_REAL, layer(INPUTS, LENGTHS), 0)
    np.testing.assert_allclose(states, np.where(IS_REAL, keras_states(layer, INPUTS), 0), atol=1e-6)
    assert np.abs(states - make_layer(bidirectional)(INPUTS, LENGTHS)).max() > 0.05


@pytest.mark.parametrize("bidirectional", [False, True])
def test_other_backends_have_the_same_weights_and_states(bidirectional: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    fast = make_layer(bidirectional)
    with monkeypatch.context() as context:
        context.setattr(keras.backend, "backend", lambda: "jax")
        plain = make_layer(bidirectional)
    assert not plain.is_fast
    assert plain.supports_jit
    paths = [[weight.path.split("/", 1)[1] for weight in layer.weights] for layer in (plain, fast)]
    assert paths[0] == paths[1]
    np.testing.assert_allclose(np.where(IS_REAL, plain(INPUTS, LENGTHS), 0), fast(INPUTS, LENGTHS), atol=1e-6)


def test_prediction_gives_the_states_of_training_and_keeps_no_steps() -> None:
    layer = make_layer(bidirectional=True)
    predicted = np.asarray(layer(INPUTS, LENGTHS))
    assert layer.recurrence is None
    np.testing.assert_allclose(predicted, layer(INPUTS, LENGTHS, training=True), atol=1e-6)
    assert layer.recurrence is not None


def test_states_after_a_row_end_are_zeros_whatever_the_inputs_there() -> None:
    layer = make_layer(bidirectional=True)
    states = np.asarray(layer(INPUTS, LENGTHS))
    assert (states[~np.broadcast_to(IS_REAL, states.shape)] == 0).all()
    np.testing.assert_array_equal(states, layer(np.where(IS_REAL, INPUTS, 1e3).astype(np.float32), LENGTHS))


def test_rows_of_length_0_and_empty_batches_have_no_states() -> None:
    layer = make_layer(bidirectional=True)
    assert (np.asarray(layer(INPUTS[:2], np.array([0, 0], np.int32))) == 0).all()
    assert layer(INPUTS[:0], LENGTHS[:0]).shape == (0, 7, 2 * UNITS)


def test_weight_of_nan_gives_states_of_nan() -> None:
    layer = make_layer(bidirectional=False)
    kernel, *others = layer.get_weights()
    kernel[0, 0] = np.nan
    layer.set_weights([kernel, *others])
    assert np.isnan(np.asarray(layer(INPUTS, LENGTHS))).any()


def test_gradient_of_a_prediction_is_refused() -> None:
    import tensorflow as tf

    layer = make_layer(bidirectional=False)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(INPUTS, LENGTHS, training=False))
    with pytest.raises(Exception, match="expected training=True"):
        tape.gradient(total, layer.trainable_variables)


def test_tanh_equals_that_of_numpy() -> None:
    from imdb_sentiment.network.recurrence_steps import tanh

    numbers = np.concatenate([np.linspace(-12, 12, 4001), [0, np.inf, -np.inf, np.nan]]).astype(np.float32)
    found = np.array([tanh(number) for number in numbers])
    np.testing.assert_allclose(found, np.tanh(numbers.astype(np.float64)), atol=5e-7)


def test_layers_in_parallel_keep_blas_at_one_thread() -> None:
    fast = make_layer(bidirectional=True)

    def blas_threads() -> int:
        return max(int(library["num_threads"]) for library in threadpool_info() if library["user_api"] == "blas")

    def run(_: int) -> bytes:
        time.sleep(0.001)
        return np.asarray(fast(INPUTS, LENGTHS)).tobytes()

    before = blas_threads()
    expected = run(0)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(run, range(40))) == {expected}
    assert blas_threads() == before
