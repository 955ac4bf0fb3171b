"""The benchmarks run, on a tiny corpus: what they measure on the real one stands in the README."""

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.generated import write_archive
from benchmarks.growth_chart import draw_growth
from benchmarks.measuring import measure
from benchmarks.phases import phases_of
from benchmarks.profile_repro import app as profile_app
from imdb_sentiment.corpus.archive import read_source
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.params import read_yaml
from tests.conftest import assert_refused, run_stage, write_folder
from tests.imports import ROOT
from tests.refusal import run_evaluate

# Stages that need no time: what is measured is as large as Python.
PIPELINE = """
stages:
  first:
    cmd: python -m stages.first one.txt
    outs: [one.txt]
  second:
    cmd: python -m stages.second two.txt
    deps: [one.txt]
    outs: [two.txt]
"""
STAGE = """
import sys
from pathlib import Path
from imdb_sentiment.runtime.console import console_progress

with console_progress("Writing", None, ""):
    Path(sys.argv[1]).write_text("")
"""


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


def labels_of(svg: str) -> list[float]:
    """Return how far down in the chart the name of each curve stands."""
    texts = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314  # our own
    return [float(its.get("y", "0")) for its in texts if its.get("class", "").startswith("name ")]


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
    # 1e-7: as near to 1 as a probability in single precision comes.
    assert found["fits"][0]["loss"] == pytest.approx(evaluated["loss"], rel=1e-4, abs=1e-7)
    assert f"{found['accuracy_mean']:.2%}" in printed
    assert 0 <= found["all_members"]["accuracy"] <= 1


def test_growth_measures_each_step_at_each_size_and_draws_it(exported: Path) -> None:
    old = {step: [{"reviews": 1000, "seconds": 9.0, "peak_mib": 99.0}] for step in ("ingest", "preprocess", "predict")}
    (exported / "growth.json").write_text(json.dumps(old), encoding="utf-8")
    printed = run(exported, "benchmarks.growth", "growth.json", "100", "--model", "exported")
    found = json.loads((exported / "growth.json").read_text(encoding="utf-8"))
    for step, rows in old.items():
        # What was measured before at another size stays.
        assert found[step][1:] == rows
        assert found[step][0]["reviews"] == 100
        assert found[step][0]["seconds"] > 0
        assert found[step][0]["peak_mib"] > 50
        assert step in printed
    assert len(labels_of((exported / "growth.svg").read_text(encoding="utf-8"))) == 6


def test_generated_reviews_are_as_many_as_asked_for_and_always_the_same(tmp_path: Path) -> None:
    for name in ("one.tar", "two.tar"):
        write_archive(tmp_path / name, 1200)
    files = list(read_source(tmp_path / "one.tar"))
    assert sum(not its.is_urls for its in files) == 1200
    assert sum(its.is_urls for its in files) == 4
    lengths = sorted(len(its.content.split()) for its in files if not its.is_urls)
    assert 160 < lengths[600] < 190
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_the_chart_keeps_its_labels_apart() -> None:
    rows = [{"reviews": 10**power, "seconds": 1.0, "peak_mib": 400.0} for power in (2, 3)]
    labels = labels_of(draw_growth({"ingest": rows, "preprocess": rows, "predict": rows[:1]}))
    assert len(labels) == 6
    for panel in (labels[:3], labels[3:]):
        assert all(later - earlier >= 30 for earlier, later in pairwise(sorted(panel)))
        assert max(panel) < 330


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(PipelineError, match="found exit code 1"):
        measure("stages.no_such_stage")


def test_phases_are_tasks_and_what_lies_between() -> None:
    tasks = [
        {"task": "Epoch 1/2", "start": 13.0, "end": 19.0},
        {"task": "Inner", "start": 14.0, "end": 15.0},
        {"task": "Epoch 2/2", "start": 20.0, "end": 24.0},
    ]
    expected = {"start to Epoch": 3.0, "Epoch": 10.0, "Epoch to Epoch": 1.0, "Epoch to end": 6.0}
    assert phases_of(tasks, 10.0, 30.0) == expected
    assert phases_of([], 1.0, 3.0) == {"start to end": 2.0}


def test_profile_of_a_pipeline(tmp_path: Path) -> None:
    no_scm = "[core]\n    no_scm = true\n"
    stages = {f"stages/{name}.py": STAGE.encode() for name in ("first", "second")}
    files = {"dvc.yaml": PIPELINE.encode(), ".dvc/config": no_scm.encode(), "stages/__init__.py": b"", **stages}
    repository = write_folder(tmp_path / "repository", files)
    printed = run(tmp_path, "benchmarks.profile_repro", "profile.json", "--repository", "repository")
    found = json.loads((tmp_path / "profile.json").read_text(encoding="utf-8"))
    assert [its["stage"] for its in found["stages"]] == ["first", "second"]
    for its in found["stages"]:
        assert 5 < its["peak_mib"] < 100  # not DVC's
        assert list(its["phases"]) == ["start to Writing", "Writing", "Writing to end"]
        assert sum(its["phases"].values()) == pytest.approx(its["seconds"], abs=0.1)
        assert its["stage"] in printed
    between = found["dvc_start_seconds"] + sum(its["dvc_seconds"] for its in found["stages"])
    assert between == pytest.approx(found["dvc_seconds"], abs=0.1)
    assert found["dvc_lock_as_before"] is False  # there was none
    assert (repository / "two.txt").is_file()


def test_profile_of_a_train_that_would_go_on_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data/checkpoints").mkdir(parents=True)
    result = run_stage(profile_app, tmp_path / "profile.json", "--repository", tmp_path)
    assert_refused(result, "checkpoints", "found a train that was stopped")
