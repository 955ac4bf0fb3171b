"""The reviews as padded arrays of token ids, and the npz file that keeps them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_npz, write_npz
from imdb_sentiment.text.encoder import PAD_ID

PARTS: Final = ("train", "validation", "test")


@dataclass(frozen=True)
class Sequences:
    """The reviews of one part.

    token_ids: int32 [B, T], padded on the right with PAD_ID; lengths: int32 [B], from 1 to T; labels: int8 [B];
    movies: int32 [B], equal for the reviews of one movie; seen_in_train: bool [B], whether the same text also stands in
    another part that is learnt from (train, validation). polarity: float16 [B, T, 6], where a model reads it.
    """

    review_ids: NDArray[np.str_]
    token_ids: NDArray[np.int32]
    lengths: NDArray[np.int32]
    labels: NDArray[np.int8]
    movies: NDArray[np.int32]
    seen_in_train: NDArray[np.bool_]
    polarity: NDArray[np.float16] | None = None

    def __len__(self) -> int:
        return len(self.labels)


_DTYPES: Final = {
    "token_ids": "int32",
    "lengths": "int32",
    "labels": "int8",
    "movies": "int32",
    "seen_in_train": "bool",
}


def pad(encoded: list[list[int]], max_length: int) -> NDArray[np.int32]:
    """Return `encoded` as one array `int32 [B, T]`, each row filled up on the right.

    `pad([[5, 9], [7]], 3) -> [[5, 9, 0], [7, 0, 0]]`
    """
    padded = np.full((len(encoded), max_length), PAD_ID, np.int32)
    for row, ids in zip(padded, encoded, strict=True):
        row[: len(ids)] = ids
    return padded


def save_sequences(sequences: dict[str, Sequences], path: Path) -> None:
    """Write the parts to one npz file, arrays named `PART_FIELD`, such as `train_token_ids`."""
    write_npz(dict(_named_arrays(sequences)), path)


def _named_arrays(sequences: dict[str, Sequences]) -> Iterator[tuple[str, NDArray[Any]]]:
    for part, its in sequences.items():
        for field in ("review_ids", *_DTYPES):
            yield f"{part}_{field}", getattr(its, field)


def load_sequences(path: Path, vocabulary_size: int | None = None) -> dict[str, Sequences]:
    """Read what `save_sequences` wrote. Raises ArtifactError if any array is not as Sequences says.

    Without a `vocabulary_size`, for a caller that reads no token ids, they may be as large as they like.
    """
    arrays = read_npz(path)
    sequences = {}
    for part in PARTS:
        names = {field: f"{part}_{field}" for field in ("review_ids", *_DTYPES)}
        absent = [name for name in names.values() if name not in arrays]
        if absent:
            raise ArtifactError(path, f"the arrays {', '.join(sorted(arrays)) or 'of nothing'}", f"also {absent[0]}")
        sequences[part] = Sequences(**{field: arrays[name] for field, name in names.items()})
        _check(sequences[part], part, path, vocabulary_size)
    return sequences


def _check(its: Sequences, part: str, path: Path, vocabulary_size: int | None) -> None:
    rows = its.labels.shape[:1]
    for field, dtype in _DTYPES.items():
        array: NDArray[Any] = getattr(its, field)
        if array.dtype != dtype or array.ndim != (2 if field == "token_ids" else 1) or array.shape[:1] != rows:
            found = f"{part}_{field} as {array.dtype} of shape {array.shape}"
            raise ArtifactError(path, found, f"{dtype}, a row for each of the labels")
    if not its.token_ids.size or its.review_ids.shape != rows or its.review_ids.dtype.kind != "U":
        raise ArtifactError(
            path, f"{len(its)} labels, review ids of shape {its.review_ids.shape} in {part}", "one each, and some"
        )
    if vocabulary_size is not None and (its.token_ids.min() < 0 or its.token_ids.max() >= vocabulary_size):
        ids = f"token ids from {its.token_ids.min()} to {its.token_ids.max()} in {part}"
        raise ArtifactError(path, ids, f"0 to {vocabulary_size - 1}, the vocabulary's")
    steps = np.arange(its.token_ids.shape[1])
    if its.lengths.min() < 1 or not np.array_equal(its.token_ids != PAD_ID, steps < its.lengths[:, None]):
        raise ArtifactError(path, f"lengths in {part} that are not the rows' own", "at least 1, padding on the right")
    if its.movies.min() < 0:
        raise ArtifactError(path, f"the movie {its.movies.min()} in {part}", "a number of at least 0")
    if not np.array_equal(np.unique(its.labels), [0, 1]):
        raise ArtifactError(path, f"only the labels {np.unique(its.labels).tolist()} in {part}", "both 0 and 1")
