"""The linear peer: NB-SVM by hand on a few texts, and on which reviews it is fitted and measured."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from imdb_sentiment.ngrams.nb_svm import LogCountRatio, create_nb_svm, fit_baseline, ngrams, positive_probabilities
from imdb_sentiment.runtime.errors import ArtifactError
from tests.refusal import run_baseline

TEXTS = ["good film", "a good story!", "bad film", "a bad, bad story"]
LABELS = np.array([1, 1, 0, 0], np.int8)


def test_ngrams_are_of_one_to_three_tokens() -> None:
    assert ngrams("So good!") == ["so", "good", "!", "so good", "good !", "so good !"]
    assert ngrams("Good") == ["good"]
    assert ngrams("") == []


def test_the_ratio_of_an_ngram_is_what_it_is_by_hand() -> None:
    from scipy import sparse

    counts = sparse.csr_matrix(np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1]], np.float32))
    ratios = LogCountRatio().fit(counts, np.array([1, 1, 0], np.int8))
    # Positive texts have 3, 2, 1 with one added to each; negative ones 1, 2, 2.
    expected = np.log(np.array([3, 2, 1]) / 6) - np.log(np.array([1, 2, 2]) / 5)
    np.testing.assert_allclose(ratios.ratio_, expected, rtol=1e-6)
    np.testing.assert_allclose(ratios.transform(counts).toarray(), counts.toarray() * expected, rtol=1e-6)


def test_it_tells_texts_apart_and_counts_an_ngram_once() -> None:
    model = create_nb_svm().fit(TEXTS, LABELS)
    y_prob = positive_probabilities(model, ["a good film", "a bad film", "bad", "bad bad bad"])
    assert y_prob[0] > 0.5 > y_prob[1]
    # "bad bad" was not in a text without a comma between: what comes twice tells no more than what comes once.
    assert y_prob[2] == y_prob[3]


def parts_of(folder: Path) -> dict[str, Any]:
    with np.load(folder / "sequences.npz") as arrays:
        return dict(arrays)


def test_it_is_fitted_to_train_and_validation_and_measured_on_test(prepared: Path) -> None:
    model, evaluation = fit_baseline(prepared / "reviews.parquet", prepared / "sequences.npz")
    arrays = parts_of(prepared)
    np.testing.assert_array_equal(evaluation.review_ids, arrays["test_review_ids"])
    np.testing.assert_array_equal(evaluation.y_true, arrays["test_labels"])
    texts = pq.read_table(prepared / "reviews.parquet").to_pandas().set_index("review_id")["text"]
    learnt_from = [*arrays["train_review_ids"], *arrays["validation_review_ids"]]
    assert set(model[0].vocabulary_) == {ngram for review_id in learnt_from for ngram in ngrams(texts[review_id])}
    expected = positive_probabilities(model, [texts[review_id] for review_id in arrays["test_review_ids"]])
    np.testing.assert_array_equal(evaluation.y_prob, expected)


def test_a_review_that_is_not_in_the_table_is_named(prepared: Path) -> None:
    table = pq.read_table(prepared / "reviews.parquet")
    pq.write_table(table.slice(1), prepared / "reviews.parquet")
    gone = table["review_id"][0].as_py()
    with pytest.raises(ArtifactError, match=f"found no labelled review '{gone}'"):
        fit_baseline(prepared / "reviews.parquet", prepared / "sequences.npz")


def test_the_stage_writes_what_evaluate_writes_and_the_same_bytes_again(trained: Path) -> None:
    names = ("baseline.json", "baseline_behaviour.json", "baseline.csv")
    before = [(trained / name).read_bytes() for name in names]
    result = run_baseline(trained)
    assert result.exit_code == 0
    assert [(trained / name).read_bytes() for name in names] == before
    metrics = json.loads((trained / "baseline.json").read_text(encoding="utf-8"))
    assert result.stdout.startswith(f"loss {metrics['loss']:.4f}  accuracy {metrics['accuracy']:.4f}")
    table = pd.read_csv(trained / "baseline.csv")
    assert (table["actual"] == table["predicted"]).mean() == pytest.approx(metrics["accuracy"])
