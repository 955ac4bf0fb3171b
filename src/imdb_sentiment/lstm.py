"""The LSTM layer of the models: each row read to its end, forward or both ways, as fast as the machine allows."""

import itertools
from typing import Any, Final

import keras
import numpy as np
from keras import ops

from imdb_sentiment.layers import ReverseSequence
from imdb_sentiment.recurrence import Recurrence, Weights

_WEIGHTS: Final = len(Weights._fields)


class RowwiseLSTM(keras.layers.Layer):
    """The states of `keras.layers.LSTM`, in one direction or, side by side, in two; padding is on the right.

    `(inputs float32 [B, T, E], lengths int32 [B])` -> `float32 [B, T, H]`, or `[B, T, 2 H]`. What stands behind a
    row's length means nothing. The weights are those of the stock layers that it holds, `forward` and `backward`. On a
    CPU with the TensorFlow backend, `recurrence` does their work in about half the time; elsewhere, and with another
    activation than tanh, they do it themselves, on a GPU by cuDNN.
    """

    def __init__(self, units: int, *, activation: str, bidirectional: bool, penalty: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        names = ("forward", "backward") if bidirectional else ("forward",)
        self.directions = [
            keras.layers.LSTM(
                units, activation=activation, kernel_regularizer=penalty, return_sequences=True, name=name
            )
            for name in names
        ]
        self._reverse = ReverseSequence()
        self.is_fast = activation == "tanh" and _is_on_cpu_with_tensorflow()
        self.supports_jit = not self.is_fast
        self._tickets = itertools.count()
        self.recurrence: tuple[int, Recurrence] | None = None

    def build(self, inputs_shape: Any, lengths_shape: Any = None) -> None:
        for direction in self.directions:
            direction.build(inputs_shape)

    def call(self, inputs: Any, lengths: Any, training: bool = False) -> Any:
        if self.is_fast:
            return self._call_fast(inputs, lengths, training)
        forward, *backward = self.directions
        states = [forward(inputs)]
        states += [self._reverse(its(self._reverse(inputs, lengths)), lengths) for its in backward]
        return ops.concatenate(states, axis=-1) if backward else states[0]

    def compute_output_shape(self, inputs_shape: Any, lengths_shape: Any = None) -> Any:
        return (*inputs_shape[:-1], sum(its.units for its in self.directions))

    def _call_fast(self, inputs: Any, lengths: Any, training: bool) -> Any:
        import tensorflow as tf

        weights = [tf.convert_to_tensor(its) for layer in self.directions for its in layer.trainable_variables]

        @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow ships no types
        def run(inputs: Any, *weights: Any) -> Any:
            states, ticket = tf.numpy_function(
                self._run, [inputs, lengths, training, *weights], [tf.float32, tf.int64], stateful=False
            )
            states.set_shape(self.compute_output_shape(inputs.shape))

            def gradient(of_states: Any) -> Any:
                found = tf.numpy_function(
                    self._weight_gradients, [of_states, ticket], [tf.float32] * len(weights), stateful=False
                )
                for its, weight in zip(found, weights, strict=True):
                    its.set_shape(weight.shape)
                # Nothing computes it where nothing that trains comes before this layer.
                of_inputs = tf.numpy_function(self._input_gradient, [ticket, *found], tf.float32, stateful=False)
                of_inputs.set_shape(inputs.shape)
                return (of_inputs, *found)

            return states, gradient

        return run(tf.convert_to_tensor(inputs), *weights)

    def _run(self, inputs: Any, lengths: Any, training: Any, *weights: Any) -> Any:
        directions = [Weights(*weights[first : first + _WEIGHTS]) for first in range(0, len(weights), _WEIGHTS)]
        recurrence = Recurrence(inputs, lengths, directions, remembers=bool(training))
        ticket = next(self._tickets)
        if training:
            self.recurrence = ticket, recurrence
        return recurrence.states(), np.int64(ticket)

    def _weight_gradients(self, of_states: Any, ticket: Any) -> Any:
        return [its for weights in self._recurrence(ticket).gradients(of_states) for its in weights]

    def _input_gradient(self, ticket: Any, *_: Any) -> Any:
        return self._recurrence(ticket).input_gradient()

    def _recurrence(self, ticket: Any) -> Recurrence:
        if self.recurrence is None or self.recurrence[0] != ticket:
            raise RuntimeError(f"{self.name}: found no memory of the batch; expected training=True, and one gradient")
        return self.recurrence[1]


def _is_on_cpu_with_tensorflow() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")
