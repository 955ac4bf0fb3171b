"""One pass over the same reviews by this project's training, and by what people would write instead.

The sizes are those of the params: what the layers are called, how many units they have, the optimizer and the rate.

- ours: the product's own epoch, batches of like length, no padding but within a batch.
- stock: Keras layers alone, `fit` on arrays padded to max_length, as Keras's guides have it. Keras decides on XLA.
- whole: the same, but the LSTM reads each review in one piece, not in segments: what a tutorial would build.
- swapped: this project's training with Keras's LSTM in the place of its own layer, as on other devices.
- torch_padded: PyTorch on the arrays that `stock` gets; torch_grouped: in the batches that `ours` gets.

Theirs pool over padding as well, which costs them nothing and spares them masks.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.batches import length_grouped_rows, take_batch
from imdb_sentiment.artifacts.sequences import Sequences, load_sequences
from imdb_sentiment.ngrams.channels import load_channels
from imdb_sentiment.runtime.params import Params
from imdb_sentiment.text.encoder import UNKNOWN_ID, TextEncoder
from imdb_sentiment.vectors.cooccurrence import load_embeddings

SEED: Final = 0
WARM_UP: Final = 5  # batches: what is compiled at the first is not the work


class Pass(NamedTuple):
    """One pass: the seconds, and the mean loss on the way."""

    seconds: float
    loss: float


class Task(NamedTuple):
    """What all fit: some reviews, padded to max_length, and the vectors `float32 [V, E]` to begin with, if any."""

    reviews: Sequences
    warm_up: Sequences
    vectors: NDArray[np.float32] | None
    vocabulary_size: int
    params: Params


def load_task(params: Params, data: Path, batches: int) -> Task:
    """Return a task of so many batches of random reviews of the train part, as long as the params allow."""
    # Not by training.load_inputs: PyTorch and TensorFlow do not get on in one process.
    vocabulary_size = TextEncoder.load(data / "vocabulary.json").vocabulary_size
    parts = load_sequences(data / "sequences.npz", vocabulary_size)
    vectors, polarity = None, None
    if params.model.pretrained_embeddings:
        vectors = load_embeddings(data / "embeddings.npz", vocabulary_size, params.model.embedding_dim)
    if params.model.architecture == "polarity":
        polarity = load_channels(data / "channels.npz", parts)["train"]
    # A model of the plain variant takes a part of what the default's stages have made.
    vocabulary_size = min(vocabulary_size, params.preprocess.vocabulary_size)
    train, rng = replace(parts["train"], polarity=polarity), np.random.default_rng(SEED)
    rows = rng.permutation(len(train))[: (batches + WARM_UP) * params.train.batch_size]
    cut = _cut(train, rows, vocabulary_size, params.preprocess.max_length)
    border = WARM_UP * params.train.batch_size
    warm_up, reviews = (_take(cut, its) for its in (slice(0, border), slice(border, None)))
    return Task(reviews, warm_up, vectors, vocabulary_size, params)


def _cut(its: Sequences, rows: NDArray[Any], vocabulary_size: int, max_length: int) -> Sequences:
    token_ids = its.token_ids[rows, :max_length]
    polarity = None if its.polarity is None else its.polarity[rows, :max_length]
    known = np.where(token_ids < vocabulary_size, token_ids, UNKNOWN_ID)
    lengths = np.minimum(its.lengths[rows], max_length)
    return replace(its, token_ids=known, lengths=lengths, labels=its.labels[rows], polarity=polarity)


def _take(its: Sequences, rows: slice) -> Sequences:
    polarity = None if its.polarity is None else its.polarity[rows]
    return replace(
        its, token_ids=its.token_ids[rows], lengths=its.lengths[rows], labels=its.labels[rows], polarity=polarity
    )


def ours(task: Task, *, swapped: bool = False) -> Pass:
    """Fit one epoch as the stage train does."""
    from imdb_sentiment.network.lstm import RowwiseLSTM
    from imdb_sentiment.network.model import create_model
    from imdb_sentiment.runtime.progress import no_progress
    from imdb_sentiment.training.fit import fit_epoch, make_reproducible
    from imdb_sentiment.training.state import FitState

    params = task.params
    make_reproducible(SEED)
    model = create_model(task.vocabulary_size, params.model, params.train)
    for layer in model.layers:
        if isinstance(layer, RowwiseLSTM) and swapped:
            layer.is_fast = False
    if task.vectors is not None:
        model.get_layer("embedding").set_weights([task.vectors])
    fit = FitState(model, params.train)
    epoch = partial(fit_epoch, fit, epoch=1, params=params.model, train=params.train, progress=no_progress)
    epoch(task.warm_up)
    start = time.perf_counter()
    metrics = epoch(task.reviews)
    return Pass(time.perf_counter() - start, metrics["loss"])


def stock(task: Task, *, segments: bool) -> Pass:
    """Fit one epoch by Keras's own layers and its `fit`."""
    import keras

    keras.utils.set_random_seed(SEED)
    model = _stock_model(task, segments)
    batch_size = task.params.train.batch_size

    def fit(its: Sequences) -> float:
        inputs, labels = take_batch(its, np.arange(len(its)), trim=False)
        return float(model.fit(inputs, labels, batch_size=batch_size, epochs=1, verbose=0).history["loss"][0])

    fit(task.warm_up)
    start = time.perf_counter()
    loss = fit(task.reviews)
    return Pass(time.perf_counter() - start, loss)


def _stock_model(task: Task, segments: bool) -> Any:
    import keras
    from keras import layers, ops

    its, train, length = task.params.model, task.params.train, task.params.preprocess.max_length
    token_ids = keras.Input((length,), dtype="int32", name="token_ids")
    inputs = {"token_ids": token_ids}
    embedding = layers.Embedding(task.vocabulary_size, its.embedding_dim, trainable=its.trainable_embeddings)
    words = layers.SpatialDropout1D(its.embedding_dropout_rate)(embedding(token_ids))
    if task.vectors is not None:
        embedding.set_weights([task.vectors])
    is_segmented = its.architecture == "polarity"
    if is_segmented:
        inputs["polarity"] = keras.Input((length, 6), name="polarity")
        words = layers.Concatenate()([words, inputs["polarity"]])
    if is_segmented and segments:
        words = ops.reshape(words, (-1, its.segment_length, words.shape[2]))
    lstm: Any = layers.LSTM(its.lstm_units, activation=its.activation, return_sequences=True)
    states = (layers.Bidirectional(lstm) if its.bidirectional else lstm)(words)
    if is_segmented and segments:
        states = ops.reshape(states, (-1, length, states.shape[2]))
    pooled = [layers.GlobalMaxPooling1D()(states)]
    if its.pooling == "max_mean":
        pooled.append(layers.GlobalAveragePooling1D()(states))
    features = layers.Dropout(its.dropout_rate)(layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0])
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(features))
    optimizer = keras.optimizers.Adam(train.learning_rate, global_clipnorm=train.clip_norm or None)
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    return model


def torch(task: Task, *, grouped: bool) -> Pass:
    """Fit one epoch by PyTorch's `nn.LSTM`."""
    import torch as pytorch

    pytorch.manual_seed(SEED)
    model = _torch_model(task)
    train = task.params.train
    optimizer = pytorch.optim.Adam(
        [weight for weight in model.parameters() if weight.requires_grad], train.learning_rate
    )
    loss_of = pytorch.nn.BCEWithLogitsLoss()
    rng = np.random.default_rng(SEED)

    def fit(reviews: Sequences) -> float:
        lengths = reviews.lengths if grouped else np.full(len(reviews), 1, np.int32)
        total = 0.0
        for rows in length_grouped_rows(lengths, train.batch_size, rng):
            inputs, labels = take_batch(reviews, rows, trim=grouped)
            tensors = {name: pytorch.from_numpy(np.ascontiguousarray(array)) for name, array in inputs.items()}
            optimizer.zero_grad()
            loss = loss_of(model(**tensors), pytorch.from_numpy(labels))
            loss.backward()
            if train.clip_norm:
                pytorch.nn.utils.clip_grad_norm_(model.parameters(), train.clip_norm)
            optimizer.step()
            total += float(loss) * len(rows)
        return total / len(reviews)

    model.train()
    fit(task.warm_up)
    start = time.perf_counter()
    loss = fit(task.reviews)
    return Pass(time.perf_counter() - start, loss)


def _torch_model(task: Task) -> Any:
    import torch
    from torch import nn

    its = task.params.model
    is_segmented = its.architecture == "polarity"
    directions = 2 if its.bidirectional else 1
    poolings = 2 if its.pooling == "max_mean" else 1

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(task.vocabulary_size, its.embedding_dim)
            if task.vectors is not None:
                self.embedding.weight.data.copy_(torch.from_numpy(task.vectors))
            self.embedding.weight.requires_grad = its.trainable_embeddings
            self.words_dropout, self.dropout = nn.Dropout1d(its.embedding_dropout_rate), nn.Dropout(its.dropout_rate)
            width = its.embedding_dim + (6 if is_segmented else 0)
            self.lstm = nn.LSTM(width, its.lstm_units, batch_first=True, bidirectional=its.bidirectional)
            self.sentiment = nn.Linear(its.lstm_units * directions * poolings, 1)

        def forward(self, token_ids: Any, polarity: Any = None) -> Any:
            words = self.words_dropout(self.embedding(token_ids).transpose(1, 2)).transpose(1, 2)
            if polarity is not None:
                words = torch.cat([words, polarity], 2)
            batch, steps, width = words.shape
            if is_segmented:
                filled = nn.functional.pad(words, (0, 0, 0, -steps % its.segment_length))
                words = filled.reshape(-1, its.segment_length, width)
            states = self.lstm(words)[0]
            states = states.reshape(batch, -1, states.shape[2])
            pooled = [states.amax(1)] + ([states.mean(1)] if poolings == 2 else [])
            return self.sentiment(self.dropout(torch.cat(pooled, 1)))

    return Model()


PEERS: Final[dict[str, Callable[[Task], Pass]]] = {
    "ours": ours,
    "swapped": partial(ours, swapped=True),
    "stock": partial(stock, segments=True),
    "whole": partial(stock, segments=False),
    "torch_padded": partial(torch, grouped=False),
    "torch_grouped": partial(torch, grouped=True),
}
