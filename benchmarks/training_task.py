"""What the contenders of `benchmarks.training` fit: the same reviews, in the same steps."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.fitting import load_parts
from imdb_sentiment.artifacts.batches import length_grouped_rows
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.artifacts.vocabulary import UNKNOWN_ID
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.params import Params, check

SEED: Final = 0
WARM_UP: Final = 5  # steps that compile
Losses = list[float]  # of each step


class Task:
    """Random reviews of the train part, as many as whole batches need, padded to max_length."""

    def __init__(self, data: str, params: dict[str, Any], steps: int) -> None:
        self.params = check(params, Params, "params")
        self.model, self.train = self.params.model, self.params.train
        dataset = load_parts(Path(data), self.model)
        # The plain variant has a smaller vocabulary and shorter reviews than the stages of the default wrote.
        self.vocabulary_size = min(dataset.vocabulary_size, self.params.preprocess.vocabulary_size)
        self.vectors, part, size = dataset.vectors, dataset.parts["train"], self.train.batch_size
        steps = min(steps + WARM_UP, len(part) // size)
        if steps < 2:
            raise PipelineError(f"{data}: found {len(part)} reviews to train; expected at least two batches of {size}")
        rows = np.random.default_rng(SEED).permutation(len(part))[: steps * size]
        border = min(WARM_UP, steps // 2) * size
        self.warm_up, self.reviews = self._take(part, rows[:border]), self._take(part, rows[border:])
        self._rng = np.random.default_rng(self.train.seed)

    def _take(self, part: Sequences, rows: NDArray[Any]) -> Sequences:
        length = self.params.preprocess.max_length
        token_ids = part.token_ids[rows, :length]
        return replace(
            part,
            token_ids=np.where(token_ids < self.vocabulary_size, token_ids, UNKNOWN_ID),
            lengths=np.minimum(part.lengths[rows], length),
            labels=part.labels[rows],
            polarity=None if part.polarity is None else part.polarity[rows, :length],
        )

    def batches(self, part: Sequences) -> list[NDArray[Any]]:
        """Return the rows of each step: those that the stage train draws from the same seed."""
        return length_grouped_rows(part.lengths, self.train.batch_size, self._rng)

    def run(self, fit: Callable[[Sequences], Losses]) -> dict[str, Any]:
        """Let `fit` take the first steps, then measure it."""
        fit(self.warm_up)
        start = time.perf_counter()
        losses = fit(self.reviews)
        seconds = time.perf_counter() - start
        means = [total / step for step, total in enumerate(accumulate(losses), 1)]
        tokens = int(self.reviews.lengths.sum())
        return {"seconds": seconds, "amount": tokens, "loss": means[-1], "mean_loss_after_each_step": means}
