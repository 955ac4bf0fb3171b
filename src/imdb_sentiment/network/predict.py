"""The probabilities of a Keras model for many reviews."""

from typing import Final

import keras
import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.batches import length_grouped_rows, take_batch
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.runtime.progress import Progress, no_progress, track

BATCH_SIZE: Final = 256


def predict_probabilities(
    model: keras.Model, sequences: Sequences, ignores_padding: bool = True, progress: Progress = no_progress
) -> NDArray[np.float64]:
    """Return the probabilities of the positive class, `float64 [B]`, in the order of the sequences.

    A model that `ignores_padding` gets batches that are as short as their longest review.
    """
    batches = length_grouped_rows(sequences.lengths, BATCH_SIZE)
    y_prob = np.empty(len(sequences), np.float64)
    for rows in track(progress, batches, "Predicting", len(batches), "batches"):
        inputs, _ = take_batch(sequences, rows, trim=ignores_padding)
        y_prob[rows] = model.predict_on_batch(inputs)[:, 0]
    return y_prob
