"""The LSTM layer of the models: each row read to its end, forward or both ways, as fast as the machine allows."""

import itertools
from typing import Any, Final

import keras
import numpy as np
from keras import ops

from imdb_sentiment.network.layers import ReverseSequence
from imdb_sentiment.network.recurrence import Recurrence, Vectors, Weights

_WEIGHTS: Final = len(Weights._fields)


class RowwiseLSTM(keras.layers.Layer):
    """The states of `keras.layers.LSTM`, in one direction or, side by side, in two; padding is on the right.

    `(inputs float32 [B, T, E], lengths int32 [B])` -> `float32 [B, T, H]`, or `[B, T, 2 H]`. What stands behind a
    row's length means nothing. With `vectors float32 [U, W]` and `places int32 [B, T]`, as `DistinctEmbedding` gives
    them, what is read at a step is the vector at its place, followed by the inputs: the products of the vectors, the
    most of the work, are then computed once for each and not for each time that it occurs.

    The weights are those of the stock layers that it holds. On a CPU with the TensorFlow backend `Recurrence` does the
    work; elsewhere, and with another activation than tanh, the stock layers do, on a GPU by cuDNN.
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
        self.recurrence: tuple[int, Recurrence] | None = None  # of the last batch that may want a gradient

    def build(self, inputs_shape: Any, lengths_shape: Any = None, vectors_shape: Any = None, *_: Any) -> None:
        width = inputs_shape[-1] + (vectors_shape[-1] if vectors_shape else 0)
        for direction in self.directions:
            direction.build((*inputs_shape[:-1], width))

    def call(self, inputs: Any, lengths: Any, vectors: Any = None, places: Any = None, training: bool = False) -> Any:
        if self.is_fast:
            return self._call_fast(inputs, lengths, vectors, places, training)
        if vectors is not None:
            inputs = ops.concatenate([ops.take(vectors, places, axis=0), inputs], axis=-1)
        forward, *backward = self.directions
        states = [forward(inputs)]
        states += [self._reverse(its(self._reverse(inputs, lengths)), lengths) for its in backward]
        return ops.concatenate(states, axis=-1) if backward else states[0]

    def compute_output_shape(self, inputs_shape: Any, *_: Any) -> Any:
        return (*inputs_shape[:-1], sum(its.units for its in self.directions))

    def _call_fast(self, inputs: Any, lengths: Any, vectors: Any, places: Any, training: bool) -> Any:
        import tensorflow as tf

        weights = [tf.convert_to_tensor(its) for layer in self.directions for its in layer.trainable_variables]
        gates = 4 * self.directions[0].units
        projected = tf.zeros((0, len(self.directions), gates))
        if vectors is None:
            places = tf.zeros((0, 0), tf.int32)
        else:
            width = vectors.shape[1]
            kernels = tf.concat([kernel[:width] for kernel in weights[::_WEIGHTS]], axis=1)
            projected = tf.reshape(tf.matmul(vectors, kernels), (-1, len(self.directions), gates))
            weights[::_WEIGHTS] = [kernel[width:] for kernel in weights[::_WEIGHTS]]

        @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow ships no types
        def run(inputs: Any, projected: Any, *weights: Any) -> Any:
            states, ticket = tf.numpy_function(
                self._run,
                [inputs, lengths, projected, places, training, *weights],
                [tf.float32, tf.int64],
                stateful=False,
            )
            states.set_shape(self.compute_output_shape(inputs.shape))

            def gradient(of_states: Any) -> Any:
                found = tf.numpy_function(
                    self._gradients, [of_states, ticket], [tf.float32] * (1 + len(weights)), stateful=False
                )
                for its, of in zip(found, (projected, *weights), strict=True):
                    its.set_shape(of.shape)
                # Nothing computes it where nothing that trains comes before this layer.
                of_inputs = tf.numpy_function(self._input_gradient, [ticket, *found], tf.float32, stateful=False)
                of_inputs.set_shape(inputs.shape)
                return (of_inputs, *found)

            return states, gradient

        return run(tf.convert_to_tensor(inputs), projected, *weights)

    def _run(self, inputs: Any, lengths: Any, projected: Any, places: Any, training: Any, *weights: Any) -> Any:
        directions = [Weights(*weights[first : first + _WEIGHTS]) for first in range(0, len(weights), _WEIGHTS)]
        vectors = Vectors(projected, places)
        recurrence = Recurrence(inputs, lengths, vectors, directions, remembers=bool(training))
        ticket = next(self._tickets)
        if training:
            self.recurrence = ticket, recurrence
        return recurrence.states(), np.int64(ticket)

    def _gradients(self, of_states: Any, ticket: Any) -> Any:
        of_directions, of_projected = self._remembered(ticket).gradients(of_states)
        return [of_projected, *(its for weights in of_directions for its in weights)]

    def _input_gradient(self, ticket: Any, *_: Any) -> Any:
        return self._remembered(ticket).input_gradient()

    def _remembered(self, ticket: Any) -> Recurrence:
        if self.recurrence is None or self.recurrence[0] != ticket:
            raise RuntimeError(f"{self.name}: found nothing remembered; expected training=True, and one gradient")
        return self.recurrence[1]


def _is_on_cpu_with_tensorflow() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")
