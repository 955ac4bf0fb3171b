"""Word vectors: the counts by hand, what they are learnt from, and that order does not show."""

import json
import math
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow.parquet as pq
import pytest

from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.params import EmbedParams
from imdb_sentiment.vectors.cooccurrence import (
    SPREAD,
    count_cooccurrences,
    factorize,
    load_embeddings,
    positive_pointwise_mutual_information,
    scale,
)
from imdb_sentiment.vectors.skip_gram import learn_skip_gram
from tests.conftest import write_params
from tests.refusal import run_embed


def test_pairs_count_by_their_distance_within_a_review() -> None:
    counts = count_cooccurrences([[2, 3, 4, 2], [4], [3, 4]], 5, window=2).toarray()
    # At the distance 1 a pair counts 1, at 2 one half: 2-3, 3-4 (twice), 4-2; 2-4 and 3-2.
    expected = np.zeros((5, 5))
    expected[2, 3] = expected[3, 2] = 1 + 0.5
    expected[3, 4] = expected[4, 3] = 2
    expected[2, 4] = expected[4, 2] = 1 + 0.5
    np.testing.assert_allclose(counts, expected)


def test_an_unknown_word_counts_for_nothing_and_keeps_its_place() -> None:
    counts = count_cooccurrences([[2, 1, 3, 4]], 5, window=2).toarray()
    assert counts[2, 3] == 0.5
    assert counts[3, 4] == 1
    assert not counts[1].any()
    assert not counts[:, 1].any()


def test_a_word_with_itself_counts_both_ways() -> None:
    assert count_cooccurrences([[2, 2]], 3, window=1).toarray()[2, 2] == 2


@pytest.mark.parametrize("encoded", [[], [[]], [[2]], [[1, 1]]])
def test_reviews_without_a_pair_have_no_counts(encoded: list[list[int]]) -> None:
    assert count_cooccurrences(encoded, 4, window=3).nnz == 0


def test_the_order_of_the_reviews_does_not_show() -> None:
    rng = np.random.default_rng(0)
    encoded = [rng.integers(1, 30, rng.integers(0, 40)).tolist() for _ in range(50)]
    one, other = (count_cooccurrences(its, 30, window=5) for its in (encoded, encoded[::-1]))
    assert (one != other).nnz == 0
    vectors = [factorize(positive_pointwise_mutual_information(its), 8, seed=0) for its in (one, other)]
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_information_is_what_it_is_by_hand() -> None:
    counts = count_cooccurrences([[2, 3], [2, 3], [2, 4], [5, 4]], 6, window=1)
    found = positive_pointwise_mutual_information(counts).toarray()
    of_word = {2: 3.0, 3: 2.0, 4: 2.0, 5: 1.0}
    smoothed = {word: count**0.75 for word, count in of_word.items()}
    for word, context, count in ((2, 3, 2), (3, 2, 2), (2, 4, 1), (5, 4, 1)):
        expected = math.log(count * sum(smoothed.values()) / (of_word[word] * smoothed[context]))
        assert found[word, context] == pytest.approx(max(0, expected), rel=1e-5)
    assert found[3, 5] == 0


def test_words_of_the_same_company_are_near_each_other() -> None:
    # 2 and 3 stand between 6 and 7, 4 and 5 between 8 and 9, and never side by side.
    reviews = [[6, 2, 7], [6, 3, 7], [8, 4, 9], [8, 5, 9]] * 20
    vectors = factorize(positive_pointwise_mutual_information(count_cooccurrences(reviews, 10, 2)), 4, seed=0)

    def cosine(one: int, other: int) -> float:
        return float(vectors[one] @ vectors[other] / np.linalg.norm(vectors[one]) / np.linalg.norm(vectors[other]))

    assert cosine(2, 3) > 0.99
    assert cosine(4, 5) > 0.99
    assert abs(cosine(2, 4)) < 0.1


def test_vectors_have_their_spread_and_zeros_where_nothing_is_known() -> None:
    rng = np.random.default_rng(0)
    encoded = [rng.integers(1, 19, 30).tolist() for _ in range(50)]
    vectors = factorize(positive_pointwise_mutual_information(count_cooccurrences(encoded, 20, 3)), 40, seed=1)
    vectors = scale(vectors)
    assert vectors.shape == (20, 40)
    assert vectors.dtype == np.float32
    assert vectors[2:].std() == pytest.approx(SPREAD, rel=1e-4)
    assert not vectors[[0, 1, 19]].any()  # padding, the unknown token, and a word that never came
    assert not vectors[:, 20:].any()  # no more columns than tokens can tell


def test_nothing_to_learn_from_gives_zeros() -> None:
    assert not scale(factorize(positive_pointwise_mutual_information(count_cooccurrences([], 6, 2)), 3, seed=0)).any()


def learnt(folder: Path) -> bytes:
    assert run_embed(folder).exit_code == 0
    return (folder / "embeddings.npz").read_bytes()


def change_texts(folder: Path, is_changed: Any) -> None:
    reviews = pq.read_table(folder / "reviews.parquet")
    texts = [
        "A lovely film of long and lovely films." if is_changed(its) else its["text"] for its in reviews.to_pylist()
    ]
    column = reviews.schema.get_field_index("text")
    pq.write_table(reviews.set_column(column, reviews.schema.field(column), [texts]), folder / "reviews.parquet")


METHODS = get_args(EmbedParams.model_fields["method"].annotation)


@pytest.mark.parametrize("method", METHODS)
def test_vectors_come_from_train_and_unlabelled_reviews_alone(prepared: Path, method: str) -> None:
    write_params(prepared / "params.yaml", {"embed.method": method})
    learnt(prepared)
    before = (prepared / "embeddings.npz").read_bytes()
    with np.load(prepared / "sequences.npz") as arrays:
        others = {*arrays["validation_review_ids"].tolist(), *arrays["test_review_ids"].tolist()}
    change_texts(prepared, lambda its: its["review_id"] in others)
    assert learnt(prepared) == before
    change_texts(prepared, lambda its: its["split"] == "unsupervised")
    assert learnt(prepared) != before


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_the_table_does_not_show(prepared: Path, method: str) -> None:
    write_params(prepared / "params.yaml", {"embed.method": method})
    learnt(prepared)
    before = (prepared / "embeddings.npz").read_bytes()
    reviews = pq.read_table(prepared / "reviews.parquet")
    pq.write_table(reviews.take(np.arange(len(reviews))[::-1]), prepared / "reviews.parquet")
    assert learnt(prepared) == before


def test_vectors_are_read_as_they_were_written(prepared: Path) -> None:
    size = len(json.loads((prepared / "vocabulary.json").read_text(encoding="utf-8"))["tokens"])
    vectors = load_embeddings(prepared / "embeddings.npz", size, 4)
    assert vectors.shape == (size, 4)
    assert vectors.dtype == np.float32
    assert np.abs(vectors).max() > 0


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "no embeddings"),
        ({"embeddings": np.zeros((6, 4), np.float32)}, "float32 of shape (6, 4)"),
        ({"embeddings": np.zeros((5, 4), np.float16)}, "(5, 4)"),
        ({"embeddings": np.full((6, 4), np.nan, np.float16)}, "no numbers"),
    ],
)
def test_what_are_no_vectors_is_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "embeddings.npz", **arrays)
    with pytest.raises(ArtifactError) as caught:
        load_embeddings(tmp_path / "embeddings.npz", 6, 4)
    assert message in str(caught.value)


def test_skip_gram_puts_words_of_the_same_company_close_together() -> None:
    rng = np.random.default_rng(0)
    # 2 and 3 stand among 6 to 9, 4 and 5 among 10 to 13.
    company = {2: range(6, 10), 3: range(6, 10), 4: range(10, 14), 5: range(10, 14)}
    encoded = []
    for _ in range(10000):
        word = int(rng.integers(2, 6))
        encoded.append(np.array([*rng.choice(company[word], 2), word, *rng.choice(company[word], 2)], np.int32))
    vectors = learn_skip_gram(encoded, 15, 8, window=3, seed=0)
    assert vectors.shape == (15, 8)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    likeness = unit @ unit.T
    assert likeness[2, 3] > likeness[2, 4] + 0.1
    assert likeness[4, 5] > likeness[3, 5] + 0.1
    assert not vectors[[0, 1, 14]].any()  # padding, the unknown token, and a word that stands nowhere


@pytest.mark.parametrize("encoded", [[], [[]], [[2]], [[1, 1]]])
def test_skip_gram_of_reviews_without_a_pair_is_zeros(encoded: list[list[int]]) -> None:
    arrays = [np.array(ids, np.int32) for ids in encoded]
    assert not learn_skip_gram(arrays, 4, 3, window=2, seed=0).any()
