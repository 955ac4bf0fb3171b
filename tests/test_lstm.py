"""The LSTM layer: its states and gradients are those of Keras's own layer, with the rows reversed for a second one."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

UNITS = 5
LENGTHS = np.array([7, 1, 4, 7, 2] * 9, np.int32)  # enough rows for a part in each of two threads
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(len(LENGTHS), 7, 3)).astype(np.float32)
IS_REAL = (np.arange(7) < LENGTHS[:, None])[..., None]


def layer(bidirectional: bool, width: int = 3, **changes: Any) -> Any:
    from imdb_sentiment.network.lstm import RowwiseLSTM

    made = RowwiseLSTM(UNITS, **{"activation": "tanh", "bidirectional": bidirectional, **changes})
    made.build((*INPUTS.shape[:2], width))
    rng = np.random.default_rng(1)
    made.set_weights([rng.normal(size=its.shape) / 2 for its in made.get_weights()])
    return made


def stock_states(of: Any, inputs: Any) -> Any:
    """Return the states that Keras's own layers, which hold the weights of the layer `of`, give for whole rows."""
    import tensorflow as tf

    states = []
    for number, stock in enumerate(of.directions):
        found = stock(tf.reverse_sequence(inputs, LENGTHS, seq_axis=1) if number else inputs)
        states.append(tf.reverse_sequence(found, LENGTHS, seq_axis=1) if number else found)
    return tf.concat(states, 2)


VECTORS = RNG.normal(size=(6, 4)).astype(np.float32)
PLACES = RNG.integers(0, 6, size=INPUTS.shape[:2]).astype(np.int32)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("threads", ["1", "5"])
def test_vectors_at_their_places_are_read_as_if_they_stood_there(
    bidirectional: bool, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    fast = layer(bidirectional, width=4 + 3)
    found = []
    for is_fast in (True, False):
        fast.is_fast = is_fast
        vectors, inputs = tf.Variable(VECTORS), tf.Variable(INPUTS)
        with tf.GradientTape() as tape:
            states = tf.where(IS_REAL, fast(inputs, LENGTHS, tf.convert_to_tensor(vectors), PLACES, training=True), 0.0)
            total = tf.reduce_sum(states**2)
        of_all = tape.gradient(total, [vectors, inputs, *(its.value for its in fast.trainable_variables)])
        found.append([np.asarray(tf.convert_to_tensor(its)) for its in (states, *of_all)])
    for its, wanted in zip(*found, strict=True):
        assert np.abs(wanted).max() > 0.1
        np.testing.assert_allclose(its, wanted, atol=5e-5)


def gradients(states: Any, of: Any) -> list[NDArray[np.float32]]:
    """Return the states, and the gradients of the inputs and of the weights, of some sum of the real states."""
    import tensorflow as tf

    inputs = tf.Variable(INPUTS)
    with tf.GradientTape() as tape:
        found = tf.where(IS_REAL, states(inputs), 0.0)
        weighed = np.random.default_rng(2).normal(size=found.shape)
        total = tf.reduce_sum(found * weighed.astype(np.float32))
    of_all = tape.gradient(total, [inputs, *(its.value for its in of.trainable_variables)])
    return [np.asarray(found), *(np.asarray(tf.convert_to_tensor(its)) for its in of_all)]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("threads", ["1", "2", "7"])
def test_states_and_gradients_are_those_of_the_stock_layer(
    bidirectional: bool, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    fast = layer(bidirectional)
    assert fast.is_fast
    found = gradients(lambda inputs: fast(inputs, LENGTHS, training=True), fast)
    expected = gradients(lambda inputs: stock_states(fast, inputs), fast)
    assert len(found) == 2 + 3 * (1 + bidirectional)
    for its, wanted in zip(found, expected, strict=True):
        assert np.abs(wanted).max() > 0.1
        np.testing.assert_allclose(its, wanted, atol=2e-5)


def test_the_weights_load_into_a_stock_layer() -> None:
    import keras

    fast = layer(bidirectional=False)
    stock = keras.layers.LSTM(UNITS, return_sequences=True)
    stock.build(INPUTS.shape)
    stock.set_weights(fast.get_weights())
    states = np.asarray(fast(INPUTS, LENGTHS))
    assert np.abs(states).max() > 0.1
    np.testing.assert_allclose(states, np.where(IS_REAL, stock(INPUTS), 0), atol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_another_activation_is_left_to_the_stock_layer(bidirectional: bool) -> None:
    plain, fast = layer(bidirectional, activation="softsign"), layer(bidirectional)
    assert not plain.is_fast
    softer, states = (np.where(IS_REAL, np.asarray(its(INPUTS, LENGTHS)), 0) for its in (plain, fast))
    assert softer.shape == states.shape
    assert np.abs(softer - states).max() > 0.05


@pytest.mark.parametrize("bidirectional", [False, True])
def test_where_tensorflow_does_not_run_on_a_cpu_the_stock_layer_does_the_same(
    bidirectional: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    fast = layer(bidirectional)
    with monkeypatch.context() as context:
        context.setattr(keras.backend, "backend", lambda: "jax")
        stock = layer(bidirectional)
    assert not stock.is_fast
    assert stock.supports_jit
    assert [its.path.split("/", 1)[1] for its in stock.weights] == [its.path.split("/", 1)[1] for its in fast.weights]
    np.testing.assert_allclose(
        np.where(IS_REAL, stock(INPUTS, LENGTHS), 0), fast(INPUTS, LENGTHS), atol=1e-6, err_msg="states"
    )


def test_a_prediction_has_the_states_of_training_and_keeps_nothing() -> None:
    fast = layer(bidirectional=True)
    predicted = np.asarray(fast(INPUTS, LENGTHS))
    assert fast.recurrence is None
    np.testing.assert_allclose(predicted, fast(INPUTS, LENGTHS, training=True), atol=1e-6)
    assert fast.recurrence is not None


def test_states_behind_a_rows_end_are_zeros_and_what_stands_there_does_not_matter() -> None:
    fast = layer(bidirectional=True)
    states = np.asarray(fast(INPUTS, LENGTHS))
    assert (states[~np.broadcast_to(IS_REAL, states.shape)] == 0).all()
    np.testing.assert_array_equal(states, fast(np.where(IS_REAL, INPUTS, 1e3).astype(np.float32), LENGTHS))


def test_a_row_of_length_0_and_an_empty_batch_have_no_states() -> None:
    fast = layer(bidirectional=True)
    assert (np.asarray(fast(INPUTS[:2], np.array([0, 0], np.int32))) == 0).all()
    assert fast(INPUTS[:0], LENGTHS[:0]).shape == (0, 7, 2 * UNITS)


def test_a_weight_that_is_no_number_shows() -> None:
    fast = layer(bidirectional=False)
    kernel, *rest = fast.get_weights()
    kernel[0, 0] = np.nan
    fast.set_weights([kernel, *rest])
    assert np.isnan(np.asarray(fast(INPUTS, LENGTHS))).any()


def test_a_gradient_of_what_was_not_remembered_is_refused() -> None:
    import tensorflow as tf

    fast = layer(bidirectional=False)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(fast(INPUTS, LENGTHS, training=False))
    with pytest.raises(Exception, match="expected training=True"):
        tape.gradient(total, fast.trainable_variables)


def test_tanh_is_that_of_numpy() -> None:
    from imdb_sentiment.network.recurrence_steps import tanh

    numbers = np.concatenate([np.linspace(-12, 12, 4001), [0, np.inf, -np.inf, np.nan]]).astype(np.float32)
    found = np.array([tanh(its) for its in numbers])
    np.testing.assert_allclose(found, np.tanh(numbers.astype(np.float64)), atol=5e-7)


def test_layers_at_once_do_not_lift_the_limit_of_blas_under_each_other() -> None:
    from imdb_sentiment.network.recurrence import _in_threads

    def blas_threads(_: int = 0) -> int:
        time.sleep(0.001)  # long enough for another layer to end meanwhile
        return max(int(its["num_threads"]) for its in threadpool_info() if its["user_api"] == "blas")

    before = blas_threads()
    with ThreadPoolExecutor(4) as layers:
        seen = list(layers.map(lambda _: _in_threads(blas_threads, [0, 1]), range(40)))
    assert seen == [[1, 1]] * 40
    assert blas_threads() == before
