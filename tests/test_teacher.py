"""The teacher: what it reads, and that it is NB-SVM on the n-grams that it is given."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imdb_sentiment.ngrams.polarity import ORDERS, PolarityTable, learn_polarity
from imdb_sentiment.ngrams.teacher import encode_unlabelled, ngram_matrix, read_opinions, teach
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.text.encoder import TextEncoder
from tests.conftest import write_params
from tests.refusal import assert_refused_untouched, run_polarity
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
    ids, found = encode_unlabelled(prepared / "reviews.parquet", encoder)
    rows = [its for its in pq.read_table(prepared / "reviews.parquet").to_pylist() if its["split"] == "unsupervised"]
    expected = [encoder.encode(its["text"]) for its in sorted(rows, key=lambda its: its["review_id"])]
    assert ids == sorted(its["review_id"] for its in rows)
    assert found.shape == (len(rows), encoder.max_length)
    assert [[token for token in row if token] for row in found.tolist()] == expected


def write_opinions(path: Path, **columns: list[Any]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_opinions_are_found_by_the_ids_of_the_reviews(tmp_path: Path) -> None:
    path = write_opinions(tmp_path / "opinions.parquet", review_id=["c", "a", "b"], probability=[0.25, 0.5, 1.0])
    assert read_opinions(path, ["a", "c"]).tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"review_id": ["a"], "probability": [0.5]}, "found no opinion of 'b'"),
        ({"review_id": ["a", "b"], "probability": [0.5, 1.5]}, "expected numbers from 0 to 1"),
        ({"review_id": ["a", "b"], "probability": [0.5, None]}, "expected numbers from 0 to 1"),
        ({"review_id": ["a", "b"], "probability": [0.5, float("nan")]}, "expected numbers from 0 to 1"),
        ({"review_id": ["a", "b"], "probability": ["x", "y"]}, "found no table of opinions"),
        ({"review_id": ["a", "b"]}, "found no table of opinions"),
    ],
)
def test_what_are_no_opinions_is_refused(tmp_path: Path, columns: dict[str, list[Any]], said: str) -> None:
    path = write_opinions(tmp_path / "opinions.parquet", **columns)
    with pytest.raises(ArtifactError, match=said):
        read_opinions(path, ["a", "b"])


def test_a_teacher_that_is_not_there_is_refused(prepared: Path) -> None:
    write_params(prepared / "params.yaml", {"polarity.teacher": str(prepared / "nobody.parquet")})
    assert_refused_untouched(run_polarity, prepared, "nobody.parquet", "no such file", "linear, none")


def test_a_teacher_of_another_opinion_turns_the_polarity_round(prepared: Path) -> None:
    rows = [its for its in pq.read_table(prepared / "reviews.parquet").to_pylist() if its["split"] == "unsupervised"]
    learnt = []
    for probability in (0.0, 1.0):
        ids = [its["review_id"] for its in rows]
        write_opinions(prepared / "opinions.parquet", review_id=ids, probability=[probability] * len(ids))
        write_params(prepared / "params.yaml", {"polarity.teacher": str(prepared / "opinions.parquet")})
        assert run_polarity(prepared).exit_code == 0
        learnt.append(PolarityTable.load(prepared / "polarity.npz").log_odds[3])
    assert (learnt[0] < 0).all()
    np.testing.assert_array_equal(learnt[0], -learnt[1])
