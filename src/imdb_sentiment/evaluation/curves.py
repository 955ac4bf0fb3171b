"""The points of the curves that `dvc plots show` draws."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn import metrics

from imdb_sentiment.evaluation.metrics import Evaluation, calibration_bins
from imdb_sentiment.runtime.files import write_json

CURVE_POINTS: Final = 500
CURVE_FILES: Final = r"(?:roc|precision_recall|calibration)\.json"


def write_curves(evaluation: Evaluation, folder: Path) -> None:
    """Write `roc.json`, `precision_recall.json` and `calibration.json` into `folder`."""
    y_true, y_prob = evaluation.test.labels, evaluation.y_prob
    false_positive_rate, true_positive_rate, _ = metrics.roc_curve(y_true, y_prob)
    precision, recall, _ = metrics.precision_recall_curve(y_true, y_prob)
    roc = _points(false_positive_rate=false_positive_rate, true_positive_rate=true_positive_rate)
    precision_recall = _points(recall=recall, precision=precision)
    folder.mkdir()
    write_json({"roc": roc}, folder / "roc.json")
    write_json({"precision_recall": precision_recall}, folder / "precision_recall.json")
    write_json({"calibration": calibration_bins(y_true, y_prob)}, folder / "calibration.json")


def _points(**columns: np.ndarray[Any, Any]) -> list[dict[str, float]]:
    """Return at most CURVE_POINTS points of a curve, evenly spread, its two ends included."""
    length = len(next(iter(columns.values())))
    kept = np.unique(np.linspace(0, length - 1, CURVE_POINTS).round().astype(int))
    return [{name: float(values[row]) for name, values in columns.items()} for row in kept]
