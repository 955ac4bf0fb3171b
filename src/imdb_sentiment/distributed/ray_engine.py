"""Classifying the files of a folder on the machines of a Ray cluster, by Ray Data."""

import logging
import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, Final

import ray
from ray.data import ActorPoolStrategy, DataContext, from_items

from imdb_sentiment.distributed.file_classifier import FileClassifier, Outcome, Settings, load_model
from imdb_sentiment.distributed.file_systems import FileWork
from imdb_sentiment.runtime.errors import InputError

_ANSWER_SECONDS: Final = 10


class _Actor:
    """A `FileClassifier` as Ray Data calls it: a row in, a row out."""

    def __init__(self, model_files: Any, settings: Settings) -> None:
        self._classifier = FileClassifier(load_model(ray.get(model_files)), settings)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"outcome": self._classifier.classify(FileWork(row["source"], row["output"]))}


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connect to the cluster at `address`, `auto` for the one of this machine, or start one of this machine's cores.

    Raises InputError if none answers.
    """
    expected = "that of a running Ray cluster, as `ray start --head` prints it"
    if address is not None:
        _check_answers(address, expected)
    # That the arguments of actors may be lost: they are this process's, and stay as long as it does.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        ray.init(
            address=address or "local",
            include_dashboard=None if address else False,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"--ray-address {address}: found no cluster ({reason}); expected {expected}") from error
    try:
        # Ray prints what it has to say of the machines, such as that one is lost.
        with redirect_stdout(sys.stderr):
            yield
    finally:
        ray.shutdown()


def classify_files(work: Sequence[FileWork], model_files: Mapping[str, bytes], settings: Settings) -> Iterator[Outcome]:
    """Yield the outcome of each file, in any order, as the cluster finishes it.

    An actor for each core holds the model. If a machine is lost, its files are classified by another.
    """
    context = DataContext.get_current()
    context.enable_progress_bars = False
    rows = [{"source": file.source, "output": file.output} for file in work]
    actors = max(1, min(int(ray.cluster_resources().get("CPU", 1)), len(rows)))
    outcomes = from_items(rows, override_num_blocks=len(rows)).map(
        _Actor,
        fn_constructor_args=(ray.put(dict(model_files)), settings),
        # From the smallest pool to the largest: where a lost machine has left fewer cores, idle actors make room for
        # the one that has to start again.
        compute=ActorPoolStrategy(min_size=1, max_size=actors, initial_size=actors),
        num_cpus=1,
    )
    for row in outcomes.iter_rows():
        yield row["outcome"]


def _check_answers(address: str, expected: str) -> None:
    """Raise InputError unless something listens at `address`: Ray itself would ask for minutes."""
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator or not port.isdecimal():
        if address in ("auto", "local"):
            return
        raise InputError(
            f"--ray-address {address}: found no host and port; expected auto, or an address such as host:6379"
        )
    try:
        socket.create_connection((host, int(port)), _ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"--ray-address {address}: found no cluster ({error}); expected {expected}") from error
