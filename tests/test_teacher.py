"""The teacher: what it reads, and that it is NB-SVM on the n-grams that it is given."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from imdb_sentiment.encoding import TextEncoder
from imdb_sentiment.polarity import ORDERS, learn_polarity
from imdb_sentiment.teacher import encode_unlabelled, ngram_matrix, teach
from tests.test_sequences import sequences_of

VOCABULARY_SIZE = 12
# 2 and 3 are of positive reviews, 4 and 5 of negative ones, 6 to 9 of both.
ROWS = [[2, 6, 7], [3, 8, 2], [2, 3, 9], [4, 6, 9], [5, 7, 4], [4, 5, 8]]
TRAIN = sequences_of(ROWS * 3, [1, 1, 1, 0, 0, 0] * 3)


def test_a_matrix_says_which_review_has_which_ngram_and_once() -> None:
    keys = tuple(np.array(its, np.int64) for its in ([2, 5], [2 * 12 + 5], []))
    found = ngram_matrix(np.array([[2, 5, 2, 5], [6, 2, 0, 0], [5, 0, 0, 0]], np.int32), keys, 12)
    assert found.toarray().tolist() == [[1, 1, 1], [1, 0, 0], [0, 1, 0]]


def test_it_tells_reviews_apart_by_what_the_labelled_ones_have() -> None:
    tables, _ = learn_polarity(TRAIN, VOCABULARY_SIZE)
    keys = tuple(its for its, _ in tables)
    assert len(keys) == len(ORDERS)
    unlabelled = np.array([[2, 3, 6], [4, 5, 6], [10, 11, 0]], np.int32)
    y_prob = teach(TRAIN, unlabelled, keys, VOCABULARY_SIZE)
    assert y_prob[0] > 0.6
    assert y_prob[1] < 0.4
    assert abs(y_prob[2] - 0.5) < 0.05  # it has never seen a word of it


def test_the_unlabelled_reviews_are_encoded_as_the_others_and_sorted(prepared: Path) -> None:
    encoder = TextEncoder.load(prepared / "vocabulary.json")
    found = encode_unlabelled(prepared / "reviews.parquet", encoder)
    rows = [its for its in pq.read_table(prepared / "reviews.parquet").to_pylist() if its["split"] == "unsupervised"]
    expected = [encoder.encode(its["text"]) for its in sorted(rows, key=lambda its: its["review_id"])]
    assert found.shape == (len(rows), encoder.max_length)
    assert [[token for token in ids if token] for ids in found.tolist()] == expected
