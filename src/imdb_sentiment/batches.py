"""Batches of reviews of about the same length, so that little padding is computed."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.sequences import Sequences

# How far, in tokens, two reviews may differ and still change places: without it each epoch would have the same
# batches, with too much of it they fill with padding.
_LENGTH_JITTER = 16.0


class LengthGroupedBatches(keras.utils.PyDataset):
    """Batches `(token_ids int32 [B, T], labels float32 [B, 1])`, each as long as its longest review.

    With `seed`, batches and their order are drawn anew each epoch; without, they are the same every time, sorted by
    length. Without `trim`, every batch keeps the full length of the padded array.
    """

    def __init__(self, sequences: Sequences, batch_size: int, seed: int | None = None, trim: bool = True) -> None:
        super().__init__()
        self._sequences = sequences
        self._batch_size = batch_size
        self._rng = None if seed is None else np.random.default_rng(seed)
        self._trim = trim
        self.rows = self._draw()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        rows = self.rows[index]
        longest = self._sequences.lengths[rows].max() if self._trim else None
        return self._sequences.token_ids[rows, :longest], self._sequences.labels[rows, None].astype(np.float32)

    def on_epoch_end(self) -> None:
        """Draw the next epoch's batches."""
        self.rows = self._draw()

    def _draw(self) -> list[NDArray[Any]]:
        lengths = self._sequences.lengths.astype(np.float64)
        if self._rng is not None:
            lengths += self._rng.uniform(0, _LENGTH_JITTER, len(lengths))
        order = np.argsort(lengths, kind="stable")
        rows = [order[start : start + self._batch_size] for start in range(0, len(order), self._batch_size)]
        if self._rng is not None:
            self._rng.shuffle(rows)
        return rows
