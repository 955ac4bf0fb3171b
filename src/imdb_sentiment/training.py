"""Fitting the model: the epochs, what is shown and logged of them, and which one is kept."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from imdb_sentiment.batches import length_grouped_rows, take_batch
from imdb_sentiment.encoding import TextEncoder
from imdb_sentiment.errors import TrainingError
from imdb_sentiment.model import create_baseline_model, save_model
from imdb_sentiment.params import ModelParams, TrainParams
from imdb_sentiment.progress import Progress, no_progress
from imdb_sentiment.sequences import Sequences, load_sequences
from imdb_sentiment.storage import written_together
from imdb_sentiment.training_log import TrainingLog

VALIDATION_BATCH_SIZE: Final = 256
KEPT_BY: Final = "val_accuracy"  # the score of the epoch that is kept, the first of equals


def train_baseline_model(
    sequences: Path,
    vocabulary: Path,
    params: ModelParams,
    train: TrainParams,
    *,
    folder: Path,
    curves: Path,
    progress: Progress = no_progress,
) -> None:
    """Create the baseline model, fit it to the npz file `sequences`, and write it to `folder`, its curves to `curves`.

    Both appear only when the fit is through. Raises ArtifactError, OutputError or TrainingError.
    """
    vocabulary_size = TextEncoder.load(vocabulary).vocabulary_size
    parts = load_sequences(sequences, vocabulary_size)
    make_reproducible(train.seed)
    model = create_baseline_model(vocabulary_size, params, train)
    with written_together(folder, curves) as (partial_folder, partial_curves):
        split_and_fit_dataset(model, parts, params, train, curves=partial_curves, progress=progress)
        save_model(model, vocabulary_size, params, train, partial_folder)


def make_reproducible(seed: int) -> None:
    """Seed every generator, and have sums taken in the same order each time.

    Call it before the model is created: its weights are drawn from the seed too.
    """
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        # Only TensorFlow sums the gradients of an embedding's rows in whatever order its threads finish.
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def split_and_fit_dataset(
    model: keras.Model,
    sequences: Mapping[str, Sequences],
    params: ModelParams,
    train: TrainParams,
    *,
    curves: Path | None = None,
    progress: Progress = no_progress,
) -> dict[str, list[float]]:
    """Fit `model` on the train part and leave it with the weights of the epoch of best validation accuracy.

    The name is the recipe's, which split here; `sequences` come split from `preprocess_text_data`, and their test part
    is not touched. Returns the history (`loss`, `accuracy`, `val_loss`, `val_accuracy`, a number an epoch); with
    `curves`, dvclive writes it there, too. Raises TrainingError if the loss is no longer a number.

    A loop of batches and not `model.fit`: on TensorFlow, `fit` takes the shape of the first batches for that of all,
    and fails at a longer one if those happen to be equally long.
    """
    log = TrainingLog(curves) if curves is not None else None
    rng = np.random.default_rng(train.seed)
    history: dict[str, list[float]] = {}
    kept_epoch, kept_weights = 0, model.get_weights()
    for epoch in range(1, train.epochs + 1):
        metrics = _fit_epoch(model, sequences["train"], epoch, params=params, train=train, rng=rng, progress=progress)
        validation = validate(model, sequences["validation"], params, progress)
        metrics |= {f"val_{name}": value for name, value in validation.items()}
        _check_finite(metrics, epoch, train)
        for name, value in metrics.items():
            history.setdefault(name, []).append(value)
        if log is not None:
            log.add_epoch(epoch, metrics)
        if kept_epoch == 0 or history[KEPT_BY][-1] > history[KEPT_BY][kept_epoch - 1]:
            kept_epoch, kept_weights = epoch, model.get_weights()
    model.set_weights(kept_weights)
    if log is not None:
        log.end(kept_epoch, history[KEPT_BY][kept_epoch - 1])
    return history


def _fit_epoch(
    model: keras.Model,
    sequences: Sequences,
    epoch: int,
    *,
    params: ModelParams,
    train: TrainParams,
    rng: np.random.Generator,
    progress: Progress,
) -> dict[str, float]:
    """Take one step a batch; return the mean loss and accuracy of the epoch."""
    batches = length_grouped_rows(sequences.lengths, train.batch_size, rng)
    means = _Means()
    with progress(f"Epoch {epoch}/{train.epochs}", len(batches), "batches") as task:
        for step, rows in enumerate(batches):
            share = (epoch - 1 + step / len(batches)) / train.epochs
            model.optimizer.learning_rate = learning_rate_at(share, train)
            token_ids, labels = take_batch(sequences, rows, trim=params.ignore_padding)
            means.add(model.train_on_batch(token_ids, labels, return_dict=True), len(rows))
            task.advance(note=_note(means.values()))
    return means.values()


def learning_rate_at(share: float, train: TrainParams) -> float:
    """Return the learning rate after a `share`, 0 to 1, of all steps.

    `cosine` goes from the full rate down to 0 along half a cosine (Loshchilov, Hutter 2017, section 3).
    """
    if train.learning_rate_schedule == "constant":
        return train.learning_rate
    return train.learning_rate * (1 + math.cos(math.pi * share)) / 2


def validate(
    model: keras.Model, sequences: Sequences, params: ModelParams, progress: Progress = no_progress
) -> dict[str, float]:
    """Return the loss and accuracy of `model` on a part."""
    means = _Means()
    batches = length_grouped_rows(sequences.lengths, VALIDATION_BATCH_SIZE)
    with progress("Validating", len(batches), "batches") as task:
        for rows in batches:
            model.reset_metrics()
            token_ids, labels = take_batch(sequences, rows, trim=params.ignore_padding)
            means.add(model.test_on_batch(token_ids, labels, return_dict=True), len(rows))
            task.advance(note=_note(means.values()))
    return means.values()


class _Means:
    """Mean metrics over batches of different size: Keras's own begin anew at each `train_on_batch`."""

    def __init__(self) -> None:
        self._totals: dict[str, float] = {}
        self._reviews = 0

    def add(self, metrics: Mapping[str, Any], reviews: int) -> None:
        for name, value in metrics.items():
            self._totals[name] = self._totals.get(name, 0.0) + float(value) * reviews
        self._reviews += reviews

    def values(self) -> dict[str, float]:
        return {name: total / self._reviews for name, total in self._totals.items()}


def _check_finite(metrics: Mapping[str, float], epoch: int, train: TrainParams) -> None:
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"epoch {epoch}: found the {name} {value}; expected a number: "
                f"a train.learning_rate below {train.learning_rate:g} may keep it one"
            )


def _note(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
