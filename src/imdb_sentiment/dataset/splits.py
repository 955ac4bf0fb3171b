"""The split of the labelled reviews into train, validation and test."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold, train_test_split

from imdb_sentiment.artifacts.sequences import PARTS
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.params import PreprocessParams


def assign_parts(reviews: pd.DataFrame, params: PreprocessParams) -> NDArray[Any]:
    """Return the part of each labelled review, one of PARTS, as an array of texts.

    `reviews` has the columns review_id, split, label, group and text. `official` keeps the test reviews that the source
    names; if it names none, about `test_size` of all are drawn, stratified by label, without tearing apart a group or
    the copies of a text. `random` draws `test_size` of all, stratified by label and nothing else, as the recipe does.
    The validation part is what the source names, or else is drawn from the rest by whole groups: reviews of one film
    share names and plot, so that a film in both parts would flatter the model.
    Raises SourceError if a part would not hold both labels.
    """
    groups = reviews["group"].where(reviews["group"].notna(), reviews["review_id"])  # unknown: a group of its own
    is_test = (reviews["split"] == "test").to_numpy()
    if params.split == "random" or not is_test.any():
        _check_both_labels(reviews["label"], "the labelled reviews")
        if params.split == "random":
            is_test = _draw_reviews(reviews["label"], params)
        else:
            groups = pd.Series(_join_copies(groups, reviews["text"]), reviews.index)
            is_test = _draw_groups(reviews["label"], groups, params)
    parts = np.where(is_test, "test", "train").astype("<U10")
    is_validation = (reviews["split"] == "validation").to_numpy() & ~is_test
    if is_validation.any():
        parts[is_validation] = "validation"
    else:
        parts[np.flatnonzero(~is_test)[_draw_validation(groups[~is_test], params)]] = "validation"
    for part in PARTS:
        _check_both_labels(reviews["label"][parts == part], f"the {part} part")
    return parts


def _draw_reviews(labels: "pd.Series[int]", params: PreprocessParams) -> NDArray[np.bool_]:
    rows = np.arange(len(labels))
    try:
        _, drawn = train_test_split(rows, test_size=params.test_size, stratify=labels, random_state=params.seed)
    except ValueError as error:
        raise _too_few("reviews", "test_size", params.test_size, error) from error
    return np.isin(rows, drawn)


def _draw_groups(labels: "pd.Series[int]", groups: "pd.Series[int]", params: PreprocessParams) -> NDArray[np.bool_]:
    """Return which reviews are of the groups in one of `1 / test_size` equal folds."""
    folds = StratifiedGroupKFold(max(2, round(1 / params.test_size)), shuffle=True, random_state=params.seed)
    try:
        _, drawn = next(folds.split(labels, labels, groups))
    except ValueError as error:
        raise _too_few("groups", "test_size", params.test_size, error) from error
    return np.isin(np.arange(len(labels)), drawn)


def _join_copies(groups: "pd.Series[str]", texts: "pd.Series[str]") -> NDArray[np.int32]:
    """Return numbers that are equal for the reviews of one group, and for those of groups that share a text."""
    group, text = pd.factorize(groups)[0], pd.factorize(texts)[0]
    size = group.max() + 1 + text.max() + 1
    edges = coo_array((np.ones(len(group), np.int8), (group, group.max() + 1 + text)), shape=(size, size))
    components: NDArray[np.int32] = connected_components(edges, directed=False)[1]
    return components[group]


def _draw_validation(groups: "pd.Series[Any]", params: PreprocessParams) -> NDArray[np.int64]:
    """Return the positions of the reviews of a share `validation_size` of the groups."""
    if groups.nunique() < 2:
        raise SourceError(
            f"found {groups.nunique()} groups (films) in the train split; expected 2 or more, to validate by group"
        )
    splitter = GroupShuffleSplit(n_splits=1, test_size=params.validation_size, random_state=params.seed)
    try:
        _, validation = next(splitter.split(groups, groups=groups))
    except ValueError as error:
        raise _too_few("groups (films)", "validation_size", params.validation_size, error) from error
    return np.asarray(validation)


def _too_few(what: str, param: str, value: float, error: ValueError) -> SourceError:
    return SourceError(f"found too few {what} for a {param} of {value:g} ({error}); expected both labels in each part")


def _check_both_labels(labels: "pd.Series[int]", where: str) -> None:
    found = sorted(int(label) for label in labels.unique())
    if found != [0, 1]:
        raise SourceError(f"found only the labels {found} in {where}; expected both 0 and 1")
