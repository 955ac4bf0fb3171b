"""Fitting the model: the epochs, what is shown and logged of them, and which weights are kept."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.batches import length_grouped_rows, take_batch
from imdb_sentiment.artifacts.labels import THRESHOLD
from imdb_sentiment.artifacts.sequences import Sequences, load_sequences
from imdb_sentiment.network.model import create_model
from imdb_sentiment.network.predict import predict_probabilities
from imdb_sentiment.network.saved_model import SavedModel, save_model
from imdb_sentiment.ngrams.channels import load_channels
from imdb_sentiment.runtime.errors import TrainingError
from imdb_sentiment.runtime.files import written_together
from imdb_sentiment.runtime.params import ModelParams, TrainParams
from imdb_sentiment.runtime.progress import Progress, no_progress
from imdb_sentiment.text.encoder import TextEncoder
from imdb_sentiment.training.calibration import fit_temperature
from imdb_sentiment.training.checkpoints import Checkpoint, CheckpointFolder, fingerprint_run
from imdb_sentiment.training.log import TrainingLog
from imdb_sentiment.training.state import KEPT_BY, FitState
from imdb_sentiment.vectors.cooccurrence import load_embeddings


class EpochLog(Protocol):
    """Is told how each epoch went."""

    def add_epoch(self, metrics: Mapping[str, float]) -> None:
        """Take the metrics of the next epoch, `val_` in front of the validation part's."""


AVERAGED_EVERY: Final = 10  # steps: between two of them the weights hardly move


def train_model(
    sequences: Path,
    vocabulary: Path,
    embeddings: Path,
    channels: Path,
    *,
    params: ModelParams,
    train: TrainParams,
    folder: Path,
    curves: Path,
    checkpoints: Path,
    progress: Progress = no_progress,
) -> None:
    """Create `train.members` models, fit each to the npz file `sequences` from a seed of its own, and calibrate them.

    `embeddings` and `channels` are read where the params ask for them. Written to `folder`, the curves to `curves`:
    both appear only when the fit is through. Until then the folder `checkpoints` has what a fit that was stopped needs
    to go on after its last finished epoch, and to end with the same bytes. Raises ArtifactError, OutputError or
    TrainingError.
    """
    inputs = load_inputs(sequences, vocabulary, embeddings, channels, params)
    settings = {"model": params.model_dump(), "train": train.model_dump()}
    kept = CheckpointFolder(checkpoints, fingerprint_run(inputs.parts, inputs.vectors, settings))
    with written_together(folder, curves) as (partial_folder, partial_curves):
        log = TrainingLog(partial_curves)
        members = [
            fit_member(
                inputs,
                params=params,
                train=train,
                number=number,
                log=log,
                checkpoint=kept.of_member(number),
                progress=progress,
            )
            for number in range(train.members)
        ]
        trained = SavedModel(members, inputs.vocabulary_size, params, train)
        validation = inputs.parts["validation"]
        y_prob = predict_probabilities(trained.whole(), validation, params.ignore_padding, progress)
        temperature = fit_temperature(validation.labels, y_prob)
        log.end({"validation_accuracy": _scores(validation.labels, y_prob)["accuracy"], "temperature": temperature})
        save_model(replace(trained, temperature=temperature), partial_folder)
    kept.remove()


@dataclass(frozen=True)
class Inputs:
    """What a fit reads: the parts, the number of tokens, and the vectors `float32 [V, E]` to begin with, if any."""

    parts: dict[str, Sequences]
    vocabulary_size: int
    vectors: NDArray[np.float32] | None


def load_inputs(sequences: Path, vocabulary: Path, embeddings: Path, channels: Path, params: ModelParams) -> Inputs:
    """Read what the model of `params` is fitted to; of the files, those that it needs. Raises ArtifactError."""
    vocabulary_size = TextEncoder.load(vocabulary).vocabulary_size
    parts = load_sequences(sequences, vocabulary_size)
    vectors = None
    if params.pretrained_embeddings:
        vectors = load_embeddings(embeddings, vocabulary_size, params.embedding_dim)
    if params.architecture == "polarity":
        polarity = load_channels(channels, parts)
        parts = {part: replace(its, polarity=polarity[part]) for part, its in parts.items()}
    return Inputs(parts, vocabulary_size, vectors)


def fit_member(
    inputs: Inputs,
    *,
    params: ModelParams,
    train: TrainParams,
    number: int,
    log: EpochLog | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress = no_progress,
) -> keras.Model:
    """Return the member of this `number`, counted from 0 and added to the seed, fitted."""
    train = train.model_copy(update={"seed": (train.seed + number) % 2**32})  # seeds end there
    make_reproducible(train.seed)
    model = create_model(inputs.vocabulary_size, params, train)
    if inputs.vectors is not None:
        model.get_layer("embedding").set_weights([inputs.vectors])
    split_and_fit_dataset(model, inputs.parts, params, train, log=log, checkpoint=checkpoint, progress=progress)
    return model


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
    log: EpochLog | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress = no_progress,
) -> dict[str, list[float]]:
    """Fit `model` on the train part and leave it with the weights of best validation accuracy.

    Those of an epoch, or with `train.averaged_share` the mean of the weights along that last share of the steps
    (Izmailov et al. 2018). The name is the recipe's, which split here; `sequences` come split from
    `preprocess_text_data`, and their test part is not touched. With a `checkpoint` it goes on after the last epoch that
    was finished there. Returns the history (`loss`, `accuracy`, `val_loss`, `val_accuracy`, a number an epoch). Raises
    TrainingError if the loss is no longer a number.

    A loop of batches and not `model.fit`: on TensorFlow, `fit` takes the shape of the first batches for that of all,
    and fails at a longer one if those happen to be equally long.
    """
    fit = FitState(model, train)
    if checkpoint is not None and fit.restore(checkpoint) and log is not None:
        for metrics in fit.epochs:
            log.add_epoch(metrics)
    for epoch in range(len(fit.epochs) + 1, train.epochs + 1):
        metrics = fit_epoch(fit, sequences["train"], epoch, params=params, train=train, progress=progress)
        validation = validate(model, sequences["validation"], params, progress)
        metrics |= {f"val_{name}": value for name, value in validation.items()}
        _check_finite(metrics, epoch, train)
        fit.end_epoch(metrics)
        if log is not None:
            log.add_epoch(metrics)
        if checkpoint is not None:
            fit.save(checkpoint)
    _take_best(fit, sequences["validation"], params, progress)
    return {name: [metrics[name] for metrics in fit.epochs] for name in fit.epochs[-1]}


def _take_best(fit: FitState, validation: Sequences, params: ModelParams, progress: Progress) -> None:
    """Give the model the mean of its weights if that validates better than each epoch did, or else the best epoch's."""
    if fit.average.weights is not None:
        fit.model.set_weights(fit.average.weights)
        if validate(fit.model, validation, params, progress)[KEPT_BY.removeprefix("val_")] > fit.kept_score:
            return
    fit.model.set_weights(fit.kept_weights)


def fit_epoch(
    fit: FitState, sequences: Sequences, epoch: int, *, params: ModelParams, train: TrainParams, progress: Progress
) -> dict[str, float]:
    """Take one step a batch; return the mean loss and accuracy of the epoch."""
    batches = length_grouped_rows(sequences.lengths, train.batch_size, fit.rng)
    means = _Means()
    with progress(f"Epoch {epoch}/{train.epochs}", len(batches), "batches") as task:
        for step, rows in enumerate(batches):
            share = (epoch - 1 + step / len(batches)) / train.epochs
            fit.model.optimizer.learning_rate = learning_rate_at(share, train)
            inputs, labels = take_batch(sequences, rows, trim=params.ignore_padding)
            means.add(fit.model.train_on_batch(inputs, labels, return_dict=True), len(rows))
            if step % AVERAGED_EVERY == 0:
                fit.average.add(fit.model, share)
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
    """Return the loss, without penalties, and the accuracy of `model` on a part."""
    return _scores(sequences.labels, predict_probabilities(model, sequences, params.ignore_padding, progress))


def _scores(y_true: NDArray[np.int8], y_prob: NDArray[np.float64]) -> dict[str, float]:
    of_truth = np.clip(np.where(y_true == 1, y_prob, 1 - y_prob), keras.config.epsilon(), 1)
    return {"loss": float(-np.log(of_truth).mean()), "accuracy": float(((y_prob >= THRESHOLD) == y_true).mean())}


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
