"""Checkpoints: what a fit needs to go on after its last finished epoch as if it had never been stopped."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_npz, write_npz

Arrays = Mapping[str, Sequence[NDArray[Any]]]

_STATE: Final = "state"  # the entry of what is no array, as JSON


@dataclass(frozen=True)
class Checkpoint:
    """The file of one member's fit, replaced at the end of each epoch.

    `state` is what JSON can hold, `arrays` are named lists of arrays.
    """

    path: Path

    def save(self, state: Mapping[str, Any], arrays: Arrays) -> None:
        """Write both. Raises OutputError; the last checkpoint stays then."""
        counted = {**state, "counts": {name: len(its) for name, its in arrays.items()}}
        named = {f"{name}/{number}": array for name, its in arrays.items() for number, array in enumerate(its)}
        write_npz({_STATE: np.array(json.dumps(counted)), **named}, self.path)

    def load(self) -> tuple[dict[str, Any], dict[str, list[NDArray[Any]]]] | None:
        """Return what was saved, or None if that is nothing, or damaged, as a power failure may leave it."""
        if not self.path.is_file():
            return None
        try:
            found = read_npz(self.path)
            state = json.loads(str(found[_STATE]))
            counts = state.pop("counts")
            return state, {
                name: [found[f"{name}/{number}"] for number in range(count)] for name, count in counts.items()
            }
        except (ArtifactError, KeyError, ValueError, AttributeError):
            return None


class CheckpointFolder:
    """The checkpoints of one training run: of these params, this data and this code, a file a member.

    Those of any other run in `folder` go at once, and this run's with `remove`: what is kept there never grows.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder
        self._own = folder / fingerprint
        if folder.is_dir():
            for other in folder.iterdir():
                if other != self._own:
                    shutil.rmtree(other, ignore_errors=True)

    def of_member(self, number: int) -> Checkpoint:
        """Return the checkpoint of the member of this number."""
        return Checkpoint(self._own / f"member_{number}.npz")

    def remove(self) -> None:
        """Delete them all: the run has ended well."""
        shutil.rmtree(self._folder, ignore_errors=True)


def fingerprint_run(
    parts: Mapping[str, Sequences], vectors: NDArray[np.float32] | None, settings: Mapping[str, Any]
) -> str:
    """Return 16 hexadecimal digits that differ where anything differs that a fit depends on.

    That is the train and validation parts, the word vectors, the settings, the package's own code, and the versions of
    Keras and NumPy.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for package in ("keras", "numpy"):
        digest.update(version(package).encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    for part in ("train", "validation"):
        its = parts[part]
        for array in (its.token_ids, its.lengths, its.labels, its.polarity):
            _add(digest, array)
    _add(digest, vectors)
    return digest.hexdigest()[:16]


def _add(digest: "hashlib._Hash", array: NDArray[Any] | None) -> None:
    if array is not None:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    digest.update(b";")
