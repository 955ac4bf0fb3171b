"""Texts that are new: the same way to the model as the pipeline's own reviews, and the same probabilities."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tests.refusal import run_evaluate


def test_a_review_gets_the_probability_that_evaluate_gives_it(trained: Path) -> None:
    from imdb_sentiment.inference import TextClassifier
    from imdb_sentiment.metrics import read_predictions

    assert run_evaluate(trained).exit_code == 0
    predictions = read_predictions(trained / "predictions.csv")
    texts = pq.read_table(trained / "reviews.parquet").to_pandas().set_index("review_id")["text"]
    names = ("model", "vocabulary.json", "polarity.npz")
    classifier = TextClassifier.load(*(trained / name for name in names))
    found = classifier.predict([texts[review_id] for review_id in predictions.index])
    np.testing.assert_allclose(found, predictions["probability"], atol=2e-6)
    alone = [classifier.predict([texts[review_id]])[0] for review_id in predictions.index[:4]]
    np.testing.assert_allclose(alone, found[:4], atol=1e-6)
    assert 0 < classifier.predict([""])[0] < 1
