"""What the report tells of a run, gathered from what the stages wrote."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imdb_sentiment.artifacts.labels import LABEL_NAMES, THRESHOLD
from imdb_sentiment.artifacts.predictions import read_predictions
from imdb_sentiment.artifacts.reviews import iterate_reviews
from imdb_sentiment.evaluation.metrics import wilson_interval
from imdb_sentiment.prediction.explanation import Explanation, explain
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.report.charts import Interval
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import missing, read_json
from imdb_sentiment.runtime.params import Params
from imdb_sentiment.runtime.progress import Progress, no_progress, track

MISTAKES: Final = 10
LENGTH_BINS: Final = 6

# A name, and the accuracy of the LSTM and of its linear peer.
Row = tuple[str, tuple[Interval, Interval]]


@dataclass(frozen=True)
class Mistake:
    """A review that the model is sure of, and wrong."""

    review_id: str
    actual: str
    rating: int | None
    explanation: Explanation


@dataclass(frozen=True)
class Report:
    """All that the page shows.

    table: a row a test review with its label (`y_true`), the probability of the LSTM (`ours`) and of its linear peer
    (`theirs`). curves: the values of each epoch, by names such as `validation/loss`; a member's follow another's.
    """

    params: Params
    data: Mapping[str, Any]
    metrics: Mapping[str, Any]
    baseline: Mapping[str, Any]
    curves: Mapping[str, list[float]]
    table: pd.DataFrame
    by_length: list[Row]
    by_rating: list[Row]
    mistakes: list[Mistake]


def gather_report(
    *,
    params: Params,
    metrics: Path,
    reviews: Path,
    predictions: Path,
    baseline: Path,
    model: Path,
    progress: Progress = no_progress,
) -> Report:
    """Read the folder `metrics`, the tables of reviews and predictions, and explain the surest mistakes of `model`.

    Raises ArtifactError.
    """
    table = _joined(reviews, predictions, baseline)
    wrong = table[(table["ours"] >= THRESHOLD) != table["y_true"]]
    surest = wrong.loc[(wrong["ours"] - 0.5).abs().sort_values(ascending=False, kind="stable").index[:MISTAKES]]
    exported = SentimentModel.load(model)
    rows = surest.reset_index().to_dict("records")
    mistakes = [_explained(exported, row) for row in track(progress, rows, "Explaining mistakes", len(rows), "reviews")]
    return Report(
        params=params,
        data=read_json(metrics / "data.json"),
        metrics=read_json(metrics / "metrics.json"),
        baseline=read_json(metrics / "baseline.json"),
        curves=_read_curves(metrics / "training/plots/metrics"),
        table=table.drop(columns="text"),
        by_length=accuracy_by_length(table),
        by_rating=accuracy_by_rating(table),
        mistakes=mistakes,
    )


def _explained(model: SentimentModel, row: Mapping[Any, Any]) -> Mistake:
    rating = None if pd.isna(row["rating"]) else int(row["rating"])
    return Mistake(row["review_id"], LABEL_NAMES[row["y_true"]], rating, explain(model, row["text"]))


def accuracy_by_length(table: pd.DataFrame) -> list[Row]:
    """Return the accuracies on about equally many reviews from the shortest to the longest, counted in words."""
    words = np.array([len(text.split()) for text in table["text"]])
    ends = np.unique(np.quantile(words, np.linspace(0, 1, LENGTH_BINS + 1)[1:], method="higher"))
    bins = np.searchsorted(ends, words)
    names = []
    for number, end in enumerate(ends):
        if number == 0:
            names.append(f"up to {end:,} words")
        elif number == len(ends) - 1:
            names.append(f"over {ends[number - 1]:,}")
        else:
            names.append(f"to {end:,}")
    return _accuracies(table, bins, dict(enumerate(names)))


def accuracy_by_rating(table: pd.DataFrame) -> list[Row]:
    """Return the accuracies on the reviews of each rating; none if the reviews have no ratings."""
    rated = table[table["rating"].notna()]
    ratings = rated["rating"].to_numpy(dtype=int)
    stars = {int(its): f"{its} star{'s' if its > 1 else ''}" for its in np.unique(ratings)}
    return _accuracies(rated, ratings, stars)


def _accuracies(table: pd.DataFrame, groups: NDArray[Any], names: Mapping[int, str]) -> list[Row]:
    truth = table["y_true"].to_numpy()
    correct = [(table[column].to_numpy() >= THRESHOLD) == truth for column in ("ours", "theirs")]

    def interval(right: NDArray[np.bool_]) -> Interval:
        return Interval(float(right.mean()), *wilson_interval(int(right.sum()), len(right)))

    present = [(group, name) for group, name in names.items() if (groups == group).any()]
    return [
        (name, (interval(correct[0][groups == group]), interval(correct[1][groups == group])))
        for group, name in present
    ]


def _joined(reviews: Path, predictions: Path, baseline: Path) -> pd.DataFrame:
    ours = read_predictions(predictions)
    theirs = read_predictions(baseline)
    texts = _texts(reviews, ours.index)
    for path, table in ((baseline, theirs), (reviews, texts)):
        if not table.index.is_unique or not ours.index.isin(table.index).all():
            raise ArtifactError(path, "not each test review", f"each review of {predictions}")
    table = pd.DataFrame(
        {
            "y_true": (ours["actual"] == LABEL_NAMES[1]).astype(int),
            "ours": ours["probability"],
            "theirs": theirs["probability"].reindex(ours.index),
        }
    )
    return table.join(texts)


def _texts(reviews: Path, wanted: Iterable[str]) -> pd.DataFrame:
    ids = set(wanted)
    rows = [row for batch in iterate_reviews(reviews, ["review_id", "rating", "text"]) for row in batch.to_pylist()]
    return pd.DataFrame([row for row in rows if row["review_id"] in ids]).set_index("review_id")


def _read_curves(folder: Path) -> dict[str, list[float]]:
    curves = {}
    for path in (folder / f"{part}/{name}.tsv" for part in ("train", "validation") for name in ("loss", "accuracy")):
        try:
            curves[f"{path.parent.name}/{path.stem}"] = pd.read_csv(path, sep="\t")[path.stem].astype(float).tolist()
        except FileNotFoundError as error:
            raise missing(path) from error
        except (ValueError, KeyError, OSError) as error:
            raise ArtifactError(path, f"what cannot be read as a curve ({error})", "a table of epochs") from error
    return curves
