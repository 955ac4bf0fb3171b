"""The linear peer: NB-SVM, which a neural network has to beat to be worth its training time."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from imdb_sentiment.artifacts.reviews import iterate_reviews
from imdb_sentiment.artifacts.sequences import load_sequences
from imdb_sentiment.evaluation.metrics import Evaluation, classification_metrics
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.progress import Progress, no_progress, track
from imdb_sentiment.text.tokenization import tokenize

INVERSE_PENALTY: Final = 0.1  # as in the best run known of it on this dataset
SMOOTHING: Final = 1.0


class LogCountRatio(TransformerMixin, BaseEstimator):
    """Multiplies each n-gram by how much oftener the positive texts have it (Wang, Manning 2012, equation 1)."""

    def fit(self, counts: sparse.csr_matrix, labels: NDArray[np.int8]) -> "LogCountRatio":
        """Learn the ratio of each column of `counts [B, V]`, which are 0 or 1, from `labels [B]`, 1 for positive."""
        positive, negative = (np.asarray(counts[labels == label].sum(axis=0)).ravel() + SMOOTHING for label in (1, 0))
        self.ratio_ = np.log((positive / positive.sum()) / (negative / negative.sum())).astype(np.float32)
        return self

    def transform(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return `counts [B, V]` with each column multiplied by its ratio."""
        return counts.multiply(self.ratio_).tocsr()


def create_nb_svm() -> Pipeline:
    """Return the pipeline from texts to probabilities: which 1-3-grams there are, their ratios, logistic regression.

    Logistic regression takes the place of the SVM of the paper, as in all that was built on it: it gives probabilities.
    """
    return make_pipeline(
        CountVectorizer(analyzer=ngrams, binary=True, dtype=np.float32),
        LogCountRatio(),
        LogisticRegression(C=INVERSE_PENALTY, solver="liblinear"),
    )


def ngrams(text: str) -> list[str]:
    """Return the 1-, 2- and 3-grams of the project's own tokens: `ngrams("So good!")` has "so", "so good", ..."""
    tokens = tokenize(text)
    pairs = [f"{one} {two}" for one, two in pairwise(tokens)]
    return tokens + pairs + [f"{pair} {three}" for pair, three in zip(pairs, tokens[2:], strict=False)]


def fit_baseline(reviews: Path, sequences: Path, progress: Progress = no_progress) -> tuple[Pipeline, Evaluation]:
    """Fit NB-SVM to the split of the npz file `sequences` and evaluate it on the test part.

    It has nothing to choose, and so learns from the validation part, too: all the labelled reviews that there are for
    training. The texts are those of the Parquet table `reviews`. Raises ArtifactError.
    """
    parts = load_sequences(sequences)
    texts = _labelled_texts(reviews)

    def texts_of(ids: Iterable[str]) -> list[str]:
        try:
            return [texts[str(review_id)] for review_id in ids]
        except KeyError as error:
            raise ArtifactError(reviews, f"no labelled review {error}", f"each review of {sequences}") from error

    train_ids = [*parts["train"].review_ids, *parts["validation"].review_ids]
    train_labels = np.concatenate([parts["train"].labels, parts["validation"].labels])
    train_texts, test_texts = texts_of(train_ids), texts_of(parts["test"].review_ids)
    model = create_nb_svm()
    counted = model[0].fit_transform(track(progress, train_texts, "Counting n-grams", len(train_texts), "reviews"))
    with progress("Fitting NB-SVM", None, ""):
        model[1:].fit(counted, train_labels)  # a slice shares the steps with the whole
    shown = track(progress, test_texts, "Predicting", len(test_texts), "reviews")
    y_prob = positive_probabilities(model, shown)
    test = parts["test"]
    metrics: dict[str, Any] = classification_metrics(test.labels, y_prob, test.seen_in_train)
    return model, Evaluation(test.review_ids, test.labels, y_prob, metrics)


def positive_probabilities(model: Pipeline, texts: Iterable[str]) -> NDArray[np.float64]:
    """Return the probabilities of the positive class, `float64 [B]`."""
    probabilities: NDArray[np.float64] = model.predict_proba(texts)
    return probabilities[:, 1]


def _labelled_texts(reviews: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for batch in iterate_reviews(reviews, ["review_id", "label", "text"]):
        labelled = batch.filter(batch["label"].is_valid())
        texts |= zip(labelled["review_id"].to_pylist(), labelled["text"].to_pylist(), strict=True)
    return texts
