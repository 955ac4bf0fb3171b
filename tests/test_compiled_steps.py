"""Numba's cache: the LSTM works where it cannot be written, and processes that share it write equal files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.factories import ROOT
from tests.networks import INPUTS, LABELS, create_polarity
from tests.stage_runs import full_disk


def start(*arguments: str, folder: Path, source: Path, **environment: str) -> "subprocess.Popen[str]":
    """Start Python in `folder` with the package in `source`."""
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": os.pathsep.join([str(source), str(ROOT)]), **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_train_on_a_full_disk_says_which_output_cannot_be_written(prepared: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    with full_disk(100):  # less than any file of the cache
        process = start(
            "-m", "stages.train", "--quiet", folder=prepared, source=ROOT / "src", NUMBA_CACHE_DIR=str(cache)
        )
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 1, stderr
    assert len(stderr.splitlines()) == 1, stderr
    assert "cannot be written" in stderr


def test_steps_are_compiled_without_a_folder_for_the_cache(tmp_path: Path) -> None:
    # Files where Numba would make folders: the superuser, too, cannot write there.
    package = tmp_path / "src/imdb_sentiment"
    shutil.copytree(ROOT / "src/imdb_sentiment", package, ignore=shutil.ignore_patterns("__pycache__"))
    home = tmp_path / "home"
    for file in (package / "network/__pycache__", home):
        file.touch()
    code = "from imdb_sentiment.network.compiled_steps import compiled_steps as steps; steps().forward.signatures[0]"
    process = start("-c", code, folder=tmp_path, source=package.parent, HOME=str(home), XDG_CACHE_HOME=f"{home}/cache")
    _, stderr = process.communicate(timeout=300)
    assert (process.returncode, stderr) == (0, "")


def test_each_function_is_compiled_once_for_all_uses() -> None:
    from imdb_sentiment.network.compiled_steps import compiled_steps

    model = create_polarity(lstm_layers=2)  # the first layer reads distinct vectors, the second does not
    model.train_on_batch(INPUTS, LABELS)
    model.predict_on_batch(INPUTS)
    np.asarray(model(INPUTS, training=True))
    functions: tuple[Any, ...] = compiled_steps()
    # Two processes that compile for different types would number their files alike.
    assert [len(function.signatures) for function in functions] == [1, 1, 1]
