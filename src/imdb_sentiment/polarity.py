"""n-gram polarity: how positive the training reviews are that contain the words a review has just come to.

For each position t of a review, one number an order n: the log-odds of the n-gram that ends at t,
`log((p + 1) / (q + 1))` with p and q the number of positive and negative training reviews that contain it. It is the
naive Bayes log-count ratio of NB-SVM (Wang, Manning 2012, equation 1), handed to the LSTM in the order of the text.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.encoding import UNKNOWN_ID
from imdb_sentiment.errors import ArtifactError
from imdb_sentiment.progress import Progress, no_progress, track
from imdb_sentiment.sequences import Sequences
from imdb_sentiment.storage import read_npz, write_npz

ORDERS: Final = (1, 2, 3)
# What one review says of an n-gram is that review's own opinion.
MIN_REVIEWS: Final = 2
LARGEST_VOCABULARY: Final = 2**21  # three ids of 21 bits fill the 63 bits of a key
Floats = NDArray[np.float32]
Keys = NDArray[np.int64]


@dataclass(frozen=True)
class PolarityTable:
    """The log-odds of every n-gram that at least MIN_REVIEWS training reviews contain.

    For each of ORDERS: keys, int64 [G], ascending (see `ngram_keys`), and log_odds, float32 [G].
    """

    vocabulary_size: int
    keys: tuple[Keys, ...]
    log_odds: tuple[Floats, ...]

    def channels(self, token_ids: NDArray[np.int32], progress: Progress = no_progress) -> NDArray[np.float16]:
        """Return the polarity of each position, `float16 [B, T, 3]` for `token_ids int32 [B, T]`.

        0, neither positive nor negative, where no n-gram ends or the table does not have it.
        """
        channels = np.zeros((*token_ids.shape, len(ORDERS)), np.float16)
        for index in track(progress, range(len(ORDERS)), "Looking polarity up", len(ORDERS), "orders"):
            keys, log_odds = self.keys[index], self.log_odds[index]
            if not len(keys):
                continue
            wanted = ngram_keys(token_ids, ORDERS[index], self.vocabulary_size)
            rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            channels[..., index] = np.where(keys[rows] == wanted, log_odds[rows], 0)
        return channels

    def save(self, path: Path) -> None:
        """Write the table to the npz file `path`."""
        arrays: dict[str, NDArray[Any]] = {"vocabulary_size": np.array(self.vocabulary_size)}
        for index, order in enumerate(ORDERS):
            arrays |= {f"keys_{order}": self.keys[index], f"log_odds_{order}": self.log_odds[index]}
        write_npz(arrays, path)

    @classmethod
    def load(cls, path: Path) -> "PolarityTable":
        """Read what `save` wrote. Raises ArtifactError."""
        arrays = read_npz(path)
        size = arrays.get("vocabulary_size")
        if size is None or size.shape != () or not 0 < size <= LARGEST_VOCABULARY:
            raise ArtifactError(path, f"vocabulary_size {size}", f"a number from 1 to {LARGEST_VOCABULARY}")
        for order in ORDERS:
            keys, log_odds = arrays.get(f"keys_{order}"), arrays.get(f"log_odds_{order}")
            if keys is None or log_odds is None or keys.shape != log_odds.shape or keys.ndim != 1:
                raise ArtifactError(path, f"no table of {order}-grams", "a key and a log-odds each")
            if keys.dtype != np.int64 or (keys[1:] <= keys[:-1]).any():
                raise ArtifactError(path, f"{order}-gram keys of {keys.dtype} or out of order", "ascending int64")
            if log_odds.dtype != np.float32 or not np.isfinite(log_odds).all():
                raise ArtifactError(path, f"{order}-gram log-odds of {log_odds.dtype} or no numbers", "finite float32")
        of_each = [tuple(arrays[f"{name}_{order}"] for order in ORDERS) for name in ("keys", "log_odds")]
        return cls(int(size), of_each[0], of_each[1])


def learn_polarity(
    train: Sequences, vocabulary_size: int, progress: Progress = no_progress
) -> tuple[PolarityTable, NDArray[np.float16]]:
    """Return the table of the train part, and the channels `float16 [B, T, 3]` for training on that part itself.

    In those a review is told only what the reviews of *other movies* say: with its own label counted in, the channels
    would give the answer away, and with its movie's other reviews, that its names and plot mean a good film, which
    nothing tells of a film that is new.
    """
    keys, log_odds = [], []
    channels = np.zeros((*train.token_ids.shape, len(ORDERS)), np.float16)
    for index in track(progress, range(len(ORDERS)), "Counting phrases", len(ORDERS), "orders"):
        ngrams = ngram_keys(train.token_ids, ORDERS[index], vocabulary_size)
        rows, steps = np.nonzero(ngrams >= 0)
        counted, held_out = _count(ngrams[rows, steps], rows, train)
        keys.append(counted[0])
        log_odds.append(counted[1])
        channels[rows, steps, index] = held_out
    return PolarityTable(vocabulary_size, tuple(keys), tuple(log_odds)), channels


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


def _count(ngrams: Keys, rows: NDArray[np.int64], train: Sequences) -> tuple[tuple[Keys, Floats], Floats]:
    """Return the table (keys, log-odds) of `ngrams int64 [N]`, and the log-odds by other movies, `float32 [N]`.

    `rows int64 [N]` are the reviews that the n-grams stand in.
    """
    keys, ngram = np.unique(ngrams, return_inverse=True)
    # A review counts once for an n-gram, however often it has it.
    in_review = np.unique(ngram * len(train) + rows)
    counted, review = np.divmod(in_review, len(train))
    labels = train.labels[review].astype(np.float64)
    reviews = np.bincount(counted, minlength=len(keys))
    positive = np.bincount(counted, labels, minlength=len(keys)).astype(np.int64)

    movies = int(train.movies.max()) + 1
    in_movie, index = np.unique(counted * movies + train.movies[review], return_inverse=True)
    own = np.searchsorted(in_movie, ngram * movies + train.movies[rows])
    own_reviews, own_positive = np.bincount(index)[own], np.bincount(index, labels).astype(np.int64)[own]

    kept = reviews >= MIN_REVIEWS
    table = keys[kept], _log_odds(positive, reviews)[kept]
    return table, _log_odds(positive[ngram] - own_positive, reviews[ngram] - own_reviews)


def _log_odds(positive: NDArray[np.int64], reviews: NDArray[np.int64]) -> Floats:
    odds = (positive + 1) / (reviews - positive + 1)
    return np.where(reviews >= MIN_REVIEWS, np.log(odds), 0).astype(np.float32)
