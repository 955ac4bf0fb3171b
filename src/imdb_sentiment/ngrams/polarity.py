"""n-gram polarity: how positive the training reviews are that contain the words a review has just come to.

For each position t of a review, one number an order n: the log-odds of the n-gram that ends at t,
`log((p + 1) / (q + 1))` with p and q the number of positive and negative training reviews that contain it. It is the
naive Bayes log-count ratio of NB-SVM (Wang, Manning 2012, equation 1), handed to the LSTM in the order of the text.
And the same once more, counted over the unlabelled reviews as a teacher labels them (see `teacher`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_npz, write_npz
from imdb_sentiment.runtime.progress import Progress, no_progress, track
from imdb_sentiment.text.encoder import UNKNOWN_ID

ORDERS: Final = (1, 2, 3)
CHANNELS: Final = 2 * len(ORDERS)  # by the labelled reviews, then by the unlabelled ones
# What one review says of an n-gram is that review's own opinion.
MIN_REVIEWS: Final = 2
LARGEST_VOCABULARY: Final = 2**21  # three ids of 21 bits fill the 63 bits of a key
Floats = NDArray[np.float64]
Halves = NDArray[np.float16]
Keys = NDArray[np.int64]
Table = tuple[Keys, Halves]


@dataclass(frozen=True)
class PolarityTable:
    """The log-odds of every n-gram that at least MIN_REVIEWS reviews contain.

    For each of CHANNELS: keys, int64 [G], ascending (see `ngram_keys`), and log_odds, float16 [G].
    """

    vocabulary_size: int
    keys: tuple[Keys, ...]
    log_odds: tuple[Halves, ...]

    def channels(self, token_ids: NDArray[np.int32], progress: Progress = no_progress) -> Halves:
        """Return the polarity of each position, `float16 [B, T, 6]` for `token_ids int32 [B, T]`.

        0, neither positive nor negative, where no n-gram ends or the table does not have it.
        """
        channels = np.zeros((*token_ids.shape, CHANNELS), np.float16)
        for index in track(progress, range(CHANNELS), "Looking polarity up", CHANNELS, "channels"):
            channels[..., index] = self.channel(token_ids, index)
        return channels

    def channel(self, token_ids: NDArray[np.int32], index: int) -> Halves:
        """Return one of the channels, `float16 [B, T]`."""
        keys, log_odds = self.keys[index], self.log_odds[index]
        channel = np.zeros(token_ids.shape, np.float16)
        if len(keys):
            ngrams = ngram_keys(token_ids, ORDERS[index % len(ORDERS)], self.vocabulary_size)
            is_ngram = ngrams >= 0
            places = _find(keys, ngrams[is_ngram])
            channel[is_ngram] = np.where(places >= 0, log_odds[places], 0)
        return channel

    def save(self, path: Path) -> None:
        """Write the table to the npz file `path`, the keys as steps from one to the next: small numbers pack well."""
        arrays: dict[str, NDArray[Any]] = {"vocabulary_size": np.array(self.vocabulary_size)}
        for index in range(CHANNELS):
            arrays[f"steps_{index}"] = np.diff(self.keys[index], prepend=0)
            arrays[f"log_odds_{index}"] = self.log_odds[index]
        write_npz(arrays, path, compress=True)

    @classmethod
    def load(cls, path: Path) -> "PolarityTable":
        """Read what `save` wrote. Raises ArtifactError."""
        arrays = read_npz(path)
        size = arrays.get("vocabulary_size")
        if size is None or size.shape != () or size.dtype.kind != "i" or not 0 < size <= LARGEST_VOCABULARY:
            raise ArtifactError(path, f"vocabulary_size {size}", f"a whole number from 1 to {LARGEST_VOCABULARY}")
        for index in range(CHANNELS):
            steps, log_odds = arrays.get(f"steps_{index}"), arrays.get(f"log_odds_{index}")
            if steps is None or log_odds is None or steps.shape != log_odds.shape or steps.ndim != 1:
                raise ArtifactError(path, f"no table of channel {index}", "a key and a log-odds each")
            if steps.dtype != np.int64 or (steps <= 0).any():
                raise ArtifactError(
                    path, f"keys of channel {index} of {steps.dtype} or out of order", "ascending int64"
                )
            if log_odds.dtype != np.float16 or not np.isfinite(log_odds).all():
                raise ArtifactError(path, f"log-odds of channel {index}: {log_odds.dtype} or no numbers", "float16")
        keys = tuple(np.cumsum(arrays[f"steps_{index}"]) for index in range(CHANNELS))
        return cls(int(size), keys, tuple(arrays[f"log_odds_{index}"] for index in range(CHANNELS)))


def learn_polarity(
    train: Sequences, vocabulary_size: int, progress: Progress = no_progress
) -> tuple[list[Table], Halves]:
    """Return the keys and log-odds of each order by the train part, and the channels `float16 [B, T, 3]` to train on.

    In those a review is told only what the reviews of *other movies* say: with its own label counted in, the channels
    would give the answer away, and with its movie's other reviews, that its names and plot mean a good film, which
    nothing tells of a film that is new.
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
    """Return the keys and log-odds of each order by reviews `int32 [B, T]` that are positive with `y_prob [B]`."""
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
    """Return where the n-grams of `keys int64 [G]` stand: the review and the place in `keys` of each, `int64 [N]`."""
    ngrams = ngram_keys(token_ids, order, vocabulary_size)
    reviews, steps = np.nonzero(ngrams >= 0)
    places = _find(keys, ngrams[reviews, steps])
    return reviews[places >= 0], places[places >= 0]


def distinct(values: Keys) -> Keys:
    """Return each of `values int64 [N]` once, ascending.

    As np.unique does, which hashes since NumPy 2.3: for millions of which most differ, that takes forty times as long
    as to sort them.
    """
    ascending = np.sort(values)
    is_new = np.ones(len(values), bool)
    np.not_equal(ascending[1:], ascending[:-1], out=is_new[1:])
    return ascending[is_new]


def _find(keys: Keys, wanted: Keys) -> NDArray[np.int64]:
    """Return the place in `keys int64 [G]`, which ascend, of each of `wanted int64 [N]`, or -1 if it is none of them.

    They are looked up in ascending order, where each search touches the memory of the one before; in any other order,
    each waits for its own.
    """
    order = np.argsort(wanted)
    ascending = wanted[order]
    places = np.searchsorted(keys, ascending)
    places[places == len(keys)] = -1
    if len(keys):
        places[keys[places] != ascending] = -1
    found = np.empty_like(places)
    found[order] = places
    return found


def ngram_keys(token_ids: NDArray[np.int32], order: int, vocabulary_size: int) -> Keys:
    """Return one number for each n-gram, `int64 [B, T]`, at the position where it ends; -1 where none does.

    None ends where a review has not had n words, in the padding, and where one of the words is unknown.
    `ngram_keys([[5, 9, 0]], 2, 10) -> [[-1, 59, -1]]`
    """
    keys = np.zeros(token_ids.shape, np.int64)
    is_known = np.ones(token_ids.shape, bool)
    is_known[:, : order - 1] = False
    for back in range(order - 1, -1, -1):
        ids = token_ids[:, : token_ids.shape[1] - back]
        keys[:, back:] = keys[:, back:] * vocabulary_size + ids
        is_known[:, back:] &= ids > UNKNOWN_ID
    keys[~is_known] = -1
    return keys


def _count(ngrams: Keys, rows: NDArray[np.int64], train: Sequences) -> tuple[Table, Floats]:
    """Return the table (keys, log-odds) of `ngrams int64 [N]`, and the log-odds by other movies, `float64 [N]`.

    `rows int64 [N]` are the reviews that the n-grams stand in.
    """
    keys, ngram = np.unique(ngrams, return_inverse=True)
    # A review counts once for an n-gram, however often it has it.
    counted, review = np.divmod(distinct(ngram * len(train) + rows), len(train))
    labels = train.labels[review].astype(np.float64)
    reviews = np.bincount(counted, minlength=len(keys))
    positive = np.bincount(counted, labels, minlength=len(keys))

    movies = int(train.movies.max()) + 1
    in_movie, own = np.unique(ngram * movies + train.movies[rows], return_inverse=True)
    index = np.searchsorted(in_movie, counted * movies + train.movies[review])  # which ascend, or nearly
    own_reviews, own_positive = np.bincount(index)[own], np.bincount(index, labels)[own]

    kept = reviews >= MIN_REVIEWS
    table = keys[kept], _log_odds(positive[kept], reviews[kept]).astype(np.float16)
    others = reviews[ngram] - own_reviews
    return table, np.where(others >= MIN_REVIEWS, _log_odds(positive[ngram] - own_positive, others), 0)


def _log_odds(positive: NDArray[Any], reviews: NDArray[Any]) -> Floats:
    log_odds: Floats = np.log((positive + 1) / (reviews - positive + 1))
    return log_odds
