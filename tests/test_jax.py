"""The models on Keras's JAX backend: the stages run, and two devices give the loss of one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories import ROOT

pytest.importorskip("jax", reason="JAX is not installed")

FIT = """
import json, sys
import keras
from pathlib import Path
from imdb_sentiment.runtime.params import load_params
from imdb_sentiment.training.dataset import load_dataset
from imdb_sentiment.training.fit import split_and_fit_dataset

devices = keras.distribution.list_devices("cpu")
if len(devices) > 1:
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
params = load_params(Path("params.yaml"))
files = (Path("data") / name for name in ("sequences.npz", "vocabulary.json", "embeddings.npz", "channels.npz"))
fitted = split_and_fit_dataset(load_dataset(*files, params.model), params.model, params.train)
print(json.dumps({"devices": len(devices), "epochs": [history.epochs for history in fitted.histories]}))
"""


def run_with_jax(workspace: Path, *arguments: str, devices: int = 1) -> str:
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }
    command = [sys.executable, *arguments]
    result = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_stages_train_evaluate_and_export(prepared: Path) -> None:
    for stage in ("train", "baseline", "evaluate", "export"):
        run_with_jax(prepared, "-m", f"stages.{stage}")
    # The stage itself refuses a model that ONNX Runtime computes otherwise.
    assert json.loads((prepared / "metrics/export.json").read_text())["largest_difference"] < 1e-4


def test_two_devices_give_the_loss_of_one(prepared: Path) -> None:
    one, two = (json.loads(run_with_jax(prepared, "-c", FIT, devices=count)) for count in (1, 2))
    assert (one["devices"], two["devices"]) == (1, 2)
    for member, other in zip(one["epochs"], two["epochs"], strict=True):
        for epoch, found in zip(member, other, strict=True):
            assert found == pytest.approx(epoch, rel=1e-4)
