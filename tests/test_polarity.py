"""n-gram polarity: counted by hand, and that no training review is told its own label."""

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.ngrams.polarity import (
    CHANNELS,
    MIN_REVIEWS,
    ORDERS,
    PolarityTable,
    distinct,
    find_ngrams,
    learn_polarity,
    learn_unlabelled_polarity,
    ngram_keys,
)
from imdb_sentiment.runtime.errors import ArtifactError
from tests.test_sequences import sequences_of

VOCABULARY_SIZE = 7


def corpus(count: int = 40, movies: int = 9, seed: int = 0) -> Sequences:
    """Return random reviews of few words, so that n-grams come back, unknown ones and padding among them."""
    rng = np.random.default_rng(seed)
    rows = [rng.integers(1, VOCABULARY_SIZE, rng.integers(1, 12)).tolist() for _ in range(count)]
    its = sequences_of(rows, rng.integers(0, 2, count).tolist(), 12)
    return replace(its, movies=rng.integers(0, movies, count).astype(np.int32))


def ngrams_of(ids: list[int], order: int) -> list[tuple[int, ...] | None]:
    """Return the n-gram that ends at each position, or None."""
    found = [tuple(ids[max(0, at - order + 1) : at + 1]) for at in range(len(ids))]
    return [its if len(its) == order and min(its) > 1 else None for its in found]


def rows_of(its: Sequences) -> list[list[int]]:
    return [ids[:length].tolist() for ids, length in zip(its.token_ids, its.lengths, strict=True)]


def polarity_by_hand(its: Sequences, order: int, without_movie: int | None = None) -> dict[tuple[int, ...], float]:
    counts: dict[tuple[int, ...], list[int]] = defaultdict(lambda: [0, 0])
    for ids, label, movie in zip(rows_of(its), its.labels, its.movies, strict=True):
        if movie != without_movie:
            for ngram in {ngram for ngram in ngrams_of(ids, order) if ngram}:
                counts[ngram][label] += 1
    return {key: math.log((p + 1) / (q + 1)) for key, (q, p) in counts.items() if p + q >= MIN_REVIEWS}


Y_PROB = np.array([0.9, 0.2, 0.6] * 14)[:40]


def table_of(its: Sequences) -> PolarityTable:
    """Return a table of `its` as the labelled reviews and, with probabilities, as the unlabelled ones."""
    tables, _ = learn_polarity(its, VOCABULARY_SIZE)
    tables += learn_unlabelled_polarity(its.token_ids, Y_PROB[: len(its)], VOCABULARY_SIZE)
    return PolarityTable(VOCABULARY_SIZE, tuple(keys for keys, _ in tables), tuple(odds for _, odds in tables))


def test_the_keys_of_ngrams_stand_where_they_end() -> None:
    token_ids = np.array([[5, 9, 0], [1, 2, 3]], np.int32)
    assert ngram_keys(token_ids, 1, 10).tolist() == [[5, 9, -1], [-1, 2, 3]]
    assert ngram_keys(token_ids, 2, 10).tolist() == [[-1, 59, -1], [-1, -1, 23]]
    assert ngram_keys(np.array([[2, 3, 4, 1, 5, 6, 7]], np.int32), 3, 10).tolist() == [[-1, -1, 234, -1, -1, -1, 567]]
    assert ngram_keys(np.array([[7]], np.int32), 3, 10).tolist() == [[-1]]


def test_the_largest_vocabulary_has_a_key_for_every_ngram() -> None:
    last = 2**21 - 1
    keys = ngram_keys(np.array([[last, last, last], [last, last, last - 1]], np.int32), 3, 2**21)[:, 2]
    assert keys.tolist() == [2**63 - 1, 2**63 - 2]


@pytest.mark.parametrize(
    ("values", "expected"), [([5, -1, 5, 2**62, -1], [-1, 5, 2**62]), ([7], [7]), ([7, 7], [7]), ([], [])]
)
def test_distinct_values_ascend(values: list[int], expected: list[int]) -> None:
    assert distinct(np.array(values, np.int64)).tolist() == expected


@pytest.mark.parametrize("seed", range(3))
def test_a_table_holds_the_log_odds_of_every_ngram_of_two_reviews(seed: int) -> None:
    its = corpus(seed=seed)
    table = table_of(its)
    channels = table.channels(its.token_ids)
    assert channels.shape == (40, 12, CHANNELS)
    for index, order in enumerate(ORDERS):
        by_hand = polarity_by_hand(its, order)
        assert by_hand
        assert len(table.keys[index]) == len(by_hand)
        for row, ids in enumerate(rows_of(its)):
            expected = [by_hand.get(ngram, 0.0) if ngram else 0.0 for ngram in ngrams_of(ids, order)]
            np.testing.assert_allclose(channels[row, : len(ids), index], expected, atol=2e-3)
            assert not channels[row, len(ids) :].any()


def test_an_unlabelled_review_counts_for_both_sides_by_its_probability() -> None:
    its = corpus()
    channels = table_of(its).channels(its.token_ids)
    for index, order in enumerate(ORDERS, len(ORDERS)):
        counts: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [0.0, 0.0, 0])
        for ids, probability in zip(rows_of(its), Y_PROB, strict=True):
            for ngram in {ngram for ngram in ngrams_of(ids, order) if ngram}:
                counts[ngram] = [
                    counts[ngram][0] + 1 - probability,
                    counts[ngram][1] + probability,
                    counts[ngram][2] + 1,
                ]
        for row, ids in enumerate(rows_of(its)):
            expected = [
                math.log((counts[ngram][1] + 1) / (counts[ngram][0] + 1))
                if ngram and counts[ngram][2] >= MIN_REVIEWS
                else 0.0
                for ngram in ngrams_of(ids, order)
            ]
            np.testing.assert_allclose(channels[row, : len(ids), index], expected, atol=2e-3)


@pytest.mark.parametrize("order", ORDERS)
def test_ngrams_are_found_wherever_they_stand(order: int) -> None:
    its = corpus()
    keys = table_of(its).keys[order - 1]
    reviews, places = find_ngrams(its.token_ids, order, keys, VOCABULARY_SIZE)
    found = sorted(zip(reviews.tolist(), keys[places].tolist(), strict=True))
    wanted = ngram_keys(its.token_ids, order, VOCABULARY_SIZE)
    assert found == sorted((row, key) for row in range(40) for key in wanted[row].tolist() if key in set(keys.tolist()))
    assert [len(one) for one in find_ngrams(its.token_ids, order, keys[:0], VOCABULARY_SIZE)] == [0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_a_training_review_sees_what_the_reviews_of_other_movies_say(seed: int) -> None:
    its = corpus(seed=seed)
    _, channels = learn_polarity(its, VOCABULARY_SIZE)
    for index, order in enumerate(ORDERS):
        for row, ids in enumerate(rows_of(its)):
            others = polarity_by_hand(its, order, without_movie=its.movies[row])
            expected = [others.get(ngram, 0.0) if ngram else 0.0 for ngram in ngrams_of(ids, order)]
            np.testing.assert_allclose(channels[row, : len(ids), index], expected, atol=2e-3)
            assert not channels[row, len(ids) :].any()


def test_the_labels_of_a_movie_change_nothing_in_what_its_own_reviews_see() -> None:
    its = corpus()
    own = its.movies == its.movies[0]
    flipped = replace(its, labels=np.where(own, 1 - its.labels, its.labels).astype(np.int8))
    (_, before), (_, after) = (learn_polarity(one, VOCABULARY_SIZE) for one in (its, flipped))
    np.testing.assert_array_equal(before[own], after[own])
    assert (before[~own] != after[~own]).any()


def test_what_no_training_review_says_is_neither_positive_nor_negative() -> None:
    table = table_of(sequences_of([[2, 3], [2, 3], [4]], [1, 1, 0]))
    channels = table.channels(np.array([[2, 3, 4, 5, 6, 0]], np.int32))
    np.testing.assert_allclose(channels[0, :, 0].astype(float), [math.log(3), math.log(3), 0, 0, 0, 0], atol=1e-3)
    np.testing.assert_allclose(channels[0, :, 1].astype(float), [0, math.log(3), 0, 0, 0, 0], atol=1e-3)
    assert len(table.keys[2]) == 0
    assert not channels[0, :, 2].any()


@pytest.mark.parametrize(
    "reviews", [corpus(), sequences_of([[2, 3], [2, 3], [4]], [1, 1, 0])], ids=["full", "no 3-gram"]
)
def test_a_table_comes_back_and_makes_the_same_bytes(tmp_path: Path, reviews: Sequences) -> None:
    table = table_of(reviews)
    for name in ("one", "two"):
        table.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    loaded = PolarityTable.load(tmp_path / "one")
    assert loaded.vocabulary_size == VOCABULARY_SIZE
    for found, expected in ((loaded.keys, table.keys), (loaded.log_odds, table.log_odds)):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other, strict=True)


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no size": (lambda its: its.pop("vocabulary_size"), "vocabulary_size None"),
    "a size of 0": (lambda its: its.update(vocabulary_size=np.array(0)), "vocabulary_size 0"),
    "several sizes": (lambda its: its.update(vocabulary_size=np.array([7, 7])), "vocabulary_size"),
    "a size in words": (lambda its: its.update(vocabulary_size=np.array("7")), "vocabulary_size 7"),
    "a size with decimals": (lambda its: its.update(vocabulary_size=np.array(7.5)), "vocabulary_size 7.5"),
    "a size too large": (lambda its: its.update(vocabulary_size=np.array(2**21 + 1)), "vocabulary_size 2097153"),
    "no keys": (lambda its: its.pop("steps_2"), "no table of channel 2"),
    "no log-odds": (lambda its: its.pop("log_odds_5"), "no table of channel 5"),
    "keys in a column": (
        lambda its: its.update({name: its[name][:, None] for name in ("steps_0", "log_odds_0")}),
        "no table of channel 0",
    ),
    "fewer log-odds": (lambda its: its.update(log_odds_3=its["log_odds_3"][1:]), "no table of channel 3"),
    "keys of another type": (lambda its: its.update(steps_1=its["steps_1"].astype(np.int32)), "channel 1 of int32"),
    "keys out of order": (lambda its: its["steps_1"].__setitem__(1, -1), "out of order"),
    "a key twice": (lambda its: its["steps_4"].__setitem__(1, 0), "out of order"),
    "no numbers": (lambda its: its["log_odds_1"].__setitem__(0, np.nan), "log-odds of channel 1"),
    "log-odds of another type": (lambda its: its.update(log_odds_1=its["log_odds_1"].astype(float)), "float64"),
}


@pytest.mark.parametrize(("change", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_table_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    table_of(corpus()).save(tmp_path / "table.npz")
    with np.load(tmp_path / "table.npz") as file:
        arrays = dict(file)
    change(arrays)
    np.savez(tmp_path / "table.npz", **arrays)
    with pytest.raises(ArtifactError) as caught:
        PolarityTable.load(tmp_path / "table.npz")
    assert str(caught.value).startswith(f"{tmp_path / 'table.npz'}: found ")
    assert message in str(caught.value)
