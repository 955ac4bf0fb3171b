"""The benchmarks on a tiny corpus: equal work in training, and one run of each script."""

import itertools
import json
import operator
import os
from contextlib import chdir
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from benchmarks.fitting import in_processes
from benchmarks.harness import function, run_process
from benchmarks.reviews import write_archive
from imdb_sentiment.runtime.files import read_json
from imdb_sentiment.runtime.params import load_params
from imdb_sentiment.workspaces.project import merge
from tests.factories import ROOT, corpus_files, pack, write_folder, write_params
from tests.stage_runs import assert_refused, invoke

# Stages that need no time: what is measured is as large as Python.
PIPELINE = b"""
stages:
  first: {cmd: python -m stages.first, outs: [one.txt]}
  train: {cmd: python -m stages.train, deps: [one.txt], outs: [two.txt]}
"""
FIRST = b"open('one.txt', 'w').close()"
TRAIN = b"""
import time
def fit_epoch():
    time.sleep(0.2)
fit_epoch()
open('two.txt', 'w').close()
"""


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "src")]))


def run(name: str, workspace: Path, *options: object) -> dict[str, Any]:
    """Run a script in `workspace`, and return what it wrote."""
    with chdir(workspace):
        result: Result = invoke(import_module(f"benchmarks.{name}").app, "--output", "found.json", *options)
    assert result.exit_code == 0, result.stderr
    return read_json(workspace / "found.json")


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit in this process, which has TensorFlow loaded."""
    for name in ("seeds", "ablation"):
        monkeypatch.setattr(f"benchmarks.{name}.in_processes", itertools.starmap)


@pytest.mark.parametrize("architecture", ["polarity", "plain"])
def test_contenders_of_training_take_the_same_steps(architecture: str, prepared_once: Path, tmp_path: Path) -> None:
    from benchmarks.training_keras import first_weights, keras_padded, ours

    rates = dict.fromkeys(("word_dropout_rate", "embedding_dropout_rate", "dropout_rate"), 0.0)
    changes = {
        "model": {"architecture": architecture, "trainable_embeddings": False, **rates},
        "train": {"batch_size": 2, "learning_rate": 0.01, "learning_rate_schedule": "constant"},
    }
    params = merge(load_params(prepared_once / "params.yaml").model_dump(), changes)
    task: dict[str, Any] = {"data": str(prepared_once / "data"), "params": params, "steps": 4}

    found = [ours(**task), ours(**task, keras_lstm=True), keras_padded(**task)]
    first_weights(**task, output=str(tmp_path / "weights.npz"))
    if find_spec("torch"):
        from benchmarks.training_torch import torch_grouped

        for padded in (False, True):
            by_torch = function(torch_grouped, **task, weights=tmp_path / "weights.npz", padded=padded)
            found.append(json.loads(run_process(by_torch.command).printed.splitlines()[-1]))

    losses = [result["mean_loss_after_each_step"] for result in found]
    assert len(losses[0]) >= 2
    assert np.std(losses[0]) > 0
    for other in losses[1:]:
        np.testing.assert_allclose(other, losses[0], rtol=1e-5)
    assert len({result["amount"] for result in found}) == 1


def test_training_is_measured_only_where_all_have_the_same_model(prepared: Path) -> None:
    params = write_params(prepared / "other.yaml", {"train.optimizer": "sgd"})
    result = invoke(import_module("benchmarks.training").app, "--params", params, "--output", prepared / "found.json")
    assert_refused(result, "optimizer", "found 'sgd'", "expected 'adam'")


@pytest.mark.parametrize(
    ("name", "contenders"),
    [
        ("ingest", ("ours", "decompression")),
        ("preprocess", ("ours", "regex")),
        ("vectors", ("ours", "gensim")),
        ("prediction", ("ours", "sklearn")),
        ("start_up", ("ours", "stages.train")),
    ],
)
def test_speed_of_part_is_measured(name: str, contenders: tuple[str, ...], exported: Path) -> None:
    archive = pack(corpus_files(), exported / "reviews.tar.gz")
    write_params(exported / "archive.yaml", {"data.source": str(archive)})
    only = [word for contender in contenders for word in ("--only", contender)]

    comparisons = run(name, exported, "--params", "archive.yaml", "--rounds", 1, *only)["comparisons"]

    for comparison in comparisons.values():
        assert set(comparison["contenders"]) <= set(contenders)
        for result in comparison["contenders"].values():
            assert result["seconds"] == [result["median_seconds"]]
            assert result["median_seconds"] > 0
    amounts = {result["amount"] for result in next(iter(comparisons.values()))["contenders"].values()}
    assert len(amounts) == 1


def test_growth_adds_a_size_to_those_measured_before(exported: Path) -> None:
    old = {"reviews": 1000, "seconds": 9.0, "peak_mib": 99.0}
    steps = ("ingest", "preprocess", "predict")
    (exported / "found.json").write_text(json.dumps({step: [old] for step in steps}), encoding="utf-8")

    found = run("growth", exported, 100)

    for step in steps:
        assert [row["reviews"] for row in found[step]] == [100, 1000]
        assert found[step][1] == old
        assert found[step][0]["seconds"] > 0
        assert found[step][0]["peak_mib"] > 50
    assert "peak memory" in (exported / "found.svg").read_text(encoding="utf-8")


def test_generated_reviews_are_as_many_as_asked_for_and_always_the_same(tmp_path: Path) -> None:
    from imdb_sentiment.corpus.archive import read_source

    for name in ("one.tar", "two.tar"):
        write_archive(tmp_path / name, 1200)
    files = list(read_source(tmp_path / "one.tar"))
    assert sum(not file.is_urls for file in files) == 1200
    assert sum(file.is_urls for file in files) == 4
    lengths = sorted(len(file.content.split()) for file in files if not file.is_urls)
    assert 160 < lengths[600] < 190
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


@pytest.mark.usefixtures("in_this_process")
def test_seeds_begin_with_the_trained_model(exported: Path) -> None:
    found = run("seeds", exported, "--fits", 2)

    members = load_params(exported / "params.yaml").train.members
    assert len(found["fits"]) == 2
    assert len(found["one_member_accuracies"]) == 2 * members
    evaluated = read_json(exported / "metrics/metrics.json")
    assert found["fits"][0]["accuracy"] == evaluated["accuracy"]
    assert found["fits"][0]["loss"] == pytest.approx(evaluated["loss"], rel=1e-4, abs=1e-7)
    assert found["accuracy_mean"] == pytest.approx(np.mean([fit["accuracy"] for fit in found["fits"]]))


@pytest.mark.usefixtures("in_this_process")
def test_ablation_makes_the_inputs_that_a_row_needs(prepared: Path) -> None:
    rows = ("all of it", "vectors by skip-gram")
    found = run("ablation", prepared, "--seeds", 1, *itertools.chain(*(("--row", row) for row in rows)))["validation"]

    assert set(found) == set(rows)
    assert found[rows[0]]["loss_mean"] != found[rows[1]]["loss_mean"]
    refused = invoke(import_module("benchmarks.ablation").app, "--row", "nothing")
    assert_refused(refused, "found 'nothing'", "expected one of all of it")


def test_fits_run_in_processes_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.setenv(name, "1")  # as it sets them itself; so they are set back
    assert list(in_processes(operator.sub, [(5, 3), (2, 7)])) == [2, -5]


def test_faithfulness_is_that_of_the_exported_model(exported: Path) -> None:
    found = run("faithfulness", exported)
    assert found["reviews"] == 16
    assert 0 <= found["top_words_drop_more"] <= 1


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a DVC project of two stages, of which one is called train."""
    files = {"dvc.yaml": PIPELINE, ".dvc/config": b"[core]\n    no_scm = true\n", "stages/__init__.py": b""}
    return write_folder(tmp_path / "project", {**files, "stages/first.py": FIRST, "stages/train.py": TRAIN})


def test_profile_divides_a_run_among_stages_and_dvc(project: Path) -> None:
    found = run("profile_repro", project)

    assert [stage["stage"] for stage in found["stages"]] == ["first", "train"]
    assert all(5 < stage["peak_mib"] < 60 for stage in found["stages"])  # not DVC's
    assert found["train"]["fitting, its first step compiling"] == pytest.approx(0.2, abs=0.1)
    between = found["dvc_start_seconds"] + sum(stage["dvc_seconds"] for stage in found["stages"])
    assert between == pytest.approx(found["dvc_seconds"], abs=0.1)
    assert found["dvc_lock_as_before"] is False  # there was none
    (project / "data").mkdir()
    write_params(project / "params.yaml")
    overhead = run("dvc_overhead", project, "--rounds", 1)["comparisons"]["dvc: nothing to do"]
    assert set(overhead["contenders"]) == {"repro", "status"}
    (project / "one.txt").write_text("changed")
    with chdir(project):
        assert_refused(invoke(import_module("benchmarks.dvc_overhead").app), "found something out of date")


def test_profile_refuses_a_train_that_would_continue(project: Path) -> None:
    write_folder(project, {"data/checkpoints/1234/member_0.npz": b""})
    result = invoke(import_module("benchmarks.profile_repro").app, "--repository", project)
    assert_refused(result, "checkpoints", "found a train that was stopped")


def test_server_is_measured_beside_predict(exported: Path) -> None:
    found = run("serving", exported, "--reviews", 40, "--requests", 100, "--seconds", 1)["serving"]
    assert found["single"]["failed"] == found["batches"]["failed"] == found["paced"]["failed"] == 0
    assert found["short"]["answered"] == 100
    assert 0 < found["paced"]["median_ms"] <= found["paced"]["p99_ms"]
    assert found["memory"]["mib_after"] > 0
