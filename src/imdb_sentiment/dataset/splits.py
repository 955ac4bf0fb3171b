"""The split of the labelled reviews into train, validation and test."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from imdb_sentiment.artifacts.sequences import PARTS
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.params import PreprocessParams


def assign_parts(reviews: pd.DataFrame, params: PreprocessParams) -> NDArray[Any]:
    """Return the part of each labelled review, one of PARTS, as an array of texts.

    `reviews` has the columns review_id, split, label and movie_id. `official` keeps the dataset's own test reviews;
    `random` draws `test_size` of all, stratified by label. The validation part is drawn from the rest, by whole films:
    reviews of one film share names and plot, so that a film in both parts would flatter the model.
    Raises SourceError if a part would not hold both labels.
    """
    if params.split == "official":
        is_test = (reviews["split"] == "test").to_numpy()
    else:
        _check_both_labels(reviews["label"], "the labelled reviews")
        try:
            _, drawn = train_test_split(
                np.arange(len(reviews)), test_size=params.test_size, stratify=reviews["label"], random_state=params.seed
            )
        except ValueError as error:
            raise SourceError(
                f"found too few reviews for a test_size of {params.test_size:g} ({error}); "
                "expected both labels in each part"
            ) from error
        is_test = np.isin(np.arange(len(reviews)), drawn)
    parts = np.where(is_test, "test", "train").astype("<U10")
    is_validation = _draw_movies(reviews[~is_test], params)
    parts[np.flatnonzero(~is_test)[is_validation]] = "validation"
    for part in PARTS:
        _check_both_labels(reviews["label"][parts == part], f"the {part} part")
    return parts


def _draw_movies(reviews: pd.DataFrame, params: PreprocessParams) -> NDArray[np.int64]:
    """Return the positions of the reviews of a share `validation_size` of the films."""
    # A review of unknown film is a group of its own.
    movies = reviews["movie_id"].where(reviews["movie_id"].notna(), reviews["review_id"])
    if movies.nunique() < 2:
        raise SourceError(
            f"found {movies.nunique()} movies in the train split; expected 2 or more, to validate by movie"
        )
    splitter = GroupShuffleSplit(n_splits=1, test_size=params.validation_size, random_state=params.seed)
    try:
        _, validation = next(splitter.split(reviews, groups=movies))
    except ValueError as error:
        raise SourceError(
            f"found too few movies for a validation_size of {params.validation_size:g} ({error}); "
            "expected some in each part"
        ) from error
    return np.asarray(validation)


def _check_both_labels(labels: "pd.Series[int]", where: str) -> None:
    found = sorted(int(label) for label in labels.unique())
    if found != [0, 1]:
        raise SourceError(f"found only the labels {found} in {where}; expected both 0 and 1")
