"""The polarity channels: the polarity of each position of each review, beside its token ids; an npz file."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.polarity import CHANNELS
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.artifacts.vocabulary import PAD_ID
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_npz, write_npz


def save_channels(channels: Mapping[str, NDArray[np.float16]], path: Path) -> None:
    """Write the channels `float16 [B, T, 6]` of each part."""
    write_npz(channels, path)


def add_channels(parts: Mapping[str, Sequences], path: Path) -> dict[str, Sequences]:
    """Return `parts` with the polarity `float16 [B, T, 6]` of each. Raises ArtifactError if it is of other reviews."""
    arrays = read_npz(path)
    for name, part in parts.items():
        expected = (*part.token_ids.shape, CHANNELS)
        found = arrays.get(name)
        if found is None or found.shape != expected or found.dtype != np.float16:
            shape = "nothing" if found is None else f"{found.dtype} of shape {found.shape}"
            raise ArtifactError(path, f"{shape} for {name}", f"float16 of shape {expected}, that of the token ids")
        if not np.isfinite(found).all() or found[part.token_ids == PAD_ID].any():
            problem = f"polarity of padding, or infinite values, in {name}"
            raise ArtifactError(path, problem, "finite numbers, 0 for padding")
    return {name: replace(part, polarity=arrays[name]) for name, part in parts.items()}
