"""The polarity channels of every review, beside the token ids: the work of the stage `polarity`, and its npz file."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.encoding import PAD_ID, TextEncoder
from imdb_sentiment.errors import ArtifactError
from imdb_sentiment.polarity import LARGEST_VOCABULARY, ORDERS, learn_polarity
from imdb_sentiment.progress import Progress, no_progress
from imdb_sentiment.sequences import PARTS, Sequences, load_sequences
from imdb_sentiment.storage import read_npz, write_npz, written_together


def write_polarity(
    sequences: Path, vocabulary: Path, table: Path, channels: Path, progress: Progress = no_progress
) -> None:
    """Learn the polarity of n-grams from the train part of the npz file `sequences`.

    Written to the npz file `table`, and to `channels` as each part's reviews see it (see `learn_polarity` for those of
    the train part). Raises ArtifactError or OutputError.
    """
    vocabulary_size = TextEncoder.load(vocabulary).vocabulary_size
    if vocabulary_size > LARGEST_VOCABULARY:
        raise ArtifactError(vocabulary, f"{vocabulary_size} tokens", f"at most {LARGEST_VOCABULARY}")
    parts = load_sequences(sequences, vocabulary_size)
    learnt, of_train = learn_polarity(parts["train"], vocabulary_size, progress)
    others = {part: learnt.channels(parts[part].token_ids, progress) for part in PARTS if part != "train"}
    with written_together(table, channels) as (partial_table, partial_channels):
        learnt.save(partial_table)
        write_npz({"train": of_train} | others, partial_channels)


def load_channels(path: Path, parts: Mapping[str, Sequences]) -> dict[str, NDArray[np.float16]]:
    """Return the channels `float16 [B, T, 3]` of each part. Raises ArtifactError if they are not those of `parts`."""
    arrays = read_npz(path)
    for part, its in parts.items():
        expected = (*its.token_ids.shape, len(ORDERS))
        found = arrays.get(part)
        if found is None or found.shape != expected or found.dtype != np.float16:
            shape = "nothing" if found is None else f"{found.dtype} of shape {found.shape}"
            raise ArtifactError(path, f"{shape} for {part}", f"float16 of shape {expected}, that of the token ids")
        if not np.isfinite(found).all() or found[its.token_ids == PAD_ID].any():
            raise ArtifactError(path, f"polarity of padding in {part}, or no numbers", "finite numbers, 0 for padding")
    return {part: arrays[part] for part in parts}
