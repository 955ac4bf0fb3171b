"""Batches of reviews of about the same length, so that little padding is computed."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.sequences import Sequences

# By how many tokens two reviews may differ in length and still be sorted the other way round. Without it each epoch
# would have the same batches; with too much of it batches have more padding.
_LENGTH_JITTER: Final = 16.0


def length_grouped_rows(
    lengths: NDArray[np.int32], batch_size: int, rng: np.random.Generator | None = None
) -> list[NDArray[Any]]:
    """Return the rows of each batch, `int64 [batch_size]` or fewer in one of them, each row in one batch.

    With `rng`, batches and their order are drawn anew at each call; without, they go from the shortest reviews to the
    longest.
    """
    keys = lengths.astype(np.float64)
    if rng is not None:
        keys += rng.uniform(0, _LENGTH_JITTER, len(keys))
    order = np.argsort(keys, kind="stable")
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if rng is not None:
        rng.shuffle(batches)
    return batches


def take_batch(
    sequences: Sequences, rows: NDArray[Any], trim: bool = True
) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32]]:
    """Return the inputs and the labels `float32 [B, 1]` of some rows, as long as the longest review of them.

    The inputs are `token_ids int32 [B, T]` and, where the sequences have it, `polarity float32 [B, T, 6]`. Without
    `trim`, T is that of the padded array.
    """
    longest = sequences.lengths[rows].max() if trim else None
    inputs: dict[str, NDArray[Any]] = {"token_ids": sequences.token_ids[rows, :longest]}
    if sequences.polarity is not None:
        inputs["polarity"] = sequences.polarity[rows, :longest].astype(np.float32)
    return inputs, sequences.labels[rows, None].astype(np.float32)
