"""Evaluate: the measurements of a classifier on reviews that it never saw."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.evaluation.metrics import Evaluation

Predict = Callable[[Sequences], NDArray[np.float64]]


def evaluate_model(predict: Predict, test: Sequences) -> Evaluation:
    """Return the probabilities that `predict` gives the reviews of `test`, with their metrics.

    `predict` takes the B reviews and returns the probabilities of the positive class, `float64 [B]`: a Keras model, an
    exported one or a linear one.
    """
    return Evaluation(test, predict(test))
