"""The log of a fit: a table of each member's epochs, and the scores of the kept weights."""

import csv
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.training.fit import FittedEnsemble

CURVE_FILES: Final = r"member_[0-9]+\.csv"
# The columns of a member's table after `epoch`, and their names in a History.
COLUMNS: Final = {
    "train_loss": "loss",
    "train_accuracy": "accuracy",
    "validation_loss": "val_loss",
    "validation_accuracy": "val_accuracy",
}


def write_training_curves(fitted: FittedEnsemble, folder: Path) -> None:
    """Write `member_1.csv`, `member_2.csv`, ... into `folder`: a row for each epoch, counted from 1."""
    folder.mkdir()
    for number, history in enumerate(fitted.histories, 1):
        with (folder / f"member_{number}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["epoch", *COLUMNS])
            for epoch, metrics in enumerate(history.epochs, 1):
                writer.writerow([epoch, *(metrics[name] for name in COLUMNS.values())])


def summarize_fit(fitted: FittedEnsemble) -> dict[str, Any]:
    """Return the ensemble's scores on the validation part, and the kept epoch of each member with its scores."""
    summary: dict[str, Any] = validation_scores(fitted.validation) | {"temperature": fitted.model.temperature.as_dict()}
    for number, history in enumerate(fitted.histories, 1):
        summary[f"member_{number}"] = {"kept_epoch": history.kept_epoch} | validation_scores(history.kept)
    return summary


def validation_scores(scores: dict[str, float]) -> dict[str, float | None]:
    """Return `scores` with names by which they differ from those of the test part: `validation_accuracy`."""
    return {f"validation_{name}": value for name, value in scores.items()}
