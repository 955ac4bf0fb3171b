"""Searches whose trials cost nothing, for the tests of tuning."""

import multiprocessing
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy import event
from sqlalchemy.engine import Engine

from imdb_sentiment.runtime.params import Params, load_params
from imdb_sentiment.tuning.search import search
from imdb_sentiment.tuning.search_space import SearchSpace, load_search_space
from imdb_sentiment.tuning.study import open_study
from tests.factories import write_params

TUNED = """
train.learning_rate: {low: 1e-3, high: 1e-1, log: true}
train.batch_size: [4, 8]
train.optimizer: [adam, sgd]
model.lstm_units: {low: 2, high: 6, step: 2}
model.dropout_rate: {low: 0.0, high: 0.5}
"""


@event.listens_for(Engine, "connect")
def _write_lazily(connection: Any, _: object) -> None:
    """Have SQLite not wait for the disk, which takes most of the time of a search that computes nothing."""
    if type(connection).__module__.startswith("sqlite3"):
        connection.execute("PRAGMA synchronous=OFF")


def search_space(folder: Path) -> SearchSpace:
    """Write tune.yaml and params.yaml to `folder`, and return what they say."""
    (folder / "tune.yaml").write_text(TUNED)
    write_params(folder / "params.yaml", {"train.learning_rate": "0.01", "model.lstm_units": "4"})
    return load_search_space(folder / "tune.yaml", load_params(folder / "params.yaml"))


@contextmanager
def opened_study(storage: str, space: SearchSpace) -> Iterator[optuna.Study]:
    """Open a study whose running trials count as dead after three seconds, and close its connections at the end."""
    study = open_study(storage, "tune", space.identity(), space.first_trial(), heartbeat=1)
    try:
        yield study
    finally:
        study._storage._backend.engine.dispose()  # type: ignore[attr-defined]  # it has no public way


def run(params: Params) -> Generator[Mapping[str, float]]:
    """Yield three epochs, best at a learning rate of 0.05 and with adam."""
    for epoch in (3, 2, 1):
        accuracy = 0.9 - abs(params.train.learning_rate - 0.05) - 0.2 * (params.train.optimizer != "adam")
        yield {"val_accuracy": accuracy / epoch}


def ignore(_: optuna.Study) -> None:
    """Stand in for the view of a search."""


def search_and_log(storage: str, folder: Path, trials: int, barrier: Any) -> None:
    """Search as one of several processes, and write each trial's learning rate to `folder`."""
    folder.mkdir()
    space = search_space(folder)

    def run_and_log(params: Params) -> Generator[Mapping[str, float]]:
        with (folder / "rates").open("a") as file:
            file.write(f"{params.train.learning_rate}\n")
        time.sleep(0.05)
        yield from run(params)

    barrier.wait(timeout=60)
    with opened_study(storage, space) as study:
        search(study, space, run_and_log, trials=trials, changed=ignore)


def assert_two_processes_share(storage: str, folder: Path) -> None:
    """Have two processes open a new study at the same moment, and check that they divide its trials."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    folders = [folder / "0", folder / "1"]
    processes = [context.Process(target=search_and_log, args=(storage, own, 10, barrier)) for own in folders]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0, 0]
    first, second = ((own / "rates").read_text().split() for own in folders)
    assert min(len(first), len(second)) >= 1  # on a busy machine one may be much slower
    assert 10 <= len(first) + len(second) <= 11
    assert [*first, *second].count("0.01") == 1  # the params as they are
