"""Checkpoints: what a fit needs to continue after its last finished epoch as if it had never been stopped."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import imdb_sentiment
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_npz, write_npz
from imdb_sentiment.runtime.params import ModelParams, TrainParams
from imdb_sentiment.training.dataset import Dataset

Arrays = Mapping[str, Sequence[NDArray[Any]]]

# The folders of the package that the stage train imports: other code in them may give another fit.
CODE: Final = ("artifacts", "network", "runtime", "training")
_STATE: Final = "state"  # the npz entry of all that is not an array, as JSON
_DIGEST: Final = "digest"  # the npz entry of a hash of the others


@dataclass(frozen=True)
class Checkpoint:
    """The file of one fit, replaced at the end of each epoch. `fit` names the fit: the file of another is ignored."""

    path: Path
    fit: str

    def save(self, state: Mapping[str, Any], arrays: Arrays) -> None:
        """Write `state`, which JSON can hold, and the named lists of arrays.

        Raises OutputError, and then leaves the previous checkpoint.
        """
        counted = {**state, "counts": {name: len(values) for name, values in arrays.items()}}
        entries = {f"{name}/{number}": array for name, values in arrays.items() for number, array in enumerate(values)}
        entries[_STATE] = np.array(json.dumps(counted))
        write_npz({_DIGEST: np.array(self._digest(entries)), **entries}, self.path)

    def load(self) -> tuple[dict[str, Any], dict[str, list[NDArray[Any]]]] | None:
        """Return what was saved, or None if the file is missing, damaged, or of another fit."""
        try:
            entries = read_npz(self.path)
        except ArtifactError:
            return None
        if str(entries.pop(_DIGEST, None)) != self._digest(entries):
            return None
        state = json.loads(str(entries[_STATE]))
        counts = state.pop("counts")
        return state, {name: [entries[f"{name}/{number}"] for number in range(count)] for name, count in counts.items()}

    def _digest(self, entries: Mapping[str, NDArray[Any]]) -> str:
        digest = hashlib.sha256(self.fit.encode())
        for name in sorted(entries):
            digest.update(name.encode())
            _add(digest, entries[name])
        return digest.hexdigest()


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run, in a folder of its own named by its fingerprint; no other file is changed."""

    folder: Path
    fingerprint: str

    def member(self, number: int) -> Checkpoint:
        """Return the checkpoint of the member of this number, counted from 0."""
        name = f"member_{number}"
        return Checkpoint(self.folder / self.fingerprint / f"{name}.npz", f"{self.fingerprint}/{name}")

    def remove(self, members: int) -> None:
        """Delete the checkpoints of a run that has ended, and their folder."""
        for number in range(members):
            self.member(number).path.unlink(missing_ok=True)
        # It stays where another run has put files into it.
        with suppress(OSError):
            (self.folder / self.fingerprint).rmdir()


def fingerprint_run(dataset: Dataset, params: ModelParams, train: TrainParams) -> str:
    """Return 16 hexadecimal digits that change with all that a fit depends on.

    These are the train and validation parts, the word vectors, the params, the code of the stage train, and the
    versions of Keras and NumPy.
    """
    settings = {"model": params.model_dump(), "train": train.model_dump()}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for package in ("keras", "numpy"):
        digest.update(version(package).encode())
    for folder in CODE:
        for module in sorted((Path(imdb_sentiment.__file__).parent / folder).glob("*.py")):
            digest.update(module.read_bytes())
    for name in ("train", "validation"):
        part = dataset.parts[name]
        for array in (part.token_ids, part.lengths, part.labels, part.polarity):
            _add(digest, array)
    _add(digest, dataset.vectors)
    return digest.hexdigest()[:16]


def _add(digest: "hashlib._Hash", array: NDArray[Any] | None) -> None:
    if array is not None:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    digest.update(b";")
