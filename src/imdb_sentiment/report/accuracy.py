"""Accuracy of the LSTM and of the linear baseline on groups of test reviews, with 95% intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imdb_sentiment.artifacts.labels import THRESHOLD
from imdb_sentiment.evaluation.metrics import wilson_interval

LENGTH_GROUPS: Final = 6


class Interval(NamedTuple):
    """A value and the ends of its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GroupAccuracy:
    """The accuracy of both classifiers on one named group of reviews."""

    name: str
    lstm: Interval
    linear: Interval


def overall_accuracy(metrics: Mapping[str, Any], baseline: Mapping[str, Any]) -> GroupAccuracy:
    """Return the accuracies that the stages evaluate and baseline measured."""
    lstm, linear = (
        Interval(values["accuracy"], values["accuracy_low"], values["accuracy_high"]) for values in (metrics, baseline)
    )
    return GroupAccuracy("accuracy", lstm, linear)


def accuracy_by_length(reviews: pd.DataFrame) -> list[GroupAccuracy]:
    """Return the accuracies on about equally large groups, from the shortest to the longest reviews, in words."""
    words = np.array([len(text.split()) for text in reviews["text"]])
    ends = np.unique(np.quantile(words, np.linspace(0, 1, LENGTH_GROUPS + 1)[1:], method="higher")).astype(int)
    starts = [words.min(), *(ends[:-1] + 1)]
    names = [f"{start:,} to {end:,} words" for start, end in zip(starts, ends, strict=True)]
    return _accuracies(reviews, np.searchsorted(ends, words), dict(enumerate(names)))


def accuracy_by_rating(reviews: pd.DataFrame) -> list[GroupAccuracy]:
    """Return the accuracies on the reviews of each rating; none if the reviews have no ratings."""
    rated = reviews[reviews["rating"].notna()]
    ratings = rated["rating"].to_numpy(dtype=int)
    names = {int(rating): f"{rating} star{'s' if rating > 1 else ''}" for rating in np.unique(ratings)}
    return _accuracies(rated, ratings, names)


def _accuracies(reviews: pd.DataFrame, groups: NDArray[Any], names: Mapping[int, str]) -> list[GroupAccuracy]:
    """Return the accuracies on each of the groups `int [B]` that `names` lists and that has reviews."""
    correct = {name: ((reviews[name] >= THRESHOLD) == reviews["y_true"]).to_numpy() for name in ("lstm", "linear")}

    def interval(name: str, group: int) -> Interval:
        in_group = correct[name][groups == group]
        return Interval(float(in_group.mean()), *wilson_interval(int(in_group.sum()), len(in_group)))

    present = [group for group in names if (groups == group).any()]
    return [GroupAccuracy(names[group], interval("lstm", group), interval("linear", group)) for group in present]
