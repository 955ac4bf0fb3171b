"""What the report shows, read from the outputs of the earlier stages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from imdb_sentiment.artifacts.labels import LABEL_NAMES, THRESHOLD
from imdb_sentiment.artifacts.predictions import read_predictions
from imdb_sentiment.artifacts.reviews import iterate_reviews
from imdb_sentiment.artifacts.temperature import Temperature
from imdb_sentiment.prediction.explanation import Explanation, explain
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.report.edited_reviews import ExplainedPair
from imdb_sentiment.runtime.errors import ArtifactError, reason_of
from imdb_sentiment.runtime.files import missing, read_json
from imdb_sentiment.runtime.params import Params
from imdb_sentiment.runtime.progress import Progress, no_progress, track

MISTAKES: Final = 10
_CURVE_COLUMNS: Final = ["epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy"]


@dataclass(frozen=True)
class Member:
    """One member of the ensemble.

    curves: a row an epoch with the columns of `member_1.csv`. result: kept_epoch (None where its weights are an average
    over steps), validation_loss and validation_accuracy.
    """

    curves: pd.DataFrame
    result: Mapping[str, Any]


@dataclass(frozen=True)
class Training:
    """The ensemble's validation_loss, validation_accuracy and temperature, and its members."""

    result: Mapping[str, Any]
    temperature: Temperature
    members: list[Member]


@dataclass(frozen=True)
class Mistake:
    """A review that the model classified wrongly, and what each word contributed to that."""

    review_id: str
    actual: str
    rating: int | None
    explanation: Explanation


@dataclass(frozen=True)
class Report:
    """All that the page and the model card show.

    metrics to export_check: the JSON files of the same names, `baseline` that of the linear baseline; of
    behaviour_details both, as `lstm` and `linear`.
    reviews: a row a test review with its label (`y_true`), rating, text, and the probability that it is positive by
    the LSTM (`lstm`) and by the linear baseline (`linear`).
    """

    params: Params
    metrics: Mapping[str, Any]
    baseline: Mapping[str, Any]
    data: Mapping[str, Any]
    behaviour: Mapping[str, Any]
    behaviour_details: Mapping[str, Mapping[str, Any]]
    export_check: Mapping[str, Any]
    training: Training
    reviews: pd.DataFrame
    mistakes: list[Mistake]
    pairs: list[ExplainedPair]


def read_test_reviews(reviews: Path, predictions: Path, baseline_predictions: Path) -> pd.DataFrame:
    """Return the table `Report.reviews`, indexed by review_id.

    Raises ArtifactError if `reviews` or `baseline_predictions` lack a review of `predictions`.
    """
    lstm = read_predictions(predictions)
    linear = read_predictions(baseline_predictions)
    texts = _read_texts(reviews, lstm.index)
    for path, table in ((baseline_predictions, linear), (reviews, texts)):
        if not table.index.is_unique or not lstm.index.isin(table.index).all():
            raise ArtifactError(path, "not all test reviews", f"each review of {predictions} once")
    y_true = (lstm["actual"] == LABEL_NAMES[1]).astype(int)
    columns = {"y_true": y_true, "lstm": lstm["probability"], "linear": linear["probability"].reindex(lstm.index)}
    return pd.DataFrame(columns).join(texts)


def _read_texts(reviews: Path, wanted: Iterable[str]) -> pd.DataFrame:
    ids = set(wanted)
    batches = iterate_reviews(reviews, ["review_id", "rating", "text"])
    rows = [row for batch in batches for row in batch.to_pylist() if row["review_id"] in ids]
    return pd.DataFrame(rows, columns=["review_id", "rating", "text"]).set_index("review_id")


def read_training(curves: Path, training_metrics: Path) -> Training:
    """Return what the stage train measured: the JSON file `training_metrics`, and member_1.csv and so on in `curves`.

    Raises ArtifactError.
    """
    result = read_json(training_metrics)
    names = [name for name in result if name.startswith("member_")]
    if not names:
        raise ArtifactError(training_metrics, "no member_1", "the result of each member")
    temperature = Temperature.parse(result.get("temperature"), training_metrics)
    members = [Member(_read_curves(curves / f"{name}.csv"), result[name]) for name in names]
    return Training(result, temperature, members)


def _read_curves(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)[_CURVE_COLUMNS].astype(dict.fromkeys(_CURVE_COLUMNS, float) | {"epoch": int})
    except FileNotFoundError as error:
        raise missing(path) from error
    except (ValueError, KeyError, OSError) as error:
        expected = f"the columns {', '.join(_CURVE_COLUMNS)}, all numbers"
        raise ArtifactError(path, f"a table that cannot be read ({reason_of(error)})", expected) from error


def explain_mistakes(model: SentimentModel, reviews: pd.DataFrame, progress: Progress = no_progress) -> list[Mistake]:
    """Return the at most 10 most confident mistakes among the test `reviews`, the most confident first, explained."""
    wrong = reviews[(reviews["lstm"] >= THRESHOLD) != reviews["y_true"]]
    order = (wrong["lstm"] - THRESHOLD).abs().sort_values(ascending=False, kind="stable").index[:MISTAKES]
    rows = wrong.loc[order].reset_index().to_dict("records")
    return [
        Mistake(
            review_id=row["review_id"],
            actual=LABEL_NAMES[row["y_true"]],
            rating=None if pd.isna(row["rating"]) else int(row["rating"]),
            explanation=explain(model, row["text"]),
        )
        for row in track(progress, rows, "Explaining mistakes", len(rows), "reviews")
    ]
