"""The pipeline as DVC runs it: in a clone, on the sample corpus, through real commands."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from imdb_sentiment.runtime.params import Params, read_yaml, write_yaml
from tests.imports import ROOT, imported_files
from variants.__main__ import merge

STAGES = ("ingest", "preprocess", "embed", "polarity", "train", "baseline", "evaluate", "behaviour", "export", "report")
METRICS = {
    "accuracy",
    "accuracy_high",
    "accuracy_low",
    "accuracy_without_train_duplicates",
    "brier",
    "expected_calibration_error",
    "f1",
    "false_negatives",
    "false_positives",
    "loss",
    "precision",
    "recall",
    "roc_auc",
    "test_reviews",
    "true_negatives",
    "true_positives",
}
COMPARED = {"margin_over_baseline", "mcnemar_p"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with the project's files, its params those of the demo, the pipeline run and committed."""
    folder = tmp_path_factory.mktemp("clone")
    for name in (
        "stages",
        "src",
        "variants",
        "data/sample",
        ".dvc/config",
        ".dvcignore",
        "dvc.yaml",
        "data/raw/.gitignore",
        "data/raw/dvc.yaml",
        ".gitignore",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    params = merge(read_yaml(ROOT / "params.yaml"), read_yaml(ROOT / "variants/demo.yaml"))
    write_yaml(merge(params, {"train": {"epochs": 2}}), folder / "params.yaml")
    (folder / "README.md").write_text("One.\n")
    run(folder, "git", "init", "--quiet")
    commit(folder, "Begin")
    dvc(folder, "repro")
    commit(folder, "Run the pipeline")
    return folder


def run(folder: Path, *command: str) -> str:
    """Return what `command` prints in `folder`; it must succeed."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
        "DVC_NO_ANALYTICS": "1",
        "COLUMNS": "200",
    }
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def dvc(folder: Path, *arguments: str) -> str:
    return run(folder, sys.executable, "-m", "dvc", *arguments)


def commit(folder: Path, message: str) -> None:
    run(folder, "git", "add", "--all")
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    run(folder, "git", *identity, "commit", "--quiet", "--message", message)


def changed_stages(folder: Path) -> set[str]:
    return set(json.loads(dvc(folder, "status", "--json", *STAGES)))


@contextmanager
def changed(path: Path, text: str) -> Iterator[None]:
    """Have `text` in `path` for the block."""
    before = path.read_bytes()
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_bytes(before)


@contextmanager
def changed_params(clone: Path, changes: dict[str, Any]) -> Iterator[None]:
    path = clone / "params.yaml"
    with changed(path, path.read_text(encoding="utf-8")):
        write_yaml(merge(read_yaml(path), changes), path)
        yield


@pytest.mark.parametrize("path", ["dvc.yaml", "data/raw/dvc.yaml"])
def test_each_stage_depends_on_every_module_that_it_imports(path: str) -> None:
    stages = YAML(typ="safe").load((ROOT / path).read_text(encoding="utf-8"))["stages"]
    for name, stage in stages.items():
        listed = [dep for dep in stage["deps"] if dep.endswith(".py")]
        assert listed == [f"stages/{name}.py", *sorted(imported_files(ROOT / f"stages/{name}.py"))], name


def test_the_pipeline_has_the_stages_and_each_says_what_it_does() -> None:
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert tuple(stages) == STAGES
    assert all(len(stage["desc"]) > 20 for stage in stages.values())


def test_every_section_of_the_params_is_a_dependency_of_some_stage() -> None:
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    named = {name for stage in stages.values() for name in stage.get("params", [])}
    assert {name for name in named if "." not in name} == set(Params.model_fields)


def test_a_run_leaves_metrics_model_and_nothing_half_written(clone: Path) -> None:
    metrics = json.loads((clone / "metrics/metrics.json").read_text())
    assert set(metrics) == METRICS | COMPARED
    assert json.loads((clone / "metrics/baseline.json").read_text()).keys() == METRICS
    assert metrics["test_reviews"] == 210
    assert metrics["accuracy_low"] < metrics["accuracy"] < metrics["accuracy_high"]
    assert {path.name for path in (clone / "data/trained").iterdir()} == {"model.json", "weights.npz"}
    assert not [path for path in clone.rglob("*.partial*") if ".dvc" not in path.parts]


def test_a_second_run_does_nothing(clone: Path) -> None:
    assert "Data and pipelines are up to date." in dvc(clone, "repro")


def test_a_forced_run_writes_the_same_bytes(clone: Path) -> None:
    before = (clone / "dvc.lock").read_bytes()
    # --no-run-cache: or else DVC would restore the outputs and run nothing.
    printed = dvc(clone, "repro", "--force", "--no-run-cache")
    assert all(f"Running stage '{stage}'" in printed for stage in STAGES)
    assert (clone / "dvc.lock").read_bytes() == before
    assert run(clone, "git", "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        # The model card that export writes and the page of report state every param.
        ({"train": {"epochs": 3}}, {"train", "export", "report"}),
        ({"model": {"lstm_units": 8}}, {"train", "export", "report"}),
        ({"model": {"embedding_dim": 8}}, {"embed", "train", "export", "report"}),
        ({"embed": {"window": 2}}, {"embed", "export", "report"}),
        ({"preprocess": {"max_length": 50}}, {"preprocess", "export", "report"}),
    ],
)
def test_a_changed_param_concerns_its_own_stage(clone: Path, changes: dict[str, Any], stages: set[str]) -> None:
    with changed_params(clone, changes):
        assert changed_stages(clone) == stages


def test_a_changed_readme_concerns_nothing(clone: Path) -> None:
    with changed(clone / "README.md", "Two.\n"):
        assert changed_stages(clone) == set()


@pytest.mark.parametrize("module", ["cleaning", "tokenization", "layers", "polarity", "curves", "cli", "predictor"])
def test_a_changed_module_concerns_exactly_the_stages_that_import_it(clone: Path, module: str) -> None:
    path = clone / f"src/imdb_sentiment/{module}.py"
    importers = {
        stage for stage in STAGES if f"src/imdb_sentiment/{module}.py" in imported_files(ROOT / f"stages/{stage}.py")
    }
    assert importers
    with changed(path, path.read_text(encoding="utf-8") + "# changed\n"):
        assert changed_stages(clone) == importers


def test_params_diff_and_metrics_show_and_the_graph_work(clone: Path) -> None:
    with changed_params(clone, {"train": {"learning_rate": 0.01}}):
        differences = json.loads(dvc(clone, "params", "diff", "--json"))
    assert differences == {"params.yaml": {"train.learning_rate": {"old": 0.005, "new": 0.01, "diff": 0.005}}}
    shown = json.loads(dvc(clone, "metrics", "show", "--json"))[""]["data"]
    assert shown.keys() == {"metrics/metrics.json", "metrics/training/metrics.json"}
    assert shown["metrics/metrics.json"]["data"].keys() == METRICS | COMPARED
    assert all(stage in dvc(clone, "dag") for stage in STAGES)


def test_the_plots_are_drawn(clone: Path, tmp_path: Path) -> None:
    dvc(clone, "plots", "show", "--out", str(tmp_path))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    # Those that are under `plots:` for the sake of the run cache are not.
    assert not [name for name in ("data", "baseline", "behaviour", "export") if f"metrics/{name}.json" in page]
    for title in ("Receiver operating characteristic", "Precision and recall", "Calibration", "Confusion"):
        assert title in page


def test_the_archive_is_fetched_only_if_it_is_the_source(clone: Path) -> None:
    archive = "data/raw/aclImdb_v1.tar.gz"
    assert "fetch" not in dvc(clone, "dag", "--dot", "ingest")
    with changed_params(clone, {"data": {"source": archive}}):
        assert '"data/raw/dvc.yaml:fetch" -> "ingest"' in dvc(clone, "dag", "--dot", "ingest")
    assert run(clone, "git", "check-ignore", archive).strip() == archive


def test_an_experiment_changes_a_param_for_one_run(clone: Path) -> None:
    printed = dvc(clone, "exp", "run", "--name", "wider", "--set-param", "train.batch_size=64")
    assert "Stage 'preprocess' didn't change, skipping" in printed
    assert "Running stage 'train'" in printed
    assert "Running stage 'evaluate'" in printed
    assert json.loads(dvc(clone, "metrics", "diff", "--json", "HEAD", "wider"))["metrics/metrics.json"]["accuracy"]
    differences = json.loads(dvc(clone, "exp", "diff", "--json", "HEAD", "wider"))
    assert differences["params"]["params.yaml"]["train.batch_size"] == {"old": 16, "new": 64, "diff": 48}
    assert "accuracy" in differences["metrics"]["metrics/metrics.json"]
    # Back to the params of before, all is taken from the run cache.
    assert "Running stage" not in dvc(clone, "exp", "run", "--name", "narrow", "--set-param", "train.batch_size=16")
    # The environment is the one that these tests run in.
    command = ("make", "--silent", "--old-file=.venv/.ready", "--makefile", str(ROOT / "Makefile"), "experiments")
    table = [line.split() for line in run(clone, *command).splitlines()]
    assert ["Experiment", "Created", "kept.validation_accuracy", "accuracy", "loss", "train.batch_size"] in table
    assert {"[wider]", "[narrow]"} <= {word for line in table for word in line}
    run(clone, "git", "checkout", "--quiet", "--", ".")
    dvc(clone, "checkout", "--quiet", "--force")
    assert run(clone, "git", "status", "--porcelain") == ""


def test_a_variant_runs_in_a_workspace_of_its_own(clone: Path) -> None:
    # The params of the run before: all but ingest, whose source has another path here, comes from the run cache.
    (clone / "variants/brief.yaml").write_text("train:\n  epochs: 2\n")
    commit(clone, "Add a variant")
    printed = run(clone, sys.executable, "-m", "variants", "brief")
    assert "runs/brief/metrics/metrics.json" in printed
    assert json.loads((clone / "runs/brief/metrics/metrics.json").read_text()).keys() == METRICS | COMPARED
    assert "Data and pipelines are up to date." in run(clone, sys.executable, "-m", "variants", "brief")
    assert run(clone, "git", "status", "--porcelain") == ""


def test_an_unknown_variant_is_named_with_the_known_ones(clone: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "variants", "nonsense"], cwd=clone, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr.startswith("error: variants: found no variant 'nonsense'; expected one of ")
    assert "demo" in result.stderr
    assert result.stderr.count("\n") == 1
