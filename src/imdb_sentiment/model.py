"""The plain LSTM classifier, and the folder that keeps a trained one."""

from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from imdb_sentiment.errors import ArtifactError
from imdb_sentiment.layers import MaskedPooling, ReverseSequence, SequenceLength, WordDropout
from imdb_sentiment.params import ModelParams, TrainParams, check
from imdb_sentiment.storage import read_json, read_npz, write_json, write_npz

# A `.keras` file holds the time at which it was saved, so that equal models would differ; these two do not.
SETTINGS_NAME: Final = "model.json"
WEIGHTS_NAME: Final = "weights.npz"


def create_baseline_model(vocabulary_size: int, params: ModelParams, train: TrainParams) -> keras.Model:
    """Return the compiled model Embedding -> LSTM -> Dropout -> one sigmoid unit.

    It takes `token_ids int32 [B, T]`, padded on the right, and gives `probabilities float32 [B, 1]` of the positive
    class. Binary cross-entropy, accuracy, the optimizer and learning rate of `train`. How much padding a batch has
    changes no probability, unless `params.ignore_padding` is off.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    lengths = SequenceLength(params.ignore_padding, name="lengths")(token_ids)
    words = WordDropout(params.word_dropout_rate, name="word_dropout")(token_ids)
    states = layers.Embedding(vocabulary_size, params.embedding_dim, name="embedding")(words)
    states = layers.SpatialDropout1D(params.embedding_dropout_rate, name="embedding_dropout")(states)
    for layer in range(params.lstm_layers):
        states = _lstm(states, lengths, params, name=f"lstm_{layer + 1}")
    pooled = MaskedPooling(params.pooling, name="pooling")(states, lengths)
    dropped = layers.Dropout(params.dropout_rate, name="dropout")(pooled)
    probabilities = layers.Dense(1, activation="sigmoid", kernel_regularizer=_penalty(params), name="sentiment")(
        dropped
    )
    result = keras.Model(token_ids, probabilities, name="baseline")
    optimizer = keras.optimizers.get({"class_name": train.optimizer, "config": {"learning_rate": train.learning_rate}})
    result.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    return result


def _lstm(states: Any, lengths: Any, params: ModelParams, name: str) -> Any:
    """Return the states `[B, T, H]` of one layer, or `[B, T, 2 H]` if it reads in both directions."""

    def layer(suffix: str) -> layers.LSTM:
        return layers.LSTM(
            params.lstm_units,
            activation=params.activation,
            kernel_regularizer=_penalty(params),
            return_sequences=True,
            name=f"{name}_{suffix}",
        )

    forward = layer("forward")(states)
    if not params.bidirectional:
        return forward
    reverse = ReverseSequence(name=f"{name}_reverse")
    backward = reverse(layer("backward")(reverse(states, lengths)), lengths)
    return layers.Concatenate(name=f"{name}_both")([forward, backward])


def _penalty(params: ModelParams) -> keras.regularizers.Regularizer | None:
    # None, not a penalty of zero: that would still be computed for every weight.
    return keras.regularizers.L1L2(params.l1, params.l2) if params.l1 or params.l2 else None


def save_model(model: keras.Model, vocabulary_size: int, params: ModelParams, train: TrainParams, folder: Path) -> None:
    """Write the weights and what `load_model` needs to build the layers into `folder`."""
    settings = {"vocabulary_size": vocabulary_size, "model": params.model_dump(), "train": train.model_dump()}
    write_json(settings, folder / SETTINGS_NAME)
    write_npz({weight.path: np.asarray(weight) for weight in model.weights}, folder / WEIGHTS_NAME)


def load_model(folder: Path) -> tuple[keras.Model, ModelParams, int]:
    """Return what `save_model` wrote: the model, its params and its vocabulary size. Raises ArtifactError."""
    settings_path, weights_path = folder / SETTINGS_NAME, folder / WEIGHTS_NAME
    settings = read_json(settings_path)
    vocabulary_size = settings.get("vocabulary_size")
    if type(vocabulary_size) is not int or vocabulary_size < 1:
        raise ArtifactError(settings_path, f"vocabulary_size {vocabulary_size!r}", "a whole number of at least 1")
    params = check(settings.get("model"), ModelParams, f"{settings_path}: model")
    train = check(settings.get("train"), TrainParams, f"{settings_path}: train")
    weights = read_npz(weights_path)
    model = create_baseline_model(settings["vocabulary_size"], params, train)
    for weight in model.weights:
        weight.assign(_checked(weights.get(weight.path), weight, weights_path))
    return model, params, settings["vocabulary_size"]


def _checked(found: NDArray[Any] | None, weight: Any, path: Path) -> NDArray[Any]:
    if found is None or found.shape != weight.shape:
        shape = "nothing" if found is None else found.shape
        raise ArtifactError(path, f"{shape} for {weight.path}", f"the shape {weight.shape}")
    if found.dtype != weight.dtype or not np.isfinite(found).all():
        raise ArtifactError(path, f"{found.dtype} for {weight.path}, or no numbers", f"finite {weight.dtype}")
    return found
