"""The two LSTM classifiers: the recipe's plain one, and the one with segments and polarity channels."""

from typing import Any

import keras
from keras import layers

from imdb_sentiment.artifacts.polarity import CHANNELS
from imdb_sentiment.network.layers import (
    DistinctEmbedding,
    JoinSegments,
    MaskedPooling,
    PolarityScores,
    SequenceLength,
    SplitSegments,
    WordDropout,
)
from imdb_sentiment.network.lstm import RowwiseLSTM
from imdb_sentiment.runtime.params import ModelParams, TrainParams


def create_model(vocabulary_size: int, params: ModelParams, train: TrainParams) -> keras.Model:
    """Return the compiled model of `params.architecture`."""
    create = create_polarity_model if params.architecture == "polarity" else create_baseline_model
    return create(vocabulary_size, params, train)


def create_baseline_model(vocabulary_size: int, params: ModelParams, train: TrainParams) -> keras.Model:
    """Return the recipe's model, the architecture `plain`: Embedding -> LSTM -> Dropout -> one sigmoid unit, compiled.

    It takes `token_ids int32 [B, T]`, padded on the right, and gives `probabilities float32 [B, 1]` of the positive
    class. Binary cross-entropy, accuracy, the optimizer and learning rate of `train`. The amount of padding in a batch
    has no effect, unless `params.plain.ignore_padding` is off.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    lengths = SequenceLength(params.plain.ignore_padding, name="lengths")(token_ids)
    states = _embed(token_ids, vocabulary_size, params)
    for number in range(1, params.lstm_layers + 1):
        states = _lstm(params, number)(states, lengths)
    pooled = MaskedPooling(params.pooling, name="pooling")(states, lengths)
    dropped = layers.Dropout(params.dropout_rate, name="dropout")(pooled)
    return _compiled(keras.Model({"token_ids": token_ids}, _sentiment(dropped, params), name="plain"), train)


def create_polarity_model(vocabulary_size: int, params: ModelParams, train: TrainParams) -> keras.Model:
    """Return the model whose LSTM reads segments of a review, each word with its n-gram polarity, compiled.

    It takes `token_ids int32 [B, T]` and `polarity float32 [B, T, 6]` (see `PolarityTable.channels`), and gives
    `probabilities float32 [B, 1]` as the plain model does. The states of all segments are pooled together; with
    `params.polarity.scores` the sigmoid unit also gets the sums of the polarity.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    polarity = keras.Input((None, CHANNELS), dtype="float32", name="polarity")
    lengths = SequenceLength(name="lengths")(token_ids)
    split = SplitSegments(params.polarity.segment_length, name="split_segments")
    segment_lengths = SequenceLength(name="segment_lengths")(split(token_ids))
    inputs = split(polarity if params.polarity.inputs else polarity[..., :0])
    if params.embedding_dropout_rate:
        # The dropped dimensions differ by review, so equal words of two reviews are no longer equal inputs.
        words = split(_embed(token_ids, vocabulary_size, params))
        states = _lstm(params, 1)(layers.Concatenate(name="words_and_polarity")([words, inputs]), segment_lengths)
    else:
        embedding = DistinctEmbedding(
            vocabulary_size, params.embedding_dim, trainable=params.trainable_embeddings, name="embedding"
        )
        vectors, places = embedding(_drop_words(token_ids, params))
        states = _lstm(params, 1)(inputs, segment_lengths, vectors, split(places))
    for number in range(2, params.lstm_layers + 1):
        states = _lstm(params, number)(states, segment_lengths)
    states = JoinSegments(name="join_segments")(states, token_ids)
    pooled = MaskedPooling(params.pooling, name="pooling")(states, lengths)
    features = layers.Dropout(params.dropout_rate, name="dropout")(pooled)
    if params.polarity.scores:
        scores = PolarityScores(name="polarity_scores")(polarity, lengths)
        features = layers.Concatenate(name="features")([features, scores])
    model = keras.Model({"token_ids": token_ids, "polarity": polarity}, _sentiment(features, params), name="polarity")
    return _compiled(model, train)


def _embed(token_ids: Any, vocabulary_size: int, params: ModelParams) -> Any:
    embedding = layers.Embedding(
        vocabulary_size, params.embedding_dim, trainable=params.trainable_embeddings, name="embedding"
    )
    words = embedding(_drop_words(token_ids, params))
    return layers.SpatialDropout1D(params.embedding_dropout_rate, name="embedding_dropout")(words)


def _drop_words(token_ids: Any, params: ModelParams) -> Any:
    return WordDropout(params.word_dropout_rate, name="word_dropout")(token_ids)


def _lstm(params: ModelParams, number: int) -> RowwiseLSTM:
    return RowwiseLSTM(
        params.lstm_units,
        activation=params.activation,
        bidirectional=params.bidirectional,
        penalty=_penalty(params),
        name=f"lstm_{number}",
    )


def _sentiment(features: Any, params: ModelParams) -> Any:
    return layers.Dense(1, activation="sigmoid", kernel_regularizer=_penalty(params), name="sentiment")(features)


def _penalty(params: ModelParams) -> keras.regularizers.Regularizer | None:
    # None, not a penalty of zero: that would still be computed for every weight.
    return keras.regularizers.L1L2(params.l1, params.l2) if params.l1 or params.l2 else None


def _compiled(model: keras.Model, train: TrainParams) -> keras.Model:
    config = {"learning_rate": train.learning_rate, "global_clipnorm": train.clip_norm or None}
    optimizer = keras.optimizers.get({"class_name": train.optimizer, "config": config})
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    return model
