"""One epoch of a fit, and the loss and accuracy on a part of the dataset."""

import math
from collections.abc import Mapping
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.batches import length_grouped_rows, take_batch
from imdb_sentiment.artifacts.labels import THRESHOLD
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.network.predict import predict_probabilities
from imdb_sentiment.runtime.params import ModelParams, TrainParams
from imdb_sentiment.runtime.progress import Progress, no_progress
from imdb_sentiment.training.state import FitState

AVERAGED_EVERY: Final = 10  # steps: from one to the next the weights hardly change


def fit_epoch(
    fit: FitState, sequences: Sequences, epoch: int, *, params: ModelParams, train: TrainParams, progress: Progress
) -> dict[str, float]:
    """Take one step for each batch; return the mean loss and accuracy of the epoch."""
    batches = length_grouped_rows(sequences.lengths, train.batch_size, fit.rng)
    means = _Means()
    goes_on = " (going on where the last run was stopped)" if epoch == fit.restored_epochs + 1 > 1 else ""
    with progress(f"Epoch {epoch}/{train.epochs}{goes_on}", len(batches), "batches") as task:
        for step, rows in enumerate(batches):
            share = (epoch - 1 + step / len(batches)) / train.epochs
            fit.model.optimizer.learning_rate = learning_rate_at(share, train)
            inputs, labels = take_batch(sequences, rows, trim=params.ignores_padding)
            means.add(fit.model.train_on_batch(inputs, labels, return_dict=True), len(rows))
            if step % AVERAGED_EVERY == 0:
                fit.average.add(fit.model, share)
            task.advance(note="  ".join(f"{name} {value:.4f}" for name, value in means.values().items()))
    return means.values()


def learning_rate_at(share: float, train: TrainParams) -> float:
    """Return the learning rate after a `share`, 0 to 1, of all steps.

    `cosine` falls from the full rate to 0 along half a cosine (Loshchilov, Hutter 2017, section 3).
    """
    if train.learning_rate_schedule == "constant":
        return train.learning_rate
    return train.learning_rate * (1 + math.cos(math.pi * share)) / 2


def validate(
    model: keras.Model, sequences: Sequences, params: ModelParams, progress: Progress = no_progress
) -> dict[str, float]:
    """Return the loss, without penalties, and the accuracy of `model` on a part."""
    return score(sequences.labels, predict_probabilities(model, sequences, params.ignores_padding, progress))


def score(y_true: NDArray[np.int8], y_prob: NDArray[np.float64]) -> dict[str, float]:
    """Return the loss (binary cross-entropy) and the accuracy of the probabilities `y_prob [B]`."""
    true_label_prob = np.clip(np.where(y_true == 1, y_prob, 1 - y_prob), keras.config.epsilon(), 1)
    return {
        "loss": float(-np.log(true_label_prob).mean()),
        "accuracy": float(((y_prob >= THRESHOLD) == y_true).mean()),
    }


class _Means:
    """Mean metrics over batches of different size: Keras resets its own at each `train_on_batch`."""

    def __init__(self) -> None:
        self._totals: dict[str, float] = {}
        self._reviews = 0

    def add(self, metrics: Mapping[str, Any], reviews: int) -> None:
        for name, value in metrics.items():
            self._totals[name] = self._totals.get(name, 0.0) + float(value) * reviews
        self._reviews += reviews

    def values(self) -> dict[str, float]:
        return {name: total / self._reviews for name, total in self._totals.items()}
