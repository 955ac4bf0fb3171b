"""Which review goes where: no movie is learnt from and validated on, and the test part is never drawn from."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment.dataset.splits import assign_parts
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.params import PreprocessParams


def params(**changes: Any) -> PreprocessParams:
    settings_of_all: dict[str, Any] = {
        "split": "official",
        "test_size": 0.25,
        "validation_size": 0.25,
        "vocabulary_size": 10,
        "max_length": 5,
        "head_share": 0.25,
        "seed": 0,
    }
    return PreprocessParams(**{**settings_of_all, **changes})


def reviews_of(movies: int = 8, reviews_per_movie: int = 4) -> pd.DataFrame:
    """Return reviews of both labels of each movie, half of the movies in train and half in test."""
    rows = [
        {
            "review_id": f"{movie}_{number}",
            "split": "train" if movie % 2 else "test",
            "label": number % 2,
            "movie_id": f"tt{movie}",
        }
        for movie in range(movies)
        for number in range(reviews_per_movie)
    ]
    return pd.DataFrame(rows)


def movies_of(reviews: pd.DataFrame, chosen: Any) -> set[str]:
    return set(reviews["movie_id"][chosen])


@settings(deadline=None)
@given(st.integers(4, 20), st.floats(0.1, 0.5), st.integers(0, 2**32 - 1))
def test_no_movie_is_both_learnt_from_and_validated_on(movies: int, validation_size: float, seed: int) -> None:
    reviews = reviews_of(movies)
    parts = assign_parts(reviews, params(validation_size=validation_size, seed=seed))
    train, validation = movies_of(reviews, parts == "train"), movies_of(reviews, parts == "validation")
    assert train
    assert validation
    assert not train & validation


def test_the_share_of_movies_that_is_asked_for_is_validated_on() -> None:
    reviews = reviews_of(movies=40)
    parts = assign_parts(reviews, params(validation_size=0.25))
    # 20 of the 40 movies are in train, and a quarter of those is 5, with 4 reviews each.
    assert len(movies_of(reviews, parts == "validation")) == 5
    assert {part: int((parts == part).sum()) for part in ("train", "validation", "test")} == {
        "train": 60,
        "validation": 20,
        "test": 80,
    }


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_official_leaves_the_test_split_alone(seed: int) -> None:
    reviews = reviews_of()
    parts = assign_parts(reviews, params(seed=seed, test_size=0.9))
    assert ((parts == "test") == (reviews["split"] == "test")).all()


def test_random_draws_the_share_that_is_asked_for_from_both_splits_and_labels_alike() -> None:
    reviews = reviews_of(movies=10)
    reviews["label"] = [int(row % 4 == 0) for row in range(40)]  # 10 positive, 30 negative
    parts = assign_parts(reviews, params(split="random", test_size=0.2))
    tested = reviews[parts == "test"]
    assert tested["label"].value_counts().to_dict() == {0: 6, 1: 2}
    assert set(tested["split"]) == {"train", "test"}


def test_random_validates_by_movie_as_well() -> None:
    reviews = reviews_of(movies=20)
    parts = assign_parts(reviews, params(split="random"))
    assert not movies_of(reviews, parts == "train") & movies_of(reviews, parts == "validation")


@pytest.mark.parametrize("split", ["official", "random"])
def test_the_seed_alone_decides(split: str) -> None:
    reviews = reviews_of(movies=20)
    first, again, other = (assign_parts(reviews, params(split=split, seed=seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_columns_index_does_not_matter() -> None:
    reviews = reviews_of()
    relabelled = reviews.set_axis(range(1000, 1000 + len(reviews)))
    assert np.array_equal(assign_parts(reviews, params()), assign_parts(relabelled, params()))


def test_a_review_whose_movie_is_not_known_is_a_group_of_its_own() -> None:
    reviews = reviews_of(movies=8)
    reviews["movie_id"] = None
    parts = assign_parts(reviews, params(validation_size=0.5))
    # All under one unknown movie could not be divided; as 16 groups of one, half of them is 8.
    assert int((parts == "validation").sum()) == int((parts == "train").sum()) == 8


def test_known_movies_stay_whole_beside_unknown_ones() -> None:
    reviews = reviews_of(movies=20)
    reviews.loc[reviews["movie_id"] == "tt1", "movie_id"] = None
    parts = assign_parts(reviews, params(validation_size=0.5))
    known = reviews["movie_id"].notna()
    train, validation = (
        movies_of(reviews, known & (parts == "train")),
        movies_of(reviews, known & (parts == "validation")),
    )
    assert len(train | validation) == 9
    assert not train & validation


def only(split: str, label: int) -> pd.DataFrame:
    reviews = reviews_of()
    return reviews[(reviews["split"] != split) | (reviews["label"] == label)]


@pytest.mark.parametrize(
    ("reviews", "split", "message"),
    [
        (only("test", 1), "official", r"only the labels \[1\] in the test part"),
        (only("train", 0), "official", r"only the labels \[0\] in the train part"),
        (reviews_of()[lambda its: its["split"] == "train"], "official", r"only the labels \[\] in the test part"),
        (reviews_of()[lambda its: its["label"] == 0], "random", r"only the labels \[0\] in the labelled reviews"),
        (reviews_of(movies=2), "official", "1 movies in the train split"),
        (reviews_of()[lambda its: its["split"] == "test"], "official", "0 movies in the train split"),
    ],
)
def test_parts_that_cannot_be_learnt_from_are_refused(reviews: pd.DataFrame, split: str, message: str) -> None:
    with pytest.raises(SourceError, match=f"found {message}; expected"):
        assign_parts(reviews, params(split=split))


def test_a_validation_part_of_one_label_is_refused() -> None:
    reviews = reviews_of(movies=4)
    reviews["label"] = [
        int(movie == "tt1") if split == "train" else row % 2
        for row, (split, movie) in enumerate(zip(reviews["split"], reviews["movie_id"], strict=True))
    ]
    with pytest.raises(SourceError, match=r"found only the labels \[[01]\] in the train part; expected both 0 and 1"):
        assign_parts(reviews, params(validation_size=0.5))


def test_a_single_review_of_a_label_cannot_be_divided_at_random() -> None:
    reviews = reviews_of()
    reviews["label"] = [1] + [0] * (len(reviews) - 1)
    with pytest.raises(SourceError, match="label"):
        assign_parts(reviews, params(split="random"))


def test_a_test_share_that_leaves_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(SourceError, match="test_size"):
        assign_parts(reviews_of(), params(split="random", test_size=0.99))


def test_a_validation_share_that_leaves_no_movie_to_learn_from_is_refused() -> None:
    with pytest.raises(SourceError, match="validation_size"):
        assign_parts(reviews_of(), params(validation_size=0.99))
