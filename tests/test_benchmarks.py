"""The benchmarks run, on a tiny corpus: what they measure on the real one stands in the README."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from imdb_sentiment.params import read_yaml
from tests.imports import ROOT
from tests.refusal import run_evaluate


def run(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_seeds_are_the_members_of_one_fit_after_another(trained: Path) -> None:
    shutil.copytree(trained, trained / "data")
    (trained / "data/model").rename(trained / "data/trained")
    printed = run(trained, "benchmarks.seeds", "seeds.json", "--fits", "2")
    found = json.loads((trained / "seeds.json").read_text(encoding="utf-8"))
    members = read_yaml(trained / "params.yaml")["train"]["members"]
    assert len(found["fits"]) == 2
    assert len(found["one_member_accuracies"]) == 2 * members
    assert run_evaluate(trained).exit_code == 0
    # The first fit is the trained model.
    evaluated = json.loads((trained / "metrics.json").read_text(encoding="utf-8"))
    assert found["fits"][0]["accuracy"] == evaluated["accuracy"]
    assert found["fits"][0]["loss"] == pytest.approx(evaluated["loss"], rel=1e-4)
    assert f"{found['accuracy_mean']:.2%}" in printed
    assert 0 <= found["all_members"]["accuracy"] <= 1
