"""The polarity table: the log-odds of each n-gram, and looking them up for every position of a review."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.vocabulary import UNKNOWN_ID
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_npz, write_npz
from imdb_sentiment.runtime.progress import Progress, no_progress, track

ORDERS: Final = (1, 2, 3)  # the n of the n-grams
CHANNELS: Final = 2 * len(ORDERS)  # counted in the labelled reviews, then in the unlabelled ones
LARGEST_VOCABULARY: Final = 2**21  # three ids of 21 bits fill the 63 bits of a key
_MAX_BYTES: Final = 400_000_000  # of the arrays: 40 million n-grams
Keys = NDArray[np.int64]
Halves = NDArray[np.float16]


@dataclass(frozen=True)
class PolarityTable:
    """The log-odds of the known n-grams.

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
        for index in track(progress, range(CHANNELS), "Looking up polarity", CHANNELS, "channels"):
            channels[..., index] = self.channel(token_ids, index)
        return channels

    def channel(self, token_ids: NDArray[np.int32], index: int) -> Halves:
        """Return one of the channels, `float16 [B, T]`."""
        keys, log_odds = self.keys[index], self.log_odds[index]
        channel = np.zeros(token_ids.shape, np.float16)
        if len(keys):
            ngrams = ngram_keys(token_ids, ORDERS[index % len(ORDERS)], self.vocabulary_size)
            is_ngram = ngrams >= 0
            places = find_keys(keys, ngrams[is_ngram])
            channel[is_ngram] = np.where(places >= 0, log_odds[places], 0)
        return channel

    def save(self, path: Path) -> None:
        """Write the table to the npz file `path`, the keys as differences: small numbers compress well."""
        arrays: dict[str, NDArray[Any]] = {"vocabulary_size": np.array(self.vocabulary_size)}
        for index in range(CHANNELS):
            arrays[f"steps_{index}"] = np.diff(self.keys[index], prepend=0)
            arrays[f"log_odds_{index}"] = self.log_odds[index]
        write_npz(arrays, path, compress=True)

    @classmethod
    def load(cls, path: Path) -> "PolarityTable":
        """Read what `save` wrote. Raises ArtifactError."""
        arrays = read_npz(path, _MAX_BYTES)
        size = arrays.get("vocabulary_size")
        if size is None or size.shape != () or size.dtype.kind != "i" or not 0 < size <= LARGEST_VOCABULARY:
            raise ArtifactError(path, f"vocabulary_size {size}", f"a whole number from 1 to {LARGEST_VOCABULARY}")
        for index in range(CHANNELS):
            _check_channel(path, index, arrays.get(f"steps_{index}"), arrays.get(f"log_odds_{index}"))
        keys = tuple(np.cumsum(arrays[f"steps_{index}"]) for index in range(CHANNELS))
        return cls(int(size), keys, tuple(arrays[f"log_odds_{index}"] for index in range(CHANNELS)))


def _check_channel(path: Path, index: int, steps: NDArray[Any] | None, log_odds: NDArray[Any] | None) -> None:
    if steps is None or log_odds is None or steps.shape != log_odds.shape or steps.ndim != 1:
        raise ArtifactError(path, f"no table of channel {index}", "a key and a log-odds for each n-gram")
    if steps.dtype != np.int64 or (steps <= 0).any():
        raise ArtifactError(path, f"keys of channel {index} of {steps.dtype} or out of order", "ascending int64")
    if log_odds.dtype != np.float16 or not np.isfinite(log_odds).all():
        raise ArtifactError(path, f"log-odds of channel {index}: {log_odds.dtype} or not finite", "finite float16")


def ngram_keys(token_ids: NDArray[np.int32], order: int, vocabulary_size: int) -> Keys:
    """Return one number for each n-gram, `int64 [B, T]`, at the position where it ends; -1 where none does.

    None ends before the review's nth word, in the padding, or where one of the words is unknown.
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


def find_keys(keys: Keys, wanted: Keys) -> NDArray[np.int64]:
    """Return the place in `keys int64 [G]`, which ascend, of each of `wanted int64 [N]`; -1 if it is not there."""
    # Looked up in ascending order, each search touches memory that the one before has just loaded.
    order = np.argsort(wanted)
    ascending = wanted[order]
    places = np.searchsorted(keys, ascending)
    places[places == len(keys)] = -1
    if len(keys):
        places[keys[places] != ascending] = -1
    found = np.empty_like(places)
    found[order] = places
    return found
