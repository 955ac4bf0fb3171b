"""Word dropout, segments, and small layers that keep padding out of the results, in plain Keras operations.

The models use no Keras mask, with which an LSTM does not run on cuDNN. Reviews are padded on the right instead, so that
a forward LSTM reads the padding only after the review; the layers here take the lengths as an input.
"""

import math
from typing import Any, Final, Literal

import keras
import numpy as np
from keras import ops

from imdb_sentiment.artifacts.temperature import LARGEST, REFERENCE_LENGTH, Temperature
from imdb_sentiment.artifacts.vocabulary import PAD_ID, UNKNOWN_ID

Pooling = Literal["last", "max", "mean", "max_mean"]


class WordDropout(keras.layers.Layer):
    """Hide words while training: each becomes UNKNOWN_ID with the probability `rate` (Iyyer et al. 2015, section 3).

    `token_ids int32 [B, T]` -> `int32 [B, T]`. Padding stays, and so do the lengths. The model learns not to rely on
    single words, and the unknown token gets a vector that stands for any word.
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


class DistinctEmbedding(keras.layers.Embedding):
    """Give the vectors of the distinct tokens of a batch, and the row of each token's vector among them.

    `token_ids int32 [B, T]` -> `(vectors float32 [U, E], places int32 [B, T])`; `[[7, 3, 7]] -> vectors of 7 and 3,
    [[0, 1, 0]]`. A batch has about four times as many tokens as distinct ones. Only TensorFlow can find the distinct
    ones within a graph, where U is not known: on other backends all vectors are given, and a token's row is its id.
    """

    def call(self, token_ids: Any) -> Any:
        if keras.backend.backend() != "tensorflow":
            return ops.convert_to_tensor(self.embeddings), token_ids
        import tensorflow as tf

        distinct, places = tf.unique(tf.reshape(token_ids, (-1,)))
        return ops.take(self.embeddings, distinct, axis=0), tf.reshape(places, tf.shape(token_ids))

    def compute_output_spec(self, token_ids: Any) -> Any:
        vectors = keras.KerasTensor((None, self.output_dim), self.compute_dtype)
        return vectors, keras.KerasTensor(token_ids.shape, "int32")


class SequenceLength(keras.layers.Layer):
    """Count the real tokens of each review.

    `token_ids int32 [B, T]` -> `lengths int32 [B]`, for example `[[5, 9, 0], [7, 0, 0]] -> [2, 1]`. Without
    `ignore_padding`, T for each, so that the padding is read like words (the recipe's behaviour).
    """

    def __init__(self, ignore_padding: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_padding = ignore_padding

    def call(self, token_ids: Any) -> Any:
        if not self.ignore_padding:
            return ops.sum(ops.ones_like(token_ids), axis=1)
        return ops.sum(ops.cast(ops.not_equal(token_ids, PAD_ID), "int32"), axis=1)


class ReverseSequence(keras.layers.Layer):
    """Reverse each review and leave its padding where it is, so that an LSTM can read it from its end.

    `(inputs float32 [B, T, E], lengths int32 [B])` -> `float32 [B, T, E]`; with length 2, `[a, b, pad] -> [b, a, pad]`.
    A plain backward LSTM would read the padding first, and its states would depend on the amount of padding.
    """

    def call(self, inputs: Any, lengths: Any) -> Any:
        steps = _steps(inputs)
        ends = ops.expand_dims(lengths, 1)
        source = ops.where(steps < ends, ends - 1 - steps, steps)
        # Whole rows of a flat [B * T, E]: the gradient of `take_along_axis` adds number by number, 10 times slower.
        batch, time, width = ops.shape(inputs)
        rows = source + time * ops.expand_dims(ops.arange(batch, dtype="int32"), 1)
        return ops.reshape(ops.take(ops.reshape(inputs, (-1, width)), rows, axis=0), (batch, time, width))

    def compute_output_shape(self, inputs_shape: Any, lengths_shape: Any = None) -> Any:
        return inputs_shape


class SplitSegments(keras.layers.Layer):
    """Cut each review into segments of S tokens, the last one filled up with zeros, so that an LSTM reads them at once.

    `float32 [B, T, E]` -> `[B * N, S, E]` with N = ceil(T / S); `int32 [B, T]` -> `[B * N, S]`. The states of all
    segments are then pooled together (Johnson, Zhang 2016, section 3.1): an LSTM of S steps over more rows is several
    times cheaper on a CPU than one of T steps, and few expressions of sentiment are longer than S words.
    """

    def __init__(self, segment_length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.segment_length = segment_length

    def call(self, inputs: Any) -> Any:
        batch, steps = ops.shape(inputs)[0], ops.shape(inputs)[1]
        rest = tuple(inputs.shape[2:])
        missing = -steps % self.segment_length
        filled = ops.concatenate([inputs, ops.zeros((batch, missing, *rest), inputs.dtype)], axis=1)
        return ops.reshape(filled, (-1, self.segment_length, *rest))

    def compute_output_spec(self, inputs: Any) -> Any:
        # JAX cannot tell by itself that a length of which nothing is known becomes a multiple of S.
        return keras.KerasTensor((None, self.segment_length, *inputs.shape[2:]), inputs.dtype)


class JoinSegments(keras.layers.Layer):
    """Join the segments' states again: `(states float32 [B * N, S, H], inputs [B, ...])` -> `float32 [B, N * S, H]`."""

    def call(self, states: Any, inputs: Any) -> Any:
        return ops.reshape(states, (ops.shape(inputs)[0], -1, states.shape[2]))

    def compute_output_spec(self, states: Any, inputs: Any) -> Any:
        return keras.KerasTensor((inputs.shape[0], None, states.shape[2]), states.dtype)


class PolarityScores(keras.layers.Layer):
    """Sum the n-gram polarities of a review, divided by the square root of its length: long reviews score no higher.

    `(polarity float32 [B, T, 6], lengths int32 [B])` -> `float32 [B, 6]`. The polarity of padding is 0.
    """

    def call(self, polarity: Any, lengths: Any) -> Any:
        return ops.sum(polarity, axis=1) / ops.sqrt(ops.cast(ops.expand_dims(lengths, 1), polarity.dtype))


class MaskedPooling(keras.layers.Layer):
    """Reduce the states of a review to one vector, over its real tokens only.

    `(states float32 [B, T, H], lengths int32 [B])` -> `float32 [B, H]`. `last` takes the state after the last real
    token, `max` and `mean` reduce over all of them, `max_mean` gives both, `[B, 2 H]`.
    """

    def __init__(self, pooling: Pooling, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pooling = pooling

    def call(self, states: Any, lengths: Any) -> Any:
        if self.pooling == "last":
            is_last = ops.cast(ops.equal(_steps(states), ops.expand_dims(lengths, 1) - 1), states.dtype)
            return ops.einsum("bt,bth->bh", is_last, states)
        pooled = [_POOLINGS[kind](states, lengths) for kind in self.pooling.split("_")]
        return ops.concatenate(pooled, axis=1)

    def compute_output_shape(self, states_shape: Any, lengths_shape: Any = None) -> Any:
        return (states_shape[0], states_shape[2] * len(self.pooling.split("_")))


def _masked_max(states: Any, lengths: Any) -> Any:
    is_real = _steps(states) < ops.expand_dims(lengths, 1)
    return ops.max(ops.where(ops.expand_dims(is_real, 2), states, -np.inf), axis=1)


def _masked_mean(states: Any, lengths: Any) -> Any:
    ends = ops.expand_dims(lengths, 1)
    is_real = ops.cast(_steps(states) < ends, states.dtype)
    return ops.einsum("bt,bth->bh", is_real, states) / ops.cast(ends, states.dtype)


_POOLINGS: Final = {"max": _masked_max, "mean": _masked_mean}


class CalibratedAverage(keras.layers.Layer):
    """Average the logits of several models, and divide them by a temperature (Guo et al. 2017, section 4.2).

    `([probabilities float32 [B, 1], ...], token_ids int32 [B, T])` -> `float32 [B, 1]`. A temperature above 1 makes the
    probabilities less confident. The logits of 0 and 1 are infinite and might have no average, so that probabilities
    are clipped first.
    """

    def __init__(self, temperature: Temperature, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.temperature = temperature

    def call(self, probabilities: Any, token_ids: Any) -> Any:
        epsilon = keras.config.epsilon()
        clipped = [ops.clip(member, epsilon, 1 - epsilon) for member in probabilities]
        logits = [ops.log(member) - ops.log(1 - member) for member in clipped]
        return ops.sigmoid(sum(logits) / len(logits) / self._temperatures(token_ids))

    def _temperatures(self, token_ids: Any) -> Any:
        """Return what `Temperature.at` returns, `float32 [B, 1]`."""
        is_token = ops.cast(ops.not_equal(token_ids, PAD_ID), "float32")
        lengths = ops.sum(is_token, axis=1, keepdims=True)
        unknown = ops.sum(ops.cast(ops.equal(token_ids, UNKNOWN_ID), "float32"), axis=1, keepdims=True)
        logs = self.temperature.constant + self.temperature.log_length * ops.log(lengths / REFERENCE_LENGTH)
        logs += self.temperature.unknown_share * unknown / lengths
        return ops.exp(ops.clip(logs, -math.log(LARGEST), math.log(LARGEST)))


def _steps(sequence: Any) -> Any:
    """Return the step numbers `int32 [1, T]` of `sequence [B, T, ...]`."""
    return ops.expand_dims(ops.arange(ops.shape(sequence)[1], dtype="int32"), 0)
