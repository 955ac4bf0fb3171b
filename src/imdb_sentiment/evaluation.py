"""Evaluate: how often the model is right on reviews it never saw, and how far its probabilities can be trusted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics

from imdb_sentiment.batches import length_grouped_rows, take_batch
from imdb_sentiment.model import load_model
from imdb_sentiment.progress import Progress, no_progress, track
from imdb_sentiment.sequences import Sequences, load_sequences
from imdb_sentiment.storage import written_beside

BATCH_SIZE: Final = 256
CALIBRATION_BINS: Final = 15
THRESHOLD: Final = 0.5
LABEL_NAMES: Final = ("negative", "positive")
_Z_95: Final = 1.959963984540054  # the standard normal's 97.5% quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """The test reviews with labels `y_true int8 [B]` and probabilities `y_prob float64 [B]`, and the metrics."""

    review_ids: NDArray[np.str_]
    y_true: NDArray[np.int8]
    y_prob: Floats
    metrics: dict[str, float | int | None]

    def summary(self) -> str:
        """Return loss and accuracy in one line."""
        its = self.metrics
        interval = f"95% interval {its['accuracy_low']:.4f} to {its['accuracy_high']:.4f}"
        return f"loss {its['loss']:.4f}  accuracy {its['accuracy']:.4f}  ({interval}, {its['test_reviews']:,} reviews)"


def evaluate_saved_model(folder: Path, sequences: Path, progress: Progress = no_progress) -> Evaluation:
    """Load the model in `folder` and evaluate it on the test part of the npz file `sequences`. Raises ArtifactError."""
    model, params, vocabulary_size = load_model(folder)
    test = load_sequences(sequences, vocabulary_size)["test"]
    return evaluate_model(model, test, params.ignore_padding, progress)


def evaluate_model(
    model: keras.Model, test: Sequences, ignore_padding: bool = True, progress: Progress = no_progress
) -> Evaluation:
    """Return the model's probabilities and metrics on the test part. The caller prints loss and accuracy."""
    y_prob = predict_probabilities(model, test, ignore_padding, progress)
    return Evaluation(
        test.review_ids, test.labels, y_prob, classification_metrics(test.labels, y_prob, test.seen_in_train)
    )


def predict_probabilities(
    model: keras.Model, sequences: Sequences, ignore_padding: bool = True, progress: Progress = no_progress
) -> Floats:
    """Return the probabilities of the positive class, `float64 [B]`, in the order of the sequences."""
    batches = length_grouped_rows(sequences.lengths, BATCH_SIZE)
    y_prob = np.empty(len(sequences), np.float64)
    for rows in track(progress, batches, "Predicting", len(batches), "batches"):
        token_ids, _ = take_batch(sequences, rows, trim=ignore_padding)
        y_prob[rows] = model.predict_on_batch(token_ids)[:, 0]
    return y_prob


def write_predictions(evaluation: Evaluation, path: Path) -> None:
    """Write one row a test review to the CSV table `path`: review_id, actual, predicted, probability."""
    table = pd.DataFrame(
        {
            "review_id": evaluation.review_ids,
            "actual": np.take(LABEL_NAMES, evaluation.y_true),
            "predicted": np.take(LABEL_NAMES, (evaluation.y_prob >= THRESHOLD).astype(int)),
            "probability": evaluation.y_prob.round(6),
        }
    )
    with written_beside(path) as partial:
        table.to_csv(partial, index=False, lineterminator="\n")


def classification_metrics(
    y_true: NDArray[np.int8], y_prob: Floats, seen_in_train: NDArray[np.bool_]
) -> dict[str, float | int | None]:
    """Return the metrics of `metrics/metrics.json`; `seen_in_train bool [B]` marks texts that training saw as well."""
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
        "roc_auc": float(metrics.roc_auc_score(y_true, y_prob)),
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
    total = sum(its["reviews"] * abs(its["mean_probability"] - its["share_positive"]) for its in bins)
    return float(total / len(y_true))
