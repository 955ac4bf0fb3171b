"""NB-SVM (Wang, Manning 2012): n-grams weighted by their log-count ratio, and a linear classifier."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from imdb_sentiment.text.tokenization import tokenize

INVERSE_PENALTY: Final = 0.1  # of the most accurate run known on this dataset
SMOOTHING: Final = 1.0


class LogCountRatio(TransformerMixin, BaseEstimator):
    """Multiplies each n-gram by the log of how much more often positive texts contain it (equation 1)."""

    def fit(self, counts: sparse.csr_matrix, labels: NDArray[np.int8]) -> "LogCountRatio":
        """Learn the ratio of each column of `counts [B, V]`, which are 0 or 1, from `labels [B]`, 1 for positive."""
        positive, negative = (np.asarray(counts[labels == label].sum(axis=0)).ravel() + SMOOTHING for label in (1, 0))
        self.ratio_ = np.log((positive / positive.sum()) / (negative / negative.sum())).astype(np.float32)
        return self

    def transform(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return `counts [B, V]` with each column multiplied by its ratio."""
        return counts.multiply(self.ratio_).tocsr()


def create_nb_svm() -> Pipeline:
    """Return the pipeline from texts to probabilities: 1- to 3-grams, log-count ratios, logistic regression.

    Logistic regression stands in for the paper's SVM, as in later work, because it gives probabilities.
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


def positive_probabilities(model: Pipeline, texts: Iterable[str]) -> NDArray[np.float64]:
    """Return the probabilities of the positive class, `float64 [B]`."""
    probabilities: NDArray[np.float64] = model.predict_proba(texts)
    return probabilities[:, 1]
