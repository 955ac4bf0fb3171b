"""The LSTM layer of the models, in one direction or two, with a fast implementation for CPUs."""

import itertools
from typing import Any, Final

import keras
import numpy as np
from keras import ops

from imdb_sentiment.network.compiled_steps import compiled_steps
from imdb_sentiment.network.layers import ReverseSequence
from imdb_sentiment.network.recurrence import Recurrence, Vectors, Weights

_WEIGHTS: Final = len(Weights._fields)


class RowwiseLSTM(keras.layers.Layer):
    """Give the states of `keras.layers.LSTM`, in one direction or, side by side, in two; padding is on the right.

    `(inputs float32 [B, T, E], lengths int32 [B])` -> `float32 [B, T, H]`, or `[B, T, 2 H]`. States after a row's
    length have no meaning. With `vectors float32 [U, W]` and `places int32 [B, T]`, as `DistinctEmbedding` gives them,
    the LSTM reads `vectors[places]` followed by the inputs, W + E numbers at each step. The products of the vectors and
    the kernel, most of the work, are then computed once for each vector.

    The weights are those of the Keras layers in `directions`. On a CPU with the TensorFlow backend `Recurrence`
    computes the states; elsewhere, and with another activation than tanh, those layers do, on a GPU by cuDNN.
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
        # The last batch of training, with its ticket: the gradient starts from what it keeps.
        self.recurrence: tuple[int, Recurrence] | None = None

    def build(self, inputs_shape: Any, lengths_shape: Any = None, vectors_shape: Any = None, *_: Any) -> None:
        width = inputs_shape[-1] + (vectors_shape[-1] if vectors_shape else 0)
        for direction in self.directions:
            direction.build((*inputs_shape[:-1], width))
        if self.is_fast:
            compiled_steps()

    def call(self, inputs: Any, lengths: Any, vectors: Any = None, places: Any = None, training: bool = False) -> Any:
        if self.is_fast:
            return self._call_fast(inputs, lengths, vectors, places, training)
        if vectors is not None:
            inputs = ops.concatenate([ops.take(vectors, places, axis=0), inputs], axis=-1)
        forward, *backward = self.directions
        states = [forward(inputs)]
        states += [self._reverse(layer(self._reverse(inputs, lengths)), lengths) for layer in backward]
        return ops.concatenate(states, axis=-1) if backward else states[0]

    def compute_output_shape(self, inputs_shape: Any, *_: Any) -> Any:
        return (*inputs_shape[:-1], sum(layer.units for layer in self.directions))

    def _call_fast(self, inputs: Any, lengths: Any, vectors: Any, places: Any, training: bool) -> Any:
        import tensorflow as tf

        weights = [tf.convert_to_tensor(weight) for layer in self.directions for weight in layer.trainable_variables]
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

            def gradient(d_states: Any) -> Any:
                gradients = tf.numpy_function(
                    self._gradients, [d_states, ticket], [tf.float32] * (1 + len(weights)), stateful=False
                )
                for found, tensor in zip(gradients, (projected, *weights), strict=True):
                    found.set_shape(tensor.shape)
                # A function of its own: a graph leaves it out where nothing before this layer is trained.
                d_inputs = tf.numpy_function(self._input_gradient, [ticket, *gradients], tf.float32, stateful=False)
                d_inputs.set_shape(inputs.shape)
                return (d_inputs, *gradients)

            return states, gradient

        return run(tf.convert_to_tensor(inputs), projected, *weights)

    def _run(self, inputs: Any, lengths: Any, projected: Any, places: Any, training: Any, *weights: Any) -> Any:
        directions = [Weights(*weights[first : first + _WEIGHTS]) for first in range(0, len(weights), _WEIGHTS)]
        vectors = Vectors(projected, places)
        recurrence = Recurrence(inputs, lengths, vectors, directions, keeps_gradients=bool(training))
        ticket = next(self._tickets)
        if training:
            self.recurrence = ticket, recurrence
        return recurrence.states(), np.int64(ticket)

    def _gradients(self, d_states: Any, ticket: Any) -> Any:
        by_direction, d_projected = self._recurrence(ticket).gradients(d_states)
        return [d_projected, *(gradient for weights in by_direction for gradient in weights)]

    def _input_gradient(self, ticket: Any, *_: Any) -> Any:
        return self._recurrence(ticket).input_gradient()

    def _recurrence(self, ticket: Any) -> Recurrence:
        if self.recurrence is None or self.recurrence[0] != ticket:
            raise RuntimeError(f"{self.name}: found no kept steps; expected training=True, and one gradient")
        return self.recurrence[1]


def _is_on_cpu_with_tensorflow() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")
