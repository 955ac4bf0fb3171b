"""Fitting many models side by side: one process a core, each with one thread.

Two such processes fit half as much again as one with two threads.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from imdb_sentiment.runtime.console import console_progress
from imdb_sentiment.runtime.params import ModelParams, Params
from imdb_sentiment.runtime.progress import track
from imdb_sentiment.training.dataset import Dataset, add_pieces, load_dataset

Result = TypeVar("Result")


def in_processes(fit: Callable[..., Result], jobs: Sequence[tuple[Any, ...]]) -> Iterator[Result]:
    """Yield `fit(*job)` for each of `jobs`, in their order."""
    os.environ |= {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), max_tasks_per_child=1) as pool:
        results = pool.map(fit, *zip(*jobs, strict=True))
        yield from track(console_progress, results, "Fitting", len(jobs), "models")


def load_parts(
    data: Path, params: ModelParams, embeddings: Path | None = None, channels: Path | None = None
) -> Dataset:
    """Return what the stages wrote to the folder `data`, but for other `embeddings` or `channels`."""
    vectors, polarity = embeddings or data / "embeddings.npz", channels or data / "channels.npz"
    return load_dataset(data / "sequences.npz", data / "vocabulary.json", vectors, polarity, params)


def load_examples(data: Path, params: Params, other: Mapping[str, Path] | None = None) -> Dataset:
    """Return all that a model of `params` is fitted to, pieces of reviews as well.

    From the folder `data`, but for the files `embeddings`, `channels` and `polarity` that `other` has.
    """
    paths = {name: data / f"{name}.npz" for name in ("embeddings", "channels", "polarity")} | dict(other or {})
    dataset = load_parts(data, params.model, paths["embeddings"], paths["channels"])
    return add_pieces(dataset, paths["polarity"], params.train)
