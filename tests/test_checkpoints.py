"""Checkpoints: a stopped fit goes on after its last finished epoch, and ends with the bytes of one never stopped."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import imdb_sentiment
from imdb_sentiment.runtime.errors import OutputError
from imdb_sentiment.runtime.params import read_yaml
from imdb_sentiment.training.checkpoints import CODE, Arrays, Checkpoint, Checkpoints, fingerprint_run
from imdb_sentiment.training.epoch import fit_epoch
from tests.factories import ROOT, snapshot, write_folder, write_params
from tests.fits import PARAMS, TRAIN, Fit, fit, make_dataset
from tests.stage_runs import OUTPUTS, add_old_outputs, full_disk, run_stage

AVERAGED = TRAIN.model_copy(update={"averaged_share": 0.7, "optimizer": "adamw"})


class CopyingCheckpoint(Checkpoint):
    """A checkpoint that also leaves a copy of each epoch's file: `after_4.npz` is that of a fit stopped then."""

    def save(self, state: Mapping[str, Any], arrays: Arrays) -> None:
        super().save(state, arrays)
        shutil.copy(self.path, self.path.with_name(f"after_{len(state['epochs'])}.npz"))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the checkpoints of a fit."""
    folder = tmp_path_factory.mktemp("stopped")
    fit(make_dataset(), AVERAGED, checkpoint=CopyingCheckpoint(folder / "checkpoint.npz", "run"))
    return folder


@pytest.fixture(scope="module")
def uninterrupted() -> Fit:
    """Fit one member without a checkpoint."""
    return fit(make_dataset(), AVERAGED)


@pytest.mark.parametrize("epochs", [1, 4, 6])
def test_stopped_fit_goes_on_and_ends_with_the_same_bytes(
    epochs: int, stopped: Path, uninterrupted: Fit, tmp_path: Path
) -> None:
    checkpoint = Checkpoint(Path(shutil.copy(stopped / f"after_{epochs}.npz", tmp_path)), "run")
    seen: list[Mapping[str, float]] = []
    resumed = fit(make_dataset(), AVERAGED, checkpoint=checkpoint, on_epoch=seen.append)
    assert resumed.weights == uninterrupted.weights
    assert resumed.history == uninterrupted.history
    assert seen == uninterrupted.history.epochs


def replace_arrays(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with np.load(path) as archive:
            entries = dict(archive)
        change(entries)
        np.savez(path, **entries)

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-40]),
        lambda path: path.write_bytes(b""),
        lambda path: np.savez(path, state=np.array("{}")),
        replace_arrays(lambda entries: entries.pop("kept/0")),
        replace_arrays(lambda entries: entries.update({"model/0": np.zeros(3)})),
        replace_arrays(lambda entries: entries.update(state=np.array('{"epochs": [], "counts": {}}'))),
    ],
    ids=["truncated", "empty", "another file", "an array missing", "an array of another shape", "another state"],
)
@pytest.mark.parametrize("epochs", [1, 6])
def test_damaged_checkpoint_is_ignored(
    damage: Callable[[Path], object], epochs: int, stopped: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(stopped / f"after_{epochs}.npz", tmp_path))
    damage(path)
    assert Checkpoint(path, "run").load() is None


def test_checkpoint_of_another_fit_is_ignored_and_replaced(stopped: Path, uninterrupted: Fit, tmp_path: Path) -> None:
    checkpoint = Checkpoint(Path(shutil.copy(stopped / "after_6.npz", tmp_path)), "another run")
    assert checkpoint.load() is None
    assert fit(make_dataset(), AVERAGED, checkpoint=checkpoint).weights == uninterrupted.weights
    state, _ = checkpoint.load() or ({}, {})
    assert len(state["epochs"]) == 6


def test_full_disk_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz", "run")
    checkpoint.save({"epochs": [1]}, {"model": [np.ones(3)]})
    before = snapshot(tmp_path)
    with full_disk(10), pytest.raises(OutputError, match=r"checkpoint\.npz: cannot be written"):
        checkpoint.save({"epochs": [1, 2]}, {"model": [np.ones(30_000)]})
    assert snapshot(tmp_path) == before


def test_fingerprint_changes_with_params_data_and_vectors() -> None:
    vectors = np.ones((10, 4), np.float32)
    dataset = make_dataset(vectors)
    train, validation = dataset.parts["train"], dataset.parts["validation"]
    fingerprint = fingerprint_run(dataset, PARAMS, TRAIN)
    assert fingerprint == fingerprint_run(make_dataset(vectors.copy()), PARAMS, TRAIN)
    others = [
        fingerprint_run(dataset, PARAMS, AVERAGED),
        fingerprint_run(dataset, PARAMS.model_copy(update={"dropout_rate": 0.3}), TRAIN),
        fingerprint_run(make_dataset(), PARAMS, TRAIN),
        fingerprint_run(make_dataset(vectors * 2), PARAMS, TRAIN),
        fingerprint_run(make_dataset(vectors, train=validation), PARAMS, TRAIN),
        fingerprint_run(make_dataset(vectors, validation=train), PARAMS, TRAIN),
        fingerprint_run(make_dataset(vectors, train=replace(train, labels=1 - train.labels)), PARAMS, TRAIN),
    ]
    assert len({fingerprint, *others}) == 1 + len(others)


def test_fingerprint_changes_with_the_code_of_train_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = shutil.copytree(ROOT / "src/imdb_sentiment", tmp_path / "package")
    monkeypatch.setattr(imdb_sentiment, "__file__", str(package / "__init__.py"))
    fingerprint = fingerprint_run(make_dataset(), PARAMS, TRAIN)
    for folder in sorted(path.name for path in package.iterdir() if (path / "__init__.py").is_file()):
        (package / folder / "__init__.py").write_text("changed = True\n")
        changed = fingerprint_run(make_dataset(), PARAMS, TRAIN)
        assert (changed != fingerprint) == (folder in CODE), folder
        fingerprint = changed
    prefix = "src/imdb_sentiment/"
    deps = read_yaml(ROOT / "dvc.yaml")["stages"]["train"]["deps"]
    assert sorted(CODE) == sorted(dep.removeprefix(prefix) for dep in deps if dep.startswith(prefix))


def test_runs_side_by_side_delete_only_their_own_checkpoints(tmp_path: Path) -> None:
    foreign = {"file": b"", "0123456789abcdef/member_0.npz": b"", "one/notes.txt": b"", "folder/file": b""}
    before = snapshot(write_folder(tmp_path, foreign))
    one, two = Checkpoints(tmp_path, "one"), Checkpoints(tmp_path, "two")
    for run in (one, two):
        for number in (0, 1):
            run.member(number).save({"run": run.fingerprint}, {})
    one.remove(2)
    assert one.member(0).load() is None
    assert two.member(1).load() == ({"run": "two"}, {})
    two.remove(2)
    one.remove(2)  # as a run whose checkpoints another one has deleted
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("folder", [".", "data"])
def test_train_leaves_all_other_files_in_its_folder_of_checkpoints(prepared: Path, folder: str) -> None:
    write_folder(prepared, {"notes.txt": b"", "data/other/notes.txt": b"", "data/checkpoints/old/member_0.npz": b""})
    before = snapshot(prepared)
    assert run_stage("train", prepared, "--checkpoints", folder).exit_code == 0
    after = snapshot(prepared)
    added = {name for name, content in after.items() if content is not None and name not in before}
    assert added == set(OUTPUTS["train"])
    assert {name: after[name] for name in before} == before


def test_killed_train_leaves_old_outputs_and_goes_on_with_the_same_bytes(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_params(prepared / "params.yaml", {"train.members": "1", "train.epochs": "40"})
    outputs = [name for name in OUTPUTS["train"] if "member_2" not in name]
    uninterrupted = shutil.copytree(prepared, tmp_path / "uninterrupted")
    assert run_stage("train", uninterrupted).exit_code == 0
    add_old_outputs(prepared)
    before = {name: (prepared / name).read_bytes() for name in outputs}

    process = subprocess.Popen(
        [sys.executable, "-m", "stages.train", "--quiet"],
        cwd=prepared,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])},
    )
    try:
        deadline = time.monotonic() + 120
        while not list(prepared.glob("data/checkpoints/*/member_0.npz")) and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    assert {name: (prepared / name).read_bytes() for name in outputs} == before

    epochs: list[int] = []

    def spy(fit: Any, sequences: Any, epoch: int, **settings: Any) -> dict[str, float]:
        epochs.append(epoch)
        return fit_epoch(fit, sequences, epoch, **settings)

    monkeypatch.setattr("imdb_sentiment.training.fit.fit_epoch", spy)
    result = run_stage("train", prepared)
    assert result.exit_code == 0, result.stderr
    assert epochs == list(range(epochs[0], 41))
    assert f"Epoch {epochs[0]}/40 (going on where the last run was stopped): " in result.stderr
    assert result.stderr.count("going on") == 1
    assert epochs[0] > 1
    for name in outputs:
        assert (prepared / name).read_bytes() == (uninterrupted / name).read_bytes(), name
    assert not list(prepared.glob("data/checkpoints/*"))
