"""What happens beside the fit: the learning rate's decay, the curves, the progress, the end of a fit that diverged."""

import math
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from imdb_sentiment.errors import TrainingError
from imdb_sentiment.params import TrainParams
from imdb_sentiment.progress import Progress, Task

KEPT_BY = "val_accuracy"  # the score of the epoch that is kept, the first of equals


class CosineDecay(keras.callbacks.Callback):
    """Lowers the learning rate from its full value to 0 along half a cosine (Loshchilov, Hutter 2017, section 3).

    A callback, since the number of steps is known only once the data is there, after the model is compiled.
    """

    def __init__(self, learning_rate: float, steps: int) -> None:
        super().__init__()
        self._learning_rate, self._steps = learning_rate, steps
        self._step = 0

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        share = self._step / self._steps
        self.model.optimizer.learning_rate = self._learning_rate * (1 + math.cos(math.pi * share)) / 2
        self._step += 1


class LogCurves(keras.callbacks.Callback):
    """Writes each epoch's metrics through dvclive, whose own Keras callback works with TensorFlow only."""

    def __init__(self, curves: Path) -> None:
        super().__init__()
        from dvclive.live import Live
        from scmrepo.exceptions import SCMError

        try:
            # dvcyaml: or else dvclive edits the pipeline's own dvc.yaml. The rest DVC keeps, or differs by the run.
            self._live = Live(str(curves), dvcyaml=None, report=None, save_dvc_exp=False, monitor_system=False)
        except SCMError as error:
            raise TrainingError(
                f"{curves.parent}: found a git repository in which dvclive cannot read HEAD ({error}); "
                "expected one with a commit, or none"
            ) from error

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._live.step = epoch + 1
        for name, value in (logs or {}).items():
            part = "validation" if name.startswith("val_") else "train"
            self._live.log_metric(f"{part}/{name.removeprefix('val_')}", float(value))
        self._live.make_summary()  # type: ignore[no-untyped-call]

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        accuracies = self.model.history.history[KEPT_BY]
        kept = int(np.argmax(accuracies))
        self._live.log_metric("kept_epoch", kept + 1, plot=False)
        self._live.log_metric("kept_validation_accuracy", float(accuracies[kept]), plot=False)
        self._live.end()  # type: ignore[no-untyped-call]


class StopIfDiverged(keras.callbacks.Callback):
    """Raises TrainingError once the loss is no longer a number."""

    def __init__(self, train: TrainParams) -> None:
        super().__init__()
        self._train = train

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(loss):
            raise TrainingError(
                f"epoch {epoch + 1}: found a loss of {loss}; expected a number: "
                f"a learning_rate below {self._train.learning_rate:g} may keep it one"
            )


class ShowProgress(keras.callbacks.Callback):
    """One task an epoch, with the running loss and accuracy, then the validation's."""

    def __init__(self, progress: Progress, steps: int, epochs: int) -> None:
        super().__init__()
        self._progress, self._steps, self._epochs = progress, steps, epochs
        self._open: AbstractContextManager[Task] | None = None
        self._task: Task | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._open = self._progress(f"Epoch {epoch + 1}/{self._epochs}", self._steps, "batches")
        self._task = self._open.__enter__()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._task is not None:
            self._task.advance(note=_note(logs))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._task is not None and self._open is not None:
            self._task.advance(0, note=_note(logs))
            self._open.__exit__(None, None, None)


def _note(logs: dict[str, Any] | None) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
