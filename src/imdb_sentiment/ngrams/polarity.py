"""n-gram polarity: how positive the training reviews are that contain a word or phrase.

For each position t of a review, one number an order n: the log-odds of the n-gram that ends at t,
`log((p + 1) / (q + 1))` with p and q the number of positive and negative training reviews that contain it. It is the
naive Bayes log-count ratio of NB-SVM (Wang, Manning 2012, equation 1), given to the LSTM in the order of the text.
A second set of channels is counted in the unlabelled reviews, with the labels of a teacher (see `teacher`).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.polarity import ORDERS, Halves, Keys, find_keys, ngram_keys
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.runtime.progress import Progress, no_progress, track

MIN_REVIEWS: Final = 2  # an n-gram of a single review repeats that review's label
Floats = NDArray[np.float64]
Table = tuple[Keys, Halves]  # keys int64 [G], ascending, and log-odds float16 [G]


def learn_polarity(
    train: Sequences, vocabulary_size: int, progress: Progress = no_progress
) -> tuple[list[Table], Halves]:
    """Return the table of each order by the train part, and the channels `float16 [B, T, 3]` to train on.

    The channels of a training review count only the reviews of *other films*. With its own label counted, the channels
    would leak the label; with other reviews of its film counted, they would learn the names and the plot of good films,
    which are of no use for a new film.
    """
    tables = []
    channels = np.zeros((*train.token_ids.shape, len(ORDERS)), np.float16)
    for index in track(progress, range(len(ORDERS)), "Counting phrases", len(ORDERS), "orders"):
        ngrams = ngram_keys(train.token_ids, ORDERS[index], vocabulary_size)
        rows, steps = np.nonzero(ngrams >= 0)
        table, held_out = _count(ngrams[rows, steps], rows, train)
        tables.append(table)
        channels[rows, steps, index] = held_out
    return tables, channels


def learn_unlabelled_polarity(
    token_ids: NDArray[np.int32], y_prob: Floats, vocabulary_size: int, progress: Progress = no_progress
) -> list[Table]:
    """Return the table of each order by reviews `int32 [B, T]` that are positive with the probability `y_prob [B]`."""
    tables = []
    for order in track(progress, ORDERS, "Counting phrases", len(ORDERS), "orders"):
        ngrams = ngram_keys(token_ids, order, vocabulary_size)
        rows, steps = np.nonzero(ngrams >= 0)
        keys, ngram = np.unique(ngrams[rows, steps], return_inverse=True)
        counted, review = np.divmod(distinct(ngram * len(token_ids) + rows), len(token_ids))
        reviews = np.bincount(counted, minlength=len(keys)).astype(np.float64)
        positive = np.bincount(counted, y_prob[review], minlength=len(keys))
        kept = reviews >= MIN_REVIEWS
        tables.append((keys[kept], _log_odds(positive[kept], reviews[kept]).astype(np.float16)))
    return tables


def find_ngrams(
    token_ids: NDArray[np.int32], order: int, keys: Keys, vocabulary_size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the occurrences of the n-grams `keys int64 [G]`: reviews and places in `keys`, `int64 [N]` each."""
    ngrams = ngram_keys(token_ids, order, vocabulary_size)
    reviews, steps = np.nonzero(ngrams >= 0)
    places = find_keys(keys, ngrams[reviews, steps])
    return reviews[places >= 0], places[places >= 0]


def distinct(values: Keys) -> Keys:
    """Return each of `values int64 [N]` once, ascending.

    `np.unique` hashes since NumPy 2.3: for millions of mostly different values, forty times slower than sorting.
    """
    ascending = np.sort(values)
    is_new = np.ones(len(values), bool)
    np.not_equal(ascending[1:], ascending[:-1], out=is_new[1:])
    return ascending[is_new]


def _count(ngrams: Keys, rows: NDArray[np.int64], train: Sequences) -> tuple[Table, Floats]:
    """Return the table of `ngrams int64 [N]`, and the log-odds of each by the reviews of other films, `float64 [N]`.

    `rows int64 [N]` are the reviews in which the n-grams stand.
    """
    keys, ngram = np.unique(ngrams, return_inverse=True)
    # A review counts once for an n-gram, however often it contains it.
    counted, review = np.divmod(distinct(ngram * len(train) + rows), len(train))
    labels = train.labels[review].astype(np.float64)
    reviews = np.bincount(counted, minlength=len(keys))
    positive = np.bincount(counted, labels, minlength=len(keys))

    movies = int(train.groups.max()) + 1
    in_movie, own = np.unique(ngram * movies + train.groups[rows], return_inverse=True)
    index = np.searchsorted(in_movie, counted * movies + train.groups[review])
    own_reviews, own_positive = np.bincount(index)[own], np.bincount(index, labels)[own]

    kept = reviews >= MIN_REVIEWS
    table = keys[kept], _log_odds(positive[kept], reviews[kept]).astype(np.float16)
    others = reviews[ngram] - own_reviews
    return table, np.where(others >= MIN_REVIEWS, _log_odds(positive[ngram] - own_positive, others), 0)


def _log_odds(positive: NDArray[Any], reviews: NDArray[Any]) -> Floats:
    log_odds: Floats = np.log((positive + 1) / (reviews - positive + 1))
    return log_odds
