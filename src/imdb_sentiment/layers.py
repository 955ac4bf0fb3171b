"""Word dropout, and the three small layers that keep padding out of the arithmetic, in plain Keras operations.

No mask travels through the network: a mask would keep an LSTM off the fast GPU kernels. Reviews are padded on the
right instead, so a forward LSTM meets the padding only after the review; the layers here do the rest.
"""

from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from imdb_sentiment.encoding import PAD_ID, UNKNOWN_ID

Pooling = Literal["last", "max", "mean"]


class WordDropout(keras.layers.Layer):
    """Hide words while training: each becomes UNKNOWN_ID with the probability `rate` (Iyyer et al. 2015, section 3).

    `token_ids int32 [B, T]` -> `int32 [B, T]`. Padding stays, so the lengths do. The model learns not to lean on single
    words, and gives the unknown token a vector that stands for some word or other.
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self._seed = keras.random.SeedGenerator()

    def call(self, token_ids: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return token_ids
        hidden = keras.random.uniform(ops.shape(token_ids), seed=self._seed) < self.rate
        return ops.where(ops.logical_and(hidden, ops.not_equal(token_ids, PAD_ID)), UNKNOWN_ID, token_ids)


class SequenceLength(keras.layers.Layer):
    """Count the real tokens of each review.

    `token_ids int32 [B, T]` -> `lengths int32 [B]`, for example `[[5, 9, 0], [7, 0, 0]] -> [2, 1]`. Without
    `ignore_padding`, T for each: what the recipe does, and what shows how much ignoring the padding is worth.
    """

    def __init__(self, ignore_padding: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_padding = ignore_padding

    def call(self, token_ids: Any) -> Any:
        if not self.ignore_padding:
            return ops.sum(ops.ones_like(token_ids), axis=1)
        return ops.sum(ops.cast(ops.not_equal(token_ids, PAD_ID), "int32"), axis=1)


class ReverseSequence(keras.layers.Layer):
    """Turn each review round and leave its padding where it is, so that an LSTM can read it from its end.

    `(inputs float32 [B, T, E], lengths int32 [B])` -> `float32 [B, T, E]`; with length 2, `[a, b, pad] -> [b, a, pad]`.
    A plain backward LSTM would wade through the padding first, and its answer would depend on how much there is.
    """

    def call(self, inputs: Any, lengths: Any) -> Any:
        steps = _steps(inputs)
        ends = ops.expand_dims(lengths, 1)
        source = ops.where(steps < ends, ends - 1 - steps, steps)
        # Whole rows of a flat [B * T, E]: the gradient of `take_along_axis` scatters number by number, 10 times slower.
        batch, time, width = ops.shape(inputs)
        rows = source + time * ops.expand_dims(ops.arange(batch, dtype="int32"), 1)
        return ops.reshape(ops.take(ops.reshape(inputs, (-1, width)), rows, axis=0), (batch, time, width))

    def compute_output_shape(self, inputs_shape: Any, lengths_shape: Any = None) -> Any:
        return inputs_shape


class MaskedPooling(keras.layers.Layer):
    """Reduce the states of a review to one vector, over its real tokens only.

    `(states float32 [B, T, H], lengths int32 [B])` -> `float32 [B, H]`. `last` takes the state after the last real
    token, `max` and `mean` reduce over all of them.
    """

    def __init__(self, pooling: Pooling, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pooling = pooling

    def call(self, states: Any, lengths: Any) -> Any:
        steps = _steps(states)
        ends = ops.expand_dims(lengths, 1)
        if self.pooling == "last":
            is_last = ops.cast(ops.equal(steps, ends - 1), states.dtype)
            return ops.einsum("bt,bth->bh", is_last, states)
        is_real = ops.cast(steps < ends, states.dtype)
        if self.pooling == "mean":
            return ops.einsum("bt,bth->bh", is_real, states) / ops.cast(ends, states.dtype)
        return ops.max(ops.where(ops.expand_dims(steps < ends, 2), states, -np.inf), axis=1)

    def compute_output_shape(self, states_shape: Any, lengths_shape: Any = None) -> Any:
        return (states_shape[0], states_shape[2])


def _steps(sequence: Any) -> Any:
    """Return the step numbers `int32 [1, T]` of `sequence [B, T, ...]`."""
    return ops.expand_dims(ops.arange(ops.shape(sequence)[1], dtype="int32"), 0)
