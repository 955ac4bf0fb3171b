"""Fitting many models side by side: one process a core, each with one thread.

Two such processes do half as much again as one with two threads.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from imdb_sentiment.runtime.command import import_keras_quietly
from imdb_sentiment.runtime.params import Params

Result = TypeVar("Result")


def in_processes(fit: Callable[..., Result], jobs: Sequence[tuple[Any, ...]]) -> Iterator[Result]:
    """Yield `fit(*job)` for each of `jobs`, in their order."""
    os.environ |= {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    pool = ProcessPoolExecutor(
        os.cpu_count(), get_context("spawn"), initializer=import_keras_quietly, max_tasks_per_child=1
    )
    with pool:
        yield from pool.map(fit, *zip(*jobs, strict=True))


def fit(
    params: Params, data: Path, embeddings: Path | None = None, channels: Path | None = None
) -> tuple[Any, dict[str, Any]]:
    """Return one model, fitted from the seed of `params`, and the parts that it was fitted and validated on.

    All from `data`, but for other `embeddings` or `channels`.
    """
    from imdb_sentiment.training.fit import fit_member

    inputs = read_inputs(params, data, embeddings, channels)
    return fit_member(inputs, params=params.model, train=params.train, number=0), inputs.parts


def read_inputs(params: Params, data: Path, embeddings: Path | None = None, channels: Path | None = None) -> Any:
    """Return what a fit reads, from what the stages wrote to `data`."""
    from imdb_sentiment.training.fit import load_inputs

    return load_inputs(
        data / "sequences.npz",
        data / "vocabulary.json",
        embeddings or data / "embeddings.npz",
        channels or data / "channels.npz",
        params.model,
    )
