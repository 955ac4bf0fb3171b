"""Two processes that take part in one search at once, by trials that cost nothing."""

import multiprocessing
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import optuna

from imdb_sentiment.runtime.params import Params, load_params
from imdb_sentiment.tuning.search import ended, search
from imdb_sentiment.tuning.search_space import SearchSpace, load_search_space
from imdb_sentiment.tuning.study import open_study

TRIALS = 12


def load_space(folder: Path) -> SearchSpace:
    return load_search_space(folder / "tune.yaml", load_params(folder / "params.yaml"))


def run(params: Params) -> Generator[Mapping[str, float]]:
    for epoch in (2, 1):
        time.sleep(0.02)
        yield {"val_accuracy": (0.9 - abs(params.train.learning_rate - 0.05)) / epoch}


def nothing(_: optuna.Study) -> None:
    pass


def close(study: optuna.Study) -> None:
    """Close a database's connections, which would otherwise be warned of where they are found unused."""
    engine = getattr(getattr(study._storage, "_backend", None), "engine", None)
    if engine is not None:
        engine.dispose()


def share(storage: str, folder: Path, barrier: Any) -> None:
    """Take part in the search: what each process does."""
    space = load_space(folder)
    barrier.wait(timeout=60)
    study = open_study(storage, "tune", space.identity(), space.own())
    search(study, space, run, trials=TRIALS, changed=nothing)
    close(study)


def assert_two_processes_share(storage: str, folder: Path) -> None:
    """Have both open the storage, a new one, at the same moment; assert that they divide the trials."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    both = [context.Process(target=share, args=(storage, folder, barrier)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(timeout=120)
    assert [process.exitcode for process in both] == [0, 0]
    study = open_study(storage, "tune", load_space(folder).identity())
    trials, done = study.trials, ended(study)
    close(study)
    assert TRIALS <= len(done) <= TRIALS + 1
    tried_by = [its.user_attrs["process"] for its in trials]
    assert all(tried_by.count(process.pid) >= 3 for process in both)
    rates = [its.params["train.learning_rate"] for its in trials]
    assert len(set(rates)) == len(rates)
    assert rates.count(load_space(folder).base.train.learning_rate) == 1
