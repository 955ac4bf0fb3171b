"""What a model is worth on a table of labelled reviews: metrics, calibration and mistakes, as JSON and as a page."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import typer

from imdb_sentiment.evaluation.metrics import calibration_bins, classification_metrics
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.report.charts import share_chart
from imdb_sentiment.report.gather import Mistake, explain_mistakes
from imdb_sentiment.report.page import report_environment
from imdb_sentiment.runtime.console import print_metrics, printable
from imdb_sentiment.runtime.progress import Progress, no_progress

_SHOWN: Final = 200  # characters of a mistake in the JSON file
_PRINTED: Final = 5
_PREVIEW: Final = 80  # characters of a mistake in the terminal


@dataclass(frozen=True)
class TableEvaluation:
    """The measurements on a table.

    metrics: as in `metrics/evaluation.json`; bins: of the probabilities, as `calibration_bins` returns them; mistakes:
    the most confident ones.
    """

    metrics: dict[str, float | int | None]
    bins: list[dict[str, Any]]
    mistakes: list[Mistake]

    def as_json(self) -> dict[str, Any]:
        """Return the metrics, and under keys of their own the calibration and the mistakes."""
        mistakes = [
            {
                "review_id": mistake.review_id,
                "actual": mistake.actual,
                "probability": mistake.explanation.probability,
                "text": mistake.explanation.text[:_SHOWN],
            }
            for mistake in self.mistakes
        ]
        return {**self.metrics, "calibration": self.bins, "mistakes": mistakes}


def measure(model: SentimentModel, reviews: pd.DataFrame, progress: Progress = no_progress) -> TableEvaluation:
    """Return what `model` is worth on the labelled rows of `reviews`, a table that `get_reviews_data` returned.

    If some rows are of a test part, only those are measured: the others may have been learned from.
    """
    labelled = reviews[reviews["label"].notna()].set_index("review_id")
    if (is_test := (labelled["split"] == "test").to_numpy(bool)).any():
        labelled = labelled[is_test]
    y_true = labelled["label"].to_numpy(np.int8)
    y_prob = model.predict(labelled["text"].tolist(), progress).probabilities
    metrics = classification_metrics(y_true, y_prob, np.zeros(len(y_true), bool))
    del metrics["accuracy_without_train_duplicates"]  # what the model was trained on is not known here
    table = pd.DataFrame(
        {"y_true": y_true, "lstm": y_prob, "rating": labelled["rating"], "text": labelled["text"]}, labelled.index
    )
    return TableEvaluation(metrics, calibration_bins(y_true, y_prob), explain_mistakes(model, table, progress))


def print_measured(measured: TableEvaluation) -> None:
    """Print the metrics, and the most confident mistakes."""
    print_metrics({"model": measured.metrics}, "Measured on the table")
    if measured.mistakes:
        typer.echo("Most confident mistakes (--html shows them in full, with the words that count):")
    for mistake in measured.mistakes[:_PRINTED]:
        text = printable(" ".join(mistake.explanation.text.split()))
        shown = f"{text[:_PREVIEW]}…" if len(text) > _PREVIEW else text
        typer.echo(f"  {mistake.explanation.probability:.3f}, actually {mistake.actual}: {shown}")


def render_measured(measured: TableEvaluation, name: str) -> str:
    """Return the measurements on the table `name` as a page: HTML that needs no other file, script or network."""
    bins = pd.DataFrame(measured.bins)
    curve = bins["mean_probability"].to_numpy(), bins["share_positive"].to_numpy()
    chart = share_chart([curve], "predicted probability", "share positive", dots=True, diagonal=True)
    template = report_environment().get_template("evaluation.html")
    return template.render(report=measured, name=name, calibration_chart=chart)
