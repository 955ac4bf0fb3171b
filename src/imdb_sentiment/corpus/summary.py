"""What is in a corpus: counts, duplicates, overlap of train and test, lengths, and whether it is the known one."""

from array import array
from typing import Any, Final

import numpy as np
import pyarrow as pa

from imdb_sentiment.corpus.archive import SourceFile
from imdb_sentiment.corpus.fingerprint import KNOWN_FINGERPRINTS, Fingerprint

_SPLITS: Final = ("train", "test", "unsupervised")
_LABEL_NAMES: Final = {1: "positive", 0: "negative", None: "unlabelled"}
_PERCENTILES: Final = (0, 5, 25, 50, 75, 95, 99, 100)


class CorpusReport:
    """Collects, review by review, what `metrics/data.json` says. Keeps hashes, never texts."""

    def __init__(self) -> None:
        self._fingerprint = Fingerprint()
        self._counts: dict[tuple[str, int | None], int] = {}
        # 64 bits a text, of this process alone: that two of a million differ and share them has a chance of 1 in 10^7.
        self._hashes = {split: array("q") for split in _SPLITS}
        self._lengths = array("i")
        self._empty = 0
        self._movies: dict[str, set[str]] = {split: set() for split in _SPLITS}

    def add_review(self, file: SourceFile, split: str, label: int | None, text: str) -> None:
        """Count one review in: its file for the fingerprint, its cleaned text for all else."""
        self._fingerprint.add(file.path, file.content)
        self._counts[split, label] = self._counts.get((split, label), 0) + 1
        self._hashes[split].append(hash(text))
        self._lengths.append(len(text))
        self._empty += not text

    def add_movies(self, splits: pa.Array, movie_ids: pa.Array) -> None:
        """Count the movies of some rows in; a row without one does not count."""
        for split, movie_id in zip(splits.to_pylist(), movie_ids.to_pylist(), strict=True):
            if movie_id is not None:
                self._movies[split].add(movie_id)

    def to_dict(self) -> dict[str, Any]:
        """Return the report, ready for JSON."""
        hashes = {split: np.frombuffer(values, np.int64) for split, values in self._hashes.items()}
        fingerprint = self._fingerprint.hexdigest()
        lengths = np.frombuffer(self._lengths, np.int32)
        return {
            "reviews": len(lengths),
            "counts": {
                split: {
                    _LABEL_NAMES[label]: count
                    for (its_split, label), count in sorted(self._counts.items(), key=str)
                    if its_split == split
                }
                for split in _SPLITS
            },
            "empty_reviews": self._empty,
            "duplicates_within_train": _duplicates(hashes["train"]),
            "duplicates_within_test": _duplicates(hashes["test"]),
            "test_reviews_also_in_train": int(np.isin(hashes["test"], hashes["train"]).sum()),
            "test_reviews_also_unlabelled": int(np.isin(hashes["test"], hashes["unsupervised"]).sum()),
            "length_percentiles": {
                str(percent): int(np.percentile(lengths, percent, method="lower")) for percent in _PERCENTILES
            },
            "movies": {split: len(self._movies[split]) for split in _SPLITS},
            "movies_in_train_and_test": len(self._movies["train"] & self._movies["test"]),
            "fingerprint": fingerprint,
            "known_as": KNOWN_FINGERPRINTS.get(fingerprint),
        }


def _duplicates(hashes: np.ndarray[Any, np.dtype[np.int64]]) -> int:
    """Return how many texts had already occurred before: `[a, b, a, a] -> 2`."""
    return len(hashes) - len(np.unique(hashes))
