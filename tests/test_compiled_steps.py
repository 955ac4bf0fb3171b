"""Numba's cache: the LSTM works where it cannot be written, and processes that share it write equal files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.factories import ROOT
from tests.networks import INPUTS, LABELS, create_polarity
from tests.stage_runs import full_disk


def start_train(workspace: Path, source: Path, **environment: str) -> "subprocess.Popen[str]":
    """Start the stage train, with the package in the folder `source`."""
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    path = os.pathsep.join([str(source), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-m", "stages.train", "--quiet"],
        cwd=workspace,
        env={**kept, "PYTHONPATH": path, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def trains(prepared_once: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Return the exit code and standard error of train on a full disk, and without any folder for the cache.

    The two run side by side, since each compiles for half a minute.
    """
    folder = tmp_path_factory.mktemp("trains")
    workspaces = {name: shutil.copytree(prepared_once, folder / name) for name in ("full disk", "no folder")}
    # A file where Numba makes its folder: the superuser, too, cannot write there.
    package = shutil.copytree(
        ROOT / "src/imdb_sentiment", folder / "src/imdb_sentiment", ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "network/__pycache__").touch()
    home = folder / "home"
    home.touch()
    (folder / "cache").mkdir()
    with full_disk(100):
        on_full_disk = start_train(workspaces["full disk"], ROOT / "src", NUMBA_CACHE_DIR=str(folder / "cache"))
    without_folder = start_train(
        workspaces["no folder"], package.parent, HOME=str(home), XDG_CACHE_HOME=str(home / "cache")
    )
    ended = {}
    for name, process in (("full disk", on_full_disk), ("no folder", without_folder)):
        _, stderr = process.communicate(timeout=300)
        ended[name] = process.returncode, stderr
    return ended


def test_train_on_a_full_disk_says_which_output_cannot_be_written(trains: dict[str, tuple[int, str]]) -> None:
    code, stderr = trains["full disk"]
    assert code == 1
    assert len(stderr.splitlines()) == 1
    assert "cannot be written" in stderr


def test_train_works_without_a_folder_for_the_cache(trains: dict[str, tuple[int, str]]) -> None:
    assert trains["no folder"] == (0, "")


@pytest.mark.parametrize("embedding_dropout_rate", [0.0, 0.3])
def test_each_function_is_compiled_once_for_all_uses(embedding_dropout_rate: float) -> None:
    from imdb_sentiment.network.compiled_steps import compiled_steps

    model = create_polarity(lstm_layers=2, embedding_dropout_rate=embedding_dropout_rate)
    model.train_on_batch(INPUTS, LABELS)
    model.predict_on_batch(INPUTS)
    np.asarray(model(INPUTS, training=True))
    functions: tuple[Any, ...] = compiled_steps()
    # Two processes that compile for different types would number their files alike.
    assert [len(function.signatures) for function in functions] == [1, 1, 1]
