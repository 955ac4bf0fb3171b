"""A fit that was stopped goes on after its last finished epoch, and ends with the bytes of one that was not."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imdb_sentiment.runtime.errors import OutputError
from imdb_sentiment.training.checkpoints import Arrays, Checkpoint, CheckpointFolder, fingerprint_run
from tests.conftest import snapshot, write_params
from tests.imports import ROOT
from tests.refusal import full_disk
from tests.test_training import PARAMS, TRAIN, Fit, fit, parts_of

AVERAGED = TRAIN.model_copy(update={"averaged_share": 0.7, "optimizer": "adamw"})


class StoppedError(Exception):
    """Stands in for what ends a process."""


class StopsAfter(Checkpoint):
    """A checkpoint whose fit is stopped once it has saved this many epochs."""

    epochs = 0

    def save(self, state: Mapping[str, Any], arrays: Arrays) -> None:
        super().save(state, arrays)
        if len(state["epochs"]) == self.epochs:
            raise StoppedError


class Log:
    def __init__(self) -> None:
        self.epochs: list[Mapping[str, float]] = []

    def add_epoch(self, metrics: Mapping[str, float]) -> None:
        self.epochs.append(metrics)


@pytest.fixture(scope="module")
def never_stopped() -> Fit:
    return fit(parts_of(), AVERAGED)


@pytest.mark.parametrize("epochs", [1, 4, 6])
def test_a_fit_goes_on_as_if_it_had_never_been_stopped(epochs: int, never_stopped: Fit, tmp_path: Path) -> None:
    class Stops(StopsAfter):
        pass

    Stops.epochs = epochs
    with pytest.raises(StoppedError):
        fit(parts_of(), AVERAGED, checkpoint=Stops(tmp_path / "checkpoint.npz"))
    log = Log()
    again = fit(parts_of(), AVERAGED, checkpoint=Checkpoint(tmp_path / "checkpoint.npz"), log=log)
    assert again.weights == never_stopped.weights
    assert again.history == never_stopped.history
    assert [its["loss"] for its in log.epochs] == never_stopped.history["loss"]


def test_a_damaged_checkpoint_is_none(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    assert Checkpoint(path).load() is None
    Checkpoint(path).save({"epochs": [1]}, {"model": [np.ones(3)], "average": []})
    state, arrays = Checkpoint(path).load() or ({}, {})
    assert state == {"epochs": [1]}
    assert arrays["average"] == []
    assert (arrays["model"][0] == np.ones(3)).all()
    for damaged in (path.read_bytes()[:-40], b"", b"no npz"):
        path.write_bytes(damaged)
        assert Checkpoint(path).load() is None
    np.savez(path, state=np.array("no JSON"))
    assert Checkpoint(path).load() is None


def test_a_full_disk_is_said_and_the_last_checkpoint_stays(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz")
    checkpoint.save({"epochs": [1]}, {"model": [np.ones(3)]})
    before = snapshot(tmp_path)
    with full_disk(10), pytest.raises(OutputError, match=r"checkpoint\.npz: cannot be written"):
        checkpoint.save({"epochs": [1, 2]}, {"model": [np.ones(30_000)]})
    assert snapshot(tmp_path) == before


def test_what_a_fit_depends_on_is_in_the_fingerprint() -> None:
    settings = {"model": PARAMS.model_dump(), "train": TRAIN.model_dump()}
    vectors = np.ones((10, 4), np.float32)
    parts = parts_of()
    same = fingerprint_run(parts, vectors, settings)
    assert same == fingerprint_run(parts_of(), vectors.copy(), settings)
    others = [
        fingerprint_run(parts, vectors, {**settings, "train": AVERAGED.model_dump()}),
        fingerprint_run(parts, None, settings),
        fingerprint_run(parts, vectors * 2, settings),
        fingerprint_run({**parts, "train": parts["validation"]}, vectors, settings),
        fingerprint_run({**parts, "validation": parts["train"]}, vectors, settings),
    ]
    assert len({same, *others}) == 1 + len(others)


def test_checkpoints_of_other_runs_go_and_the_own_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    for run in ("one", "other"):
        CheckpointFolder(tmp_path / run, run).of_member(0).save({}, {})
        shutil.copytree(tmp_path / run, folder, dirs_exist_ok=True)
    own = CheckpointFolder(folder, "one")
    assert [its.name for its in folder.iterdir()] == ["one"]
    assert own.of_member(0).load() == ({}, {})
    assert own.of_member(1).load() is None
    own.remove()
    assert not folder.exists()
    own.remove()


def train(folder: Path, model: str, curves: str) -> "subprocess.Popen[str]":
    names = ("sequences.npz", "vocabulary.json", "embeddings.npz", "channels.npz", model, curves)
    command = [sys.executable, "-m", "stages.train", *(str(folder / name) for name in names)]
    command += ["--params", str(folder / "params.yaml")]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def test_a_killed_train_goes_on_and_writes_the_same_bytes(prepared: Path) -> None:
    write_params(prepared / "params.yaml", {"train.epochs": "12"})
    never_stopped = train(prepared, "model", "curves")
    _, said = never_stopped.communicate()
    assert never_stopped.returncode == 0, said

    process = train(prepared, "again", "curves_again")
    deadline = time.monotonic() + 120
    while not list(prepared.glob("checkpoints/*/member_0.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (prepared / "again").exists()

    process = train(prepared, "again", "curves_again")
    _, said = process.communicate()
    assert process.returncode == 0, said
    first = re.search(r"Epoch (\d+)/12", said)
    assert first is None or int(first[1]) > 1
    assert snapshot(prepared / "again") == snapshot(prepared / "model")
    assert snapshot(prepared / "curves_again") == snapshot(prepared / "curves")
    assert not (prepared / "checkpoints").exists()
