"""Batches of reviews of similar length: each review once in an epoch, and little padding."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment.artifacts.batches import length_grouped_rows, take_batch
from tests.factories import make_sequences

LENGTHS = np.random.default_rng(0).permutation(np.arange(1, 201, dtype=np.int32))


def batches_by_epoch(seed: int | None = None, epochs: int = 1) -> list[list[list[int]]]:
    """Return the rows of each batch of 8 reviews, for each epoch."""
    rng = None if seed is None else np.random.default_rng(seed)
    return [[rows.tolist() for rows in length_grouped_rows(LENGTHS, 8, rng)] for _ in range(epochs)]


@settings(deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 70), st.none() | st.integers(0, 9))
def test_each_review_is_in_one_batch_and_only_one_batch_is_smaller(
    lengths: list[int], batch_size: int, seed: int | None
) -> None:
    rng = None if seed is None else np.random.default_rng(seed)
    batches = length_grouped_rows(np.array(lengths, np.int32), batch_size, rng)
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    full, rest = divmod(len(lengths), batch_size)
    assert sorted(len(rows) for rows in batches) == [rest] * (rest > 0) + [batch_size] * full


@pytest.mark.parametrize("trim", [True, False])
def test_batch_holds_ids_and_labels_of_its_reviews(trim: bool) -> None:
    sequences = make_sequences([[5, 6, 7], [2], [3, 4]], [1, 0, 1])
    inputs, labels = take_batch(sequences, np.array([2, 1]), trim=trim)
    assert inputs.keys() == {"token_ids"}
    token_ids = inputs["token_ids"]
    assert token_ids.tolist() == ([[3, 4], [2, 0]] if trim else [[3, 4, 0], [2, 0, 0]])
    assert labels.tolist() == [[1.0], [0.0]]
    assert token_ids.dtype == np.int32
    assert labels.dtype == np.float32


def test_batch_holds_polarity_where_the_sequences_do() -> None:
    polarity = np.arange(27, dtype=np.float16).reshape(3, 3, 3)
    sequences = replace(make_sequences([[5, 6, 7], [2], [3, 4]], [1, 0, 1]), polarity=polarity)
    inputs, _ = take_batch(sequences, np.array([2, 1]))
    np.testing.assert_array_equal(inputs["polarity"], polarity[[2, 1], :2].astype(np.float32), strict=True)


def test_reviews_of_equal_length_keep_their_order() -> None:
    batches = length_grouped_rows(np.array([3, 1, 3, 1, 3], np.int32), 2)
    assert [rows.tolist() for rows in batches] == [[1, 3], [0, 2], [4]]


def test_each_epoch_has_other_batches_in_another_order() -> None:
    first, second = batches_by_epoch(seed=0, epochs=2)
    # The batches differ, and not only their order.
    assert {frozenset(rows) for rows in first} != {frozenset(rows) for rows in second}
    for batches in (first, second):
        longest = [LENGTHS[rows].max() for rows in batches]
        assert longest != sorted(longest)


def test_equal_seeds_give_equal_batches() -> None:
    assert batches_by_epoch(seed=5, epochs=2) == batches_by_epoch(seed=5, epochs=2)
    assert batches_by_epoch(seed=5) != batches_by_epoch(seed=6)


def test_batches_have_little_padding() -> None:
    sequences = make_sequences([[1] * int(length) for length in LENGTHS], [row % 2 for row in range(200)])
    batches = length_grouped_rows(LENGTHS, 8, np.random.default_rng(0))
    real = int(LENGTHS.sum())
    computed = sum(take_batch(sequences, rows)[0]["token_ids"].size for rows in batches)
    # The lengths in a batch differ by up to about 8, and by 16 more by the jitter: by half of that on average.
    assert real <= computed < real + len(LENGTHS) * (8 + 16) / 2
    # In their original order the same reviews need 1.5 times as much.
    unsorted = sum(8 * int(LENGTHS[start : start + 8].max()) for start in range(0, 200, 8))
    assert computed < unsorted / 1.4
