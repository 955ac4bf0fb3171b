"""The word vectors that the network starts from; an npz file."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_npz, write_npz

# Vectors need no more precision, and they are half of what prediction has to load.
DTYPE: Final = np.float16


def save_embeddings(vectors: NDArray[np.float32], path: Path) -> None:
    """Write `vectors [V, E]` as `embeddings float16 [V, E]`."""
    write_npz({"embeddings": vectors.astype(DTYPE)}, path)


def load_embeddings(path: Path, vocabulary_size: int, dim: int) -> NDArray[np.float32]:
    """Return the vectors that `save_embeddings` wrote, `float32 [V, E]`. Raises ArtifactError for another shape."""
    found: NDArray[Any] | None = read_npz(path).get("embeddings")
    if found is None or found.shape != (vocabulary_size, dim) or found.dtype != DTYPE:
        shape = "no embeddings" if found is None else f"embeddings {found.dtype} of shape {found.shape}"
        raise ArtifactError(path, shape, f"{np.dtype(DTYPE)} of shape {(vocabulary_size, dim)}")
    if not np.isfinite(found).all():
        raise ArtifactError(path, "embeddings that are not numbers", "finite numbers")
    return found.astype(np.float32)
