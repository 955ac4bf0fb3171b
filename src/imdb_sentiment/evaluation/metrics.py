"""How often probabilities are right, how far they can be trusted, and whether one classifier beats another."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn import metrics

from imdb_sentiment.artifacts.labels import LABEL_NAMES, THRESHOLD
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import missing, written_beside

CALIBRATION_BINS: Final = 15
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


def read_predictions(path: Path) -> pd.DataFrame:
    """Return the table that `write_predictions` wrote, indexed by review_id. Raises ArtifactError."""
    try:
        table = pd.read_csv(path, index_col="review_id")
    except FileNotFoundError as error:
        raise missing(path) from error
    except (ValueError, OSError) as error:
        raise ArtifactError(path, f"what cannot be read as CSV ({error})", "a table of predictions") from error
    for column in ("actual", "predicted"):
        if column not in table or not table[column].isin(LABEL_NAMES).all():
            raise ArtifactError(path, f"no column {column} of labels", f"{' or '.join(LABEL_NAMES)} in each row")
    return table


def compare_with_peer(evaluation: Evaluation, peer: Path) -> dict[str, float]:
    """Return how far `evaluation` is ahead of the predictions in the CSV table `peer`, and how likely by chance.

    margin_over_baseline: the difference of the accuracies. mcnemar_p: the exact two-sided p-value of McNemar's test
    (McNemar 1947): of the reviews that one classifier has right and the other wrong, each is as likely to have half.
    Raises ArtifactError if the peer's reviews or their labels are others.
    """
    table = read_predictions(peer)
    actual = np.take(LABEL_NAMES, evaluation.y_true)
    if not table.index.is_unique or set(table.index) != set(evaluation.review_ids.tolist()):
        raise ArtifactError(peer, f"{len(table)} other reviews", f"the {len(actual)} of the test part")
    table = table.loc[evaluation.review_ids.tolist()]
    if (table["actual"].to_numpy() != actual).any():
        raise ArtifactError(peer, "other labels", "those of the test part")
    ours = (evaluation.y_prob >= THRESHOLD) == evaluation.y_true
    theirs = table["predicted"].to_numpy() == actual
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    differing = only_ours + only_theirs
    return {
        "margin_over_baseline": (only_ours - only_theirs) / len(actual),
        "mcnemar_p": float(binomtest(only_ours, differing).pvalue) if differing else 1.0,
    }


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
