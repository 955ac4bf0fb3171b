"""Fitting the members of an ensemble, and choosing the weights that are kept."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import keras
import numpy as np

from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.network.model import create_model
from imdb_sentiment.network.saved_model import SavedModel
from imdb_sentiment.runtime.errors import TrainingError
from imdb_sentiment.runtime.params import ModelParams, TrainParams
from imdb_sentiment.runtime.progress import Progress, no_progress
from imdb_sentiment.training.calibration import Scored, cut_pieces, fit_temperature
from imdb_sentiment.training.checkpoints import Checkpoint, Checkpoints
from imdb_sentiment.training.dataset import Dataset
from imdb_sentiment.training.epoch import fit_epoch, score, validate
from imdb_sentiment.training.memory import check_memory
from imdb_sentiment.training.pieces import find_ends
from imdb_sentiment.training.state import KEPT_BY, FitState

OnEpoch = Callable[[Mapping[str, float]], None]  # gets the metrics of each epoch, those of validation named `val_...`


@dataclass(frozen=True)
class History:
    """How one member's fit went.

    epochs: loss, accuracy, val_loss and val_accuracy of each; kept_epoch: the one whose weights were kept, counted from
    1, or None for an average of weights; kept: their loss and accuracy on the validation part.
    """

    epochs: list[dict[str, float]]
    kept_epoch: int | None
    kept: dict[str, float]


@dataclass(frozen=True)
class FittedEnsemble:
    """The calibrated model, each member's history, and the ensemble's loss and accuracy on the validation part."""

    model: SavedModel
    histories: list[History]
    validation: dict[str, float]


def split_and_fit_dataset(
    dataset: Dataset,
    params: ModelParams,
    train: TrainParams,
    *,
    checkpoints: Checkpoints | None = None,
    progress: Progress = no_progress,
) -> FittedEnsemble:
    """Fit each member to the train part, keep its best epoch by the validation part, and calibrate their average.

    The name is that of the recipe, which splits at this point. In this pipeline `preprocess_text_data` splits, because
    the vocabulary is learned from the train part alone; the test part is not used here. With `checkpoints`, a fit that
    was stopped continues after its last finished epoch and ends with the same bytes. Raises TrainingError if the loss
    is no longer a number, and ParamsError if the ensemble does not fit into the memory.
    """
    check_memory(dataset.vocabulary_size, params, train.optimizer, train.members)
    members, histories = [], []
    for number in range(train.members):
        checkpoint = checkpoints.member(number) if checkpoints else None
        model, history = fit_member(dataset, params, train, number=number, checkpoint=checkpoint, progress=progress)
        members.append(model)
        histories.append(history)
    ensemble = SavedModel(members, dataset.vocabulary_size, params, train)
    validation = dataset.parts["validation"]
    y_prob = ensemble.predict(validation, progress)
    scored = Scored(validation.labels, y_prob, validation.token_ids)
    if params.ignores_padding:
        pieces = cut_pieces(validation, find_ends(dataset.tokens), train.seed)
        temperature = fit_temperature(
            scored, Scored(pieces.labels, ensemble.predict(pieces, progress), pieces.token_ids)
        )
    else:  # all texts are equally long to such a model
        temperature = fit_temperature(scored)
    return FittedEnsemble(replace(ensemble, temperature=temperature), histories, score(validation.labels, y_prob))


def fit_member(
    dataset: Dataset,
    params: ModelParams,
    train: TrainParams,
    *,
    number: int,
    on_epoch: OnEpoch | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress = no_progress,
) -> tuple[keras.Model, History]:
    """Return the fitted member of this `number`, counted from 0 and added to the seed, and its history.

    Raises as `split_and_fit_dataset` does.
    """
    check_memory(dataset.vocabulary_size, params, train.optimizer, number + 1)
    train = train.model_copy(update={"seed": (train.seed + number) % 2**32})  # the largest seed is 2**32 - 1
    make_reproducible(train.seed)
    model = create_model(dataset.vocabulary_size, params, train)
    if dataset.vectors is not None:
        model.get_layer("embedding").set_weights([dataset.vectors])
    return model, fit_model(
        model, dataset.parts, params, train, on_epoch=on_epoch, checkpoint=checkpoint, progress=progress
    )


def make_reproducible(seed: int) -> None:
    """Seed every random generator, and make TensorFlow add numbers in the same order in each run.

    Call it before the model is created: its initial weights depend on the seed too.
    """
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        # Only TensorFlow adds the gradients of an embedding's rows in the order in which its threads finish.
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def fit_model(
    model: keras.Model,
    parts: Mapping[str, Sequences],
    params: ModelParams,
    train: TrainParams,
    *,
    on_epoch: OnEpoch | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress = no_progress,
) -> History:
    """Fit `model` to the train part, and give it the weights with the best validation accuracy.

    These are the weights of an epoch or, with `train.averaged_share`, the mean of the weights along that last share of
    the steps (Izmailov et al. 2018). Raises TrainingError if the loss is no longer a number.

    A loop over batches and not `model.fit`: on TensorFlow, `fit` takes the shape of the first batches for the shape of
    all, and fails at a longer one if the first happen to be equally long.
    """
    fit = FitState(model, train)
    if checkpoint is not None and fit.restore(checkpoint) and on_epoch is not None:
        for metrics in fit.epochs:
            on_epoch(metrics)
    for epoch in range(len(fit.epochs) + 1, train.epochs + 1):
        metrics = fit_epoch(fit, parts["train"], epoch, params=params, train=train, progress=progress)
        validation = validate(model, parts["validation"], params, progress)
        metrics |= {f"val_{name}": value for name, value in validation.items()}
        _check_finite(metrics, epoch, train)
        fit.end_epoch(metrics)
        if on_epoch is not None:
            on_epoch(metrics)
        if checkpoint is not None:
            fit.save(checkpoint)
    return _keep_best(fit, parts["validation"], params, progress)


def _keep_best(fit: FitState, validation: Sequences, params: ModelParams, progress: Progress) -> History:
    """Give the model the mean of its weights if that is more accurate than every epoch, else the best epoch's."""
    if fit.average.weights is not None:
        fit.model.set_weights(fit.average.weights)
        averaged = validate(fit.model, validation, params, progress)
        if averaged[KEPT_BY.removeprefix("val_")] > fit.kept_score:
            return History(fit.epochs, None, averaged)
    fit.model.set_weights(fit.kept_weights)
    best = int(np.argmax([metrics[KEPT_BY] for metrics in fit.epochs]))
    kept = {name: fit.epochs[best][f"val_{name}"] for name in ("loss", "accuracy")}
    return History(fit.epochs, best + 1, kept)


def _check_finite(metrics: Mapping[str, float], epoch: int, train: TrainParams) -> None:
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"epoch {epoch}: found the {name} {value}; expected a number: "
                f"a train.learning_rate below {train.learning_rate:g} may help"
            )
