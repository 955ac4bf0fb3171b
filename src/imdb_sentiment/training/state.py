"""The state of a fit, which can be saved after each epoch and restored to continue from there."""

import math
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.runtime.params import TrainParams
from imdb_sentiment.training.checkpoints import Checkpoint

KEPT_BY: Final = "val_accuracy"  # the weights with the highest value are kept, the first of equal ones


class WeightAverage:
    """The mean of the weights along the last `train.averaged_share` of the steps."""

    def __init__(self, train: TrainParams) -> None:
        self._start = 1 - train.averaged_share
        self.count = 0
        self.weights: list[NDArray[Any]] | None = None

    def add(self, model: keras.Model, share: float) -> None:
        """Add the weights that `model` has after this `share` of the steps."""
        if share < self._start:
            return
        weights = model.get_weights()
        self.count += 1
        if self.weights is None:
            self.weights = weights
        pairs = zip(self.weights, weights, strict=True)
        self.weights = [mean + (weight - mean) / self.count for mean, weight in pairs]


class FitState:
    """All that changes in a fit from one batch or epoch to the next."""

    def __init__(self, model: keras.Model, train: TrainParams) -> None:
        self.model = model
        self.rng = np.random.default_rng(train.seed)
        self.average = WeightAverage(train)
        self.epochs: list[dict[str, float]] = []
        self.restored_epochs = 0
        self.kept_score = -math.inf
        self.kept_weights: list[NDArray[Any]] = model.get_weights()

    def end_epoch(self, metrics: dict[str, float]) -> None:
        """Record the metrics of an epoch, and its weights if they are the best so far."""
        self.epochs.append(metrics)
        if metrics[KEPT_BY] > self.kept_score:
            self.kept_score, self.kept_weights = metrics[KEPT_BY], self.model.get_weights()

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the whole state."""
        state = {
            "epochs": self.epochs,
            "kept_score": self.kept_score,
            "rng": self.rng.bit_generator.state,
            "averaged": self.average.count,
        }
        arrays = {
            "model": [np.asarray(variable) for variable in self._variables()],
            "kept": self.kept_weights,
            "average": self.average.weights or [],
        }
        checkpoint.save(state, arrays)

    def restore(self, checkpoint: Checkpoint) -> bool:
        """Restore the state after the last finished epoch; return whether there is one."""
        found = checkpoint.load()
        if found is None:
            return False
        state, arrays = found
        for variable, value in zip(self._variables(), arrays["model"], strict=True):
            variable.assign(value)
        self.epochs, self.kept_score, self.kept_weights = state["epochs"], state["kept_score"], arrays["kept"]
        self.rng.bit_generator.state = state["rng"]
        self.average.count, self.average.weights = state["averaged"], arrays["average"] or None
        self.restored_epochs = len(self.epochs)
        return True

    def _variables(self) -> list[Any]:
        # The model's variables include the states of dropout's random generators.
        self.model.optimizer.build(self.model.trainable_variables)
        return [*self.model.variables, *self.model.optimizer.variables]
