"""Fitting the model: the epochs, what is shown and logged of them, and which one is kept."""

from collections.abc import Mapping
from pathlib import Path

import keras

from imdb_sentiment.batches import LengthGroupedBatches
from imdb_sentiment.callbacks import KEPT_BY, CosineDecay, LogCurves, ShowProgress, StopIfDiverged
from imdb_sentiment.encoding import TextEncoder
from imdb_sentiment.model import create_baseline_model, save_model
from imdb_sentiment.params import ModelParams, TrainParams
from imdb_sentiment.progress import Progress, no_progress
from imdb_sentiment.sequences import Sequences, load_sequences
from imdb_sentiment.storage import written_beside

EVALUATION_BATCH_SIZE = 256


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
    with written_beside(folder) as partial_folder, written_beside(curves) as partial_curves:
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

    `sequences` are the parts that `preprocess_text_data` made: the test part is not touched here. Returns the history
    (`loss`, `accuracy`, `val_loss`, `val_accuracy`, a number an epoch); with `curves`, dvclive writes it there, too.
    Raises TrainingError if the loss is no longer a number.
    """
    fitted = LengthGroupedBatches(sequences["train"], train.batch_size, train.seed, trim=params.ignore_padding)
    held_out = LengthGroupedBatches(sequences["validation"], EVALUATION_BATCH_SIZE, trim=params.ignore_padding)
    callbacks: list[keras.callbacks.Callback] = [
        StopIfDiverged(train),
        # Never stops early (its patience is all epochs); it puts the best epoch's weights back at the end.
        keras.callbacks.EarlyStopping(KEPT_BY, mode="max", patience=train.epochs, restore_best_weights=True),
        ShowProgress(progress, len(fitted), train.epochs),
    ]
    if train.learning_rate_schedule == "cosine":
        callbacks.append(CosineDecay(train.learning_rate, len(fitted) * train.epochs))
    if curves is not None:
        callbacks.append(LogCurves(curves))
    history = model.fit(
        fitted,
        validation_data=held_out,
        epochs=train.epochs,
        shuffle=False,  # the batches shuffle themselves
        callbacks=callbacks,
        verbose=0,
    )
    return {name: [float(value) for value in values] for name, values in history.history.items()}
