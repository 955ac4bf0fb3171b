"""The reviews of each part as padded arrays of token ids; an npz file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.vocabulary import PAD_ID
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_npz, write_npz

PARTS: Final = ("train", "validation", "test")


@dataclass(frozen=True)
class Sequences:
    """The reviews of one part.

    token_ids: int32 [B, T], padded on the right with PAD_ID; lengths: int32 [B], from 1 to T; labels: int8 [B];
    groups: int32 [B], equal for the reviews of one film or other group; seen_in_train: bool [B], whether the same text
    also stands in another part that is learned from (train, validation). polarity: float16 [B, T, 6], where a model
    reads it.
    """

    review_ids: NDArray[np.str_]
    token_ids: NDArray[np.int32]
    lengths: NDArray[np.int32]
    labels: NDArray[np.int8]
    groups: NDArray[np.int32]
    seen_in_train: NDArray[np.bool_]
    polarity: NDArray[np.float16] | None = None

    def __len__(self) -> int:
        return len(self.labels)


_DTYPES: Final = {
    "token_ids": "int32",
    "lengths": "int32",
    "labels": "int8",
    "groups": "int32",
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
    for name, part in sequences.items():
        for field in ("review_ids", *_DTYPES):
            yield f"{name}_{field}", getattr(part, field)


def load_sequences(path: Path, vocabulary_size: int | None = None) -> dict[str, Sequences]:
    """Read what `save_sequences` wrote. Raises ArtifactError if any array is not as Sequences says.

    Without a `vocabulary_size`, for callers that read no token ids, these are not checked against it.
    """
    arrays = read_npz(path)
    sequences = {}
    for name in PARTS:
        fields = {field: f"{name}_{field}" for field in ("review_ids", *_DTYPES)}
        absent = [array for array in fields.values() if array not in arrays]
        if absent:
            found = f"the arrays {', '.join(sorted(arrays))}" if arrays else "no arrays"
            raise ArtifactError(path, found, f"also {absent[0]}")
        sequences[name] = Sequences(**{field: arrays[array] for field, array in fields.items()})
        _check(sequences[name], name, path, vocabulary_size)
    return sequences


def _check(part: Sequences, name: str, path: Path, vocabulary_size: int | None) -> None:
    rows = part.labels.shape[:1]
    for field, dtype in _DTYPES.items():
        array: NDArray[Any] = getattr(part, field)
        if array.dtype != dtype or array.ndim != (2 if field == "token_ids" else 1) or array.shape[:1] != rows:
            found = f"{name}_{field} as {array.dtype} of shape {array.shape}"
            raise ArtifactError(path, found, f"{dtype}, a row for each of the labels")
    if not part.token_ids.size or part.review_ids.shape != rows or part.review_ids.dtype.kind != "U":
        found = f"{len(part)} labels, review ids of shape {part.review_ids.shape} in {name}"
        raise ArtifactError(path, found, "at least one review, with an id each")
    if vocabulary_size is not None and (part.token_ids.min() < 0 or part.token_ids.max() >= vocabulary_size):
        found = f"token ids from {part.token_ids.min()} to {part.token_ids.max()} in {name}"
        raise ArtifactError(path, found, f"0 to {vocabulary_size - 1}, those of the vocabulary")
    steps = np.arange(part.token_ids.shape[1])
    if part.lengths.min() < 1 or not np.array_equal(part.token_ids != PAD_ID, steps < part.lengths[:, None]):
        found = f"lengths in {name} that do not match the token ids"
        raise ArtifactError(path, found, "at least 1, padding on the right")
    if part.groups.min() < 0:
        raise ArtifactError(path, f"the group {part.groups.min()} in {name}", "a number of at least 0")
    if not np.array_equal(np.unique(part.labels), [0, 1]):
        raise ArtifactError(path, f"only the labels {np.unique(part.labels).tolist()} in {name}", "both 0 and 1")
