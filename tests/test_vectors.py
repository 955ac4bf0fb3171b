"""Word vectors: the counts by hand, and from which reviews they are learned."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from imdb_sentiment.artifacts.sequences import load_sequences
from imdb_sentiment.runtime.params import EmbedParams
from imdb_sentiment.vectors.cooccurrence import (
    count_cooccurrences,
    learn_cooccurrence,
    positive_pointwise_mutual_information,
)
from imdb_sentiment.vectors.embed import STANDARD_DEVIATION, scale
from imdb_sentiment.vectors.skip_gram import learn_skip_gram
from tests.factories import change_reviews, write_params
from tests.stage_runs import run_stages

METHODS = get_args(EmbedParams.model_fields["method"].annotation)


def encode(*reviews: list[int]) -> list[NDArray[np.int32]]:
    return [np.array(review, np.int32) for review in reviews]


def draw_reviews() -> list[NDArray[np.int32]]:
    rng = np.random.default_rng(0)
    return encode(*(rng.integers(1, 19, rng.integers(0, 40)).tolist() for _ in range(50)))


def test_pairs_count_by_their_distance_within_a_review() -> None:
    counts = count_cooccurrences(encode([2, 3, 4, 2], [4], [3, 4]), 5, window=2).toarray()
    # At the distance 1 a pair counts 1, at 2 one half: 2-3, 3-4 (twice), 4-2; 2-4 and 3-2.
    expected = np.zeros((5, 5))
    expected[2, 3] = expected[3, 2] = 1 + 0.5
    expected[3, 4] = expected[4, 3] = 2
    expected[2, 4] = expected[4, 2] = 1 + 0.5
    np.testing.assert_allclose(counts, expected)
    assert count_cooccurrences(encode([2, 2]), 3, window=1).toarray()[2, 2] == 2


def test_unknown_words_are_not_counted_and_keep_their_place() -> None:
    counts = count_cooccurrences(encode([2, 1, 3, 4]), 5, window=2).toarray()
    assert (counts[2, 3], counts[3, 4]) == (0.5, 1)
    assert not counts[1].any()
    assert not counts[:, 1].any()


def test_mutual_information_is_what_it_is_by_hand() -> None:
    counts = count_cooccurrences(encode([2, 3], [2, 3], [2, 4], [5, 4]), 6, window=1)
    found = positive_pointwise_mutual_information(counts).toarray()
    words = {2: 3.0, 3: 2.0, 4: 2.0, 5: 1.0}
    smoothed = {word: count**0.75 for word, count in words.items()}
    for word, context, count in ((2, 3, 2), (3, 2, 2), (2, 4, 1), (5, 4, 1)):
        expected = math.log(count * sum(smoothed.values()) / (words[word] * smoothed[context]))
        assert found[word, context] == pytest.approx(max(0, expected), rel=1e-5)
    assert found[3, 5] == 0


def test_scaled_vectors_have_a_fixed_spread_and_zeros_where_nothing_is_known() -> None:
    vectors = scale(learn_cooccurrence(draw_reviews(), 20, 40, window=3, seed=1))
    assert vectors.shape == (20, 40)
    assert vectors.dtype == np.float32
    assert vectors[2:].std() == pytest.approx(STANDARD_DEVIATION, rel=1e-4)
    assert not vectors[[0, 1, 19]].any()  # padding, the unknown token, and a word that never came
    assert not vectors[:, 20:].any()  # no more columns than the matrix has


def test_cooccurrence_vectors_do_not_depend_on_the_order_of_the_reviews() -> None:
    reviews = draw_reviews()
    vectors = [learn_cooccurrence(order, 30, 8, window=5, seed=0) for order in (reviews, reviews[::-1])]
    np.testing.assert_array_equal(vectors[0], vectors[1])


@pytest.mark.parametrize("learn", [learn_cooccurrence, learn_skip_gram])
def test_words_of_the_same_context_have_near_vectors(learn: Callable[..., NDArray[np.float32]]) -> None:
    rng = np.random.default_rng(0)
    # 2 and 3 stand among 6 to 9, 4 and 5 among 10 to 13.
    contexts = {2: range(6, 10), 3: range(6, 10), 4: range(10, 14), 5: range(10, 14)}
    words = rng.integers(2, 6, 5000).tolist()
    reviews = encode(*([*rng.choice(contexts[word], 2), word, *rng.choice(contexts[word], 2)] for word in words))
    vectors = learn(reviews, 15, 8, window=3, seed=0)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    cosines = unit @ unit.T
    assert cosines[2, 3] > cosines[2, 4] + 0.1
    assert cosines[4, 5] > cosines[3, 5] + 0.1
    assert not vectors[[0, 1, 14]].any()


@pytest.mark.parametrize("learn", [learn_cooccurrence, learn_skip_gram])
@pytest.mark.parametrize("reviews", [[], [[]], [[2]], [[1, 1]]])
def test_reviews_without_pairs_give_zeros(learn: Callable[..., NDArray[np.float32]], reviews: list[list[int]]) -> None:
    assert not scale(learn(encode(*reviews), 6, 3, window=2, seed=0)).any()


def embed(workspace: Path) -> bytes:
    run_stages(workspace, "embed")
    return (workspace / "data/embeddings.npz").read_bytes()


@pytest.mark.parametrize("method", METHODS)
def test_embed_learns_from_train_and_unlabelled_reviews_in_any_order(prepared: Path, method: str) -> None:
    write_params(prepared / "params.yaml", {"embed.method": method})
    before = embed(prepared)
    parts = load_sequences(prepared / "data/sequences.npz")
    others = {*parts["validation"].review_ids.tolist(), *parts["test"].review_ids.tolist()}
    change_reviews(
        prepared, lambda rows: [row | {"text": "Films."} if row["review_id"] in others else row for row in rows[::-1]]
    )
    assert embed(prepared) == before
    change_reviews(
        prepared, lambda rows: [row | {"text": "Films."} if row["split"] == "unsupervised" else row for row in rows]
    )
    assert embed(prepared) != before
