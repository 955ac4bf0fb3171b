"""The metrics of a classifier's probabilities: accuracy, calibration, and the comparison with another classifier."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn import metrics

from imdb_sentiment.artifacts.labels import LABEL_NAMES, THRESHOLD
from imdb_sentiment.artifacts.predictions import read_predictions, write_predictions
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.runtime.errors import ArtifactError

CALIBRATION_BINS: Final = 15
_Z_95: Final = 1.959963984540054  # the standard normal's 97.5% quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """A classifier's probabilities `y_prob float64 [B]` of the B reviews of the test part."""

    test: Sequences
    y_prob: Floats

    @cached_property
    def metrics(self) -> dict[str, float | int | None]:
        """The metrics of `metrics/evaluation.json`."""
        return classification_metrics(self.test.labels, self.y_prob, self.test.seen_in_train)

    @property
    def main_metrics(self) -> dict[str, float | int | None]:
        """The few metrics by which runs are told apart, of `metrics/metrics.json`."""
        return {name: self.metrics[name] for name in ("accuracy", "f1", "loss")}

    def summary(self) -> str:
        """Return loss and accuracy in one line."""
        values = self.metrics
        interval = f"95% interval {values['accuracy_low']:.4f} to {values['accuracy_high']:.4f}"
        counted = f"{values['test_reviews']:,} reviews"
        return f"loss {values['loss']:.4f}  accuracy {values['accuracy']:.4f}  ({interval}, {counted})"

    def save_predictions(self, path: Path) -> None:
        """Write the predictions as a CSV table to `path`."""
        write_predictions(self.test.review_ids, self.test.labels, self.y_prob, path)


def compare_with_baseline(evaluation: Evaluation, predictions: Path) -> dict[str, float]:
    """Return how far `evaluation` is ahead of the linear baseline's CSV table of `predictions`.

    margin_over_baseline: the difference of the accuracies. mcnemar_p: the exact two-sided p-value of McNemar's test
    (McNemar 1947) that the two classifiers are equally accurate. Raises ArtifactError if the table is of other reviews.
    """
    table = read_predictions(predictions)
    ids, y_true = evaluation.test.review_ids.tolist(), evaluation.test.labels
    actual = np.take(LABEL_NAMES, y_true)
    if not table.index.is_unique or set(table.index) != set(ids):
        raise ArtifactError(predictions, f"{len(table)} other reviews", f"the {len(actual)} of the test part")
    table = table.loc[ids]
    if (table["actual"].to_numpy() != actual).any():
        raise ArtifactError(predictions, "other labels", "those of the test part")
    lstm_correct = (evaluation.y_prob >= THRESHOLD) == y_true
    linear_correct = table["predicted"].to_numpy() == actual
    only_lstm, only_linear = int((lstm_correct & ~linear_correct).sum()), int((linear_correct & ~lstm_correct).sum())
    differing = only_lstm + only_linear
    return {
        "margin_over_baseline": (only_lstm - only_linear) / len(actual),
        "mcnemar_p": float(binomtest(only_lstm, differing).pvalue) if differing else 1.0,
    }


def classification_metrics(
    y_true: NDArray[np.int8], y_prob: Floats, seen_in_train: NDArray[np.bool_]
) -> dict[str, float | int | None]:
    """Return the metrics of `metrics/evaluation.json`; `seen_in_train bool [B]` marks texts that training read, too."""
    y_pred = (y_prob >= THRESHOLD).astype(np.int8)
    correct = y_pred == y_true
    low, high = wilson_interval(int(correct.sum()), len(correct))
    confusion = metrics.confusion_matrix(y_true, y_pred, labels=[0, 1])
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        y_true, y_pred, average="binary", zero_division=0.0
    )
    return {
        "accuracy": float(correct.mean()),
        "accuracy_low": low,
        "accuracy_high": high,
        "accuracy_without_train_duplicates": float(correct[~seen_in_train].mean()) if not seen_in_train.all() else None,
        "loss": float(metrics.log_loss(y_true, y_prob, labels=[0, 1])),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "roc_auc": float(metrics.roc_auc_score(y_true, y_prob)) if 0 < y_true.sum() < len(y_true) else None,
        "brier": float(metrics.brier_score_loss(y_true, y_prob)),
        "expected_calibration_error": expected_calibration_error(y_true, y_prob),
        "true_positives": int(confusion[1, 1]),
        "false_positives": int(confusion[0, 1]),
        "true_negatives": int(confusion[0, 0]),
        "false_negatives": int(confusion[1, 0]),
        "test_reviews": len(y_true),
    }


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95% interval of a rate (Wilson 1927, as in Brown, Cai, DasGupta 2001, section 3.1.1).

    `wilson_interval(5, 10) -> (0.2366, 0.7634)`
    """
    rate = successes / trials
    weight = _Z_95**2 / trials
    centre = (rate + weight / 2) / (1 + weight)
    margin = _Z_95 / (1 + weight) * float(np.sqrt(rate * (1 - rate) / trials + weight / (4 * trials)))
    return centre - margin, centre + margin


def calibration_bins(y_true: NDArray[np.int8], y_prob: Floats) -> list[dict[str, Any]]:
    """Return the mean probability, share of positives and size of each of 15 equal bins that is not empty."""
    bins = np.minimum((y_prob * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        {
            "mean_probability": float(y_prob[bins == index].mean()),
            "share_positive": float(y_true[bins == index].mean()),
            "reviews": int((bins == index).sum()),
        }
        for index in np.unique(bins)
    ]


def expected_calibration_error(y_true: NDArray[np.int8], y_prob: Floats) -> float:
    """Return the distance of probability and share, averaged over all reviews (Naeini et al. 2015, section 2)."""
    bins = calibration_bins(y_true, y_prob)
    total = sum(bin_["reviews"] * abs(bin_["mean_probability"] - bin_["share_positive"]) for bin_ in bins)
    return float(total / len(y_true))
