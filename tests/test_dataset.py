"""The split of the labelled reviews, and the arrays of token ids that come of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_sentiment.artifacts.sequences import PARTS, load_sequences, pad
from imdb_sentiment.artifacts.vocabulary import SPECIAL_TOKENS
from imdb_sentiment.dataset.preprocess import preprocess_text_data
from imdb_sentiment.dataset.splits import assign_parts
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.params import PreprocessParams, load_params
from imdb_sentiment.text.encoder import TextEncoder
from imdb_sentiment.text.tokenization import tokenize
from tests.factories import change_reviews, snapshot, write_params
from tests.stage_runs import assert_stage_refuses, run_stages


def preprocess_params(**changes: Any) -> PreprocessParams:
    shares = {"split": "official", "test_size": 0.25, "validation_size": 0.25, "head_share": 0.25}
    return PreprocessParams(**{**shares, "vocabulary_size": 10, "max_length": 5, "seed": 0, **changes})


def create_reviews(movies: int = 8, reviews_per_movie: int = 4) -> pd.DataFrame:
    """Return reviews of both labels of each movie, half of the movies in train and half in test."""
    rows = [
        {
            "review_id": f"{movie}_{number}",
            "split": "train" if movie % 2 else "test",
            "label": number % 2,
            "group": f"tt{movie}",
            "text": f"Review {number} of {movie}.",
        }
        for movie in range(movies)
        for number in range(reviews_per_movie)
    ]
    return pd.DataFrame(rows)


def movies_of(reviews: pd.DataFrame, chosen: Any) -> set[str]:
    return set(reviews["group"][chosen])


@pytest.mark.parametrize("split", ["official", "random"])
@given(st.integers(10, 20), st.floats(0.1, 0.5), st.integers(0, 2**32 - 1))
def test_no_movie_is_in_train_and_in_validation(split: str, movies: int, share: float, seed: int) -> None:
    reviews = create_reviews(movies)
    parts = assign_parts(reviews, preprocess_params(split=split, validation_size=share, seed=seed))
    train, validation = movies_of(reviews, parts == "train"), movies_of(reviews, parts == "validation")
    assert train
    assert validation
    assert not train & validation


def test_official_split_keeps_the_test_reviews_and_draws_a_share_of_the_movies() -> None:
    reviews = create_reviews(movies=40)
    parts = assign_parts(reviews, preprocess_params(test_size=0.9))
    assert ((parts == "test") == (reviews["split"] == "test")).all()
    # 20 of the 40 movies are in train, and a quarter of those is 5, with 4 reviews each.
    assert len(movies_of(reviews, parts == "validation")) == 5
    assert [int((parts == part).sum()) for part in PARTS] == [60, 20, 80]


def test_without_test_reviews_a_share_is_drawn_that_tears_apart_no_group_and_no_copies() -> None:
    reviews = create_reviews(movies=60).assign(split="train")
    reviews.loc[reviews["review_id"].isin(["0_0", "7_1", "30_2"]), "text"] = "The same words."
    parts = assign_parts(reviews, preprocess_params(test_size=0.2, validation_size=0.1))
    for one, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
        assert not movies_of(reviews, parts == one) & movies_of(reviews, parts == other)
    assert len(set(parts[reviews["text"] == "The same words."])) == 1
    tested = reviews["label"][parts == "test"]
    assert 0.15 <= len(tested) / len(reviews) <= 0.25
    assert 0.4 <= tested.mean() <= 0.6
    assert np.array_equal(parts, assign_parts(reviews, preprocess_params(test_size=0.2, validation_size=0.1)))


def test_validation_reviews_that_the_source_names_are_kept() -> None:
    reviews = create_reviews(movies=12)
    reviews.loc[reviews["group"] == "tt1", "split"] = "validation"
    parts = assign_parts(reviews, preprocess_params())
    assert ((parts == "validation") == (reviews["split"] == "validation")).all()
    assert ((parts == "test") == (reviews["split"] == "test")).all()


def test_random_split_draws_a_share_of_all_reviews_stratified_by_label() -> None:
    reviews = create_reviews(movies=10)
    reviews["label"] = [int(row % 4 == 0) for row in range(40)]  # 10 positive, 30 negative
    tested = reviews[assign_parts(reviews, preprocess_params(split="random", test_size=0.2)) == "test"]
    assert tested["label"].value_counts().to_dict() == {0: 6, 1: 2}
    assert set(tested["split"]) == {"train", "test"}


@pytest.mark.parametrize("split", ["official", "random"])
def test_the_split_depends_on_the_seed_and_not_on_the_index(split: str) -> None:
    reviews = create_reviews(movies=20)
    first, other = (assign_parts(reviews, preprocess_params(split=split, seed=seed)) for seed in (3, 4))
    renumbered = reviews.set_axis(range(1000, 1000 + len(reviews)))
    assert np.array_equal(first, assign_parts(renumbered, preprocess_params(split=split, seed=3)))
    assert not np.array_equal(first, other)


def test_reviews_of_unknown_movies_are_groups_of_their_own() -> None:
    reviews = create_reviews(movies=8)
    reviews["group"] = None
    parts = assign_parts(reviews, preprocess_params(validation_size=0.5))
    # All under one unknown movie could not be divided; as 16 groups of one, half of them is 8.
    assert int((parts == "validation").sum()) == int((parts == "train").sum()) == 8


def without(split: str, label: int) -> pd.DataFrame:
    reviews = create_reviews()
    return reviews[(reviews["split"] != split) | (reviews["label"] == 1 - label)]


@pytest.mark.parametrize(
    ("reviews", "changes", "message"),
    [
        (without("test", 1), {}, r"found only the labels \[0\] in the test part; expected both 0 and 1"),
        (without("train", 0), {}, r"found only the labels \[1\] in the train part"),
        (create_reviews(movies=2), {}, "found 1 groups \\(films\\) in the train split; expected 2 or more"),
        (create_reviews()[lambda table: table["label"] == 0], {"split": "random"}, r"labels \[0\] in the labelled"),
        (create_reviews().assign(label=[1] + [0] * 31), {"split": "random"}, "label"),
        (create_reviews(), {"split": "random", "test_size": 0.99}, "test_size of 0.99"),
        (create_reviews(), {"split": "random", "test_size": 0.01}, "test_size of 0.01"),
        (create_reviews(), {"validation_size": 0.99}, "validation_size of 0.99"),
    ],
)
def test_splits_without_both_labels_in_each_part_are_refused(
    reviews: pd.DataFrame, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        assign_parts(reviews, preprocess_params(**changes))


def test_preprocess_encodes_the_reviews_of_each_part(prepared_once: Path) -> None:
    params = load_params(prepared_once / "params.yaml").preprocess
    parts, encoder = preprocess_text_data(prepared_once / "data/reviews.parquet", params)
    table = pq.read_table(prepared_once / "data/reviews.parquet").to_pandas().set_index("review_id")
    for name, part in parts.items():
        rows = table.loc[part.review_ids.tolist()]
        assert part.review_ids.tolist() == sorted(part.review_ids.tolist())
        assert part.labels.tolist() == rows["label"].tolist()
        assert part.token_ids.tolist() == pad([encoder.encode(text) for text in rows["text"]], 12).tolist()
        assert (set(rows["split"]) == {"test"}) == (name == "test")
    train_texts = table.loc[parts["train"].review_ids.tolist(), "text"]
    assert set(encoder.tokens[len(SPECIAL_TOKENS) :]) <= {token for text in train_texts for token in tokenize(text)}


def test_reviews_that_are_also_learned_from_are_marked(prepared: Path) -> None:
    parts = load_sequences(prepared / "data/sequences.npz")
    train_id, test_id = (str(parts[name].review_ids[0]) for name in ("train", "test"))
    twice = (train_id, test_id)
    change_reviews(
        prepared, lambda rows: [row | {"text": "Twice."} if row["review_id"] in twice else row for row in rows]
    )
    params = load_params(prepared / "params.yaml").preprocess
    changed, _ = preprocess_text_data(prepared / "data/reviews.parquet", params)
    assert changed["test"].review_ids[changed["test"].seen_in_train].tolist() == [test_id]
    assert not changed["train"].seen_in_train.any()


def test_preprocess_does_not_depend_on_the_order_of_the_reviews(prepared: Path) -> None:
    before = snapshot(prepared / "data")
    change_reviews(prepared, lambda rows: rows[::-1])
    run_stages(prepared, "preprocess")
    after = snapshot(prepared / "data")
    for name in ("sequences.npz", "vocabulary.json"):
        assert after[name] == before[name]
    assert TextEncoder.load(prepared / "data/vocabulary.json").max_length == 12


def test_preprocess_rejects_tables_that_cannot_be_split(prepared: Path) -> None:
    change_reviews(prepared, lambda rows: [row for row in rows if row["split"] != "test" or row["label"] == 0])
    assert_stage_refuses("preprocess", prepared, "data/reviews.parquet: found only the labels [0] in the test part")
    change_reviews(prepared, lambda rows: [row | {"label": None} for row in rows])
    assert_stage_refuses("preprocess", prepared, "data/reviews.parquet: found no labelled review")


def test_preprocess_shortens_reviews_to_the_maximal_length(prepared: Path) -> None:
    write_params(prepared / "params.yaml", {"preprocess.max_length": "3", "preprocess.vocabulary_size": "20"})
    run_stages(prepared, "preprocess")
    parts = load_sequences(prepared / "data/sequences.npz", 20)
    assert {part.token_ids.shape[1] for part in parts.values()} == {3}
