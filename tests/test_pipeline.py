"""The pipeline as DVC runs it: real commands in a clone, on the sample corpus with the params of the variant demo."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from imdb_sentiment.runtime.params import Params, read_yaml, write_yaml
from tests.factories import ROOT, variant_text
from tests.imports import imported_folders
from tests.table_files import write_table

LEAST_ACCURACY = 0.7  # on the 210 reviews of the sample corpus's test part; 0.75 when this was written
CLONED = (
    *("stages", "src", "variants", "data/sample", "data/raw/dvc.yaml", "data/raw/.gitignore", "dvc.yaml"),
    *(".dvc/config", ".dvcignore", ".gitignore"),
)
STAGES: dict[str, dict[str, Any]] = {
    stage: content
    for path in ("dvc.yaml", "data/raw/dvc.yaml")
    for stage, content in read_yaml(ROOT / path)["stages"].items()
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with the project's files, its params those of the demo, the pipeline run and committed."""
    folder = tmp_path_factory.mktemp("clone")
    for name in CLONED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    (folder / "params.yaml").write_text(variant_text("demo"), encoding="utf-8")
    run(folder, "git", "init", "--quiet")
    run(folder, "git", "config", "user.name", "Tester")
    run(folder, "git", "config", "user.email", "tester@example.org")
    commit(folder, "Begin")
    dvc(folder, "repro")
    commit(folder, "Run the pipeline")
    return folder


def run(folder: Path, *command: str) -> str:
    """Return what `command` prints in `folder`; it must succeed."""
    result = start(folder, *command)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def start(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder.parent / "site"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "COLUMNS": "200",
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def dvc(folder: Path, *arguments: str) -> str:
    return run(folder, sys.executable, "-m", "dvc", *arguments)


def commit(folder: Path, message: str) -> None:
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", message)


def read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def status(folder: Path) -> dict[str, Any]:
    """Return what DVC says has changed for each stage that would run again."""
    found: dict[str, Any] = json.loads(dvc(folder, "status", "--json", "dvc.yaml"))
    return found


@contextmanager
def appended(*paths: Path) -> Iterator[None]:
    """Have one line more in each of `paths` for the block."""
    before = [path.read_bytes() for path in paths]
    for path in paths:
        path.write_bytes(path.read_bytes() + b"# changed\n")
    try:
        yield
    finally:
        for path, content in zip(paths, before, strict=True):
            path.write_bytes(content)


@contextmanager
def changed_params(clone: Path, changes: dict[str, Any]) -> Iterator[None]:
    path = clone / "params.yaml"
    before = path.read_bytes()
    params = read_yaml(path)
    for name, value in changes.items():
        section, key = name.split(".")
        params[section][key] = value
    write_yaml(params, path)
    try:
        yield
    finally:
        path.write_bytes(before)


def imported_by(stage: str) -> list[str]:
    return imported_folders(ROOT / f"stages/{stage}.py")


@pytest.mark.parametrize("stage", STAGES)
def test_stages_depend_on_exactly_the_folders_that_they_import(stage: str) -> None:
    code = [dep for dep in STAGES[stage]["deps"] if dep.startswith(("src/", "stages/"))]
    assert code == [f"stages/{stage}.py", *imported_by(stage)]


def test_checkpoints_depend_on_the_folders_of_the_stage_train() -> None:
    from imdb_sentiment.training.checkpoints import CODE

    assert [f"src/imdb_sentiment/{folder}" for folder in CODE] == imported_by("train")


def test_every_section_of_the_params_is_a_dependency_of_a_stage_before_the_report() -> None:
    used = {name for stage in STAGES if stage not in ("check", "report") for name in STAGES[stage].get("params", [])}
    assert {name for name in used if "." not in name} == set(Params.model_fields)


def test_the_sample_corpus_is_classified_well_enough(clone: Path) -> None:
    metrics = read_json(clone / "metrics/evaluation.json")
    assert metrics["test_reviews"] == 210
    assert metrics["accuracy"] >= LEAST_ACCURACY
    assert read_json(clone / "metrics/baseline.json")["accuracy"] >= LEAST_ACCURACY


def written_at(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for name in ("data", "metrics") for path in (folder / name).rglob("*.*")}


def test_a_second_run_does_nothing(clone: Path) -> None:
    before = written_at(clone)
    dvc(clone, "repro")
    assert written_at(clone) == before
    assert status(clone) == {}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("train.epochs", "ten", "params.yaml: train.epochs: found 'ten'"),
        ("data.source", "data/smaple", "params.yaml: data.source: found 'data/smaple', where nothing is; expected"),
    ],
)
def test_bad_params_are_refused_before_any_output_is_removed(clone: Path, name: str, value: str, message: str) -> None:
    before = written_at(clone)
    with changed_params(clone, {name: value}):
        result = start(clone, sys.executable, "-m", "dvc", "repro")
        assert result.returncode != 0
        assert f"error: {message}" in result.stderr
    after = written_at(clone)
    changed = {path for path in before if before[path] != after.get(path)}
    assert changed <= {str(clone / "data/params_checked.json")}
    dvc(clone, "repro")
    assert status(clone) == {}


def test_a_forced_run_writes_the_same_bytes(clone: Path) -> None:
    before = written_at(clone)
    # --no-run-cache: or else DVC would restore the outputs and run nothing.
    dvc(clone, "repro", "--force", "--no-run-cache")
    assert not set(before.items()) & {item for item in written_at(clone).items() if "/data/trained/" in item[0]}
    assert run(clone, "git", "status", "--porcelain") == ""  # dvc.lock has the hashes


def test_changed_params_concern_the_stages_that_read_them(clone: Path) -> None:
    changes = {
        "preprocess.max_length": 50,
        "embed.window": 2,
        "polarity.teacher": "none",
        "model.embedding_dim": 8,
        "train.epochs": 3,
    }
    with changed_params(clone, changes):
        found = {
            stage: {param for change in changed for param in change["changed deps"]["params.yaml"]}
            for stage, changed in status(clone).items()
        }
    assert found == {
        "check": {"preprocess", "embed", "polarity", "model", "train"},
        "preprocess": {"preprocess"},
        "embed": {"embed", "model.embedding_dim"},
        "polarity": {"polarity"},
        "train": {"model", "train"},
        "report": {"embed", "model", "polarity", "preprocess", "train"},
    }


def test_train_makes_a_model_of_a_table_that_predict_and_evaluate_take(clone: Path, tmp_path: Path) -> None:
    reviews = [row for row in pq.read_table(clone / "data/reviews.parquet").to_pylist() if row["label"] is not None]
    names = {0: "negative", 1: "positive"}
    table = write_table(
        tmp_path / "reviews.csv", [{"review": row["text"], "sentiment": names[row["label"]]} for row in reviews]
    )
    (tmp_path / "tiny.yaml").write_text("train: {epochs: 2}\nmodel: {lstm_units: 4, embedding_dim: 8}\n")

    def command(*arguments: object) -> str:
        script = "from imdb_sentiment.app.commands import app; app()"
        return run(clone, sys.executable, "-c", script, *map(str, arguments))

    output = tmp_path / "run"
    printed = command("train", table, "--output", output, "--params", tmp_path / "tiny.yaml")
    lines = printed.splitlines()
    assert f"source:   reviews.csv (CSV in utf-8, separated by commas, {len(reviews)} rows)" in lines
    assert f"training: {len(reviews)} labelled reviews (few: smaller settings)" in lines
    assert any(
        re.fullmatch(r"\d+ test reviews are few: the accuracy is known to ±\d+ points only\.", line) for line in lines
    )
    assert any(line.startswith("predict:") and str(output.name) in line for line in lines)
    metrics = read_json(output / "metrics/evaluation.json")
    assert metrics["test_reviews"] == pytest.approx(len(reviews) / 5, abs=5)
    assert read_json(output / "metrics/data.json")["tables"]["columns"] == {"text": "review", "label": "sentiment"}
    assert command("predict", "--model", output / "data/model", "A wonderful film.").startswith(
        ("positive", "negative")
    )
    command("evaluate", table, "--model", output / "data/model", "--output", tmp_path / "measured.json")
    assert read_json(tmp_path / "measured.json")["test_reviews"] == len(reviews)
    assert "'data' didn't change" in dvc(output, "repro") or "up to date" in dvc(output, "repro")


@pytest.mark.parametrize(
    "modules",
    [
        ("tuning/search.py", "report/page.py", "tables/formats.py", "app/commands.py"),
        ("text/cleaning.py",),
        ("network/layers.py",),
    ],
)
def test_changed_modules_concern_the_stages_that_import_their_folders(clone: Path, modules: tuple[str, ...]) -> None:
    paths = [clone / "src/imdb_sentiment" / module for module in modules]
    folders = {str(path.parent.relative_to(clone)) for path in paths}
    expected = {stage for stage in STAGES if stage != "fetch" and folders & set(imported_by(stage))}
    assert ("train" in expected) == (modules == ("network/layers.py",))
    with appended(*paths):
        assert set(status(clone)) == expected


def test_compiled_files_concern_no_stage(clone: Path) -> None:
    (clone / "src/imdb_sentiment/network/__pycache__").mkdir(exist_ok=True)
    (clone / "src/imdb_sentiment/network/__pycache__/lstm.new.nbi").write_bytes(b"compiled")
    assert status(clone) == {}


def test_params_diff_metrics_show_and_dag_work(clone: Path) -> None:
    with changed_params(clone, {"train.learning_rate": 0.01}):
        differences = json.loads(dvc(clone, "params", "diff", "--json"))
    assert differences == {"params.yaml": {"train.learning_rate": {"old": 0.005, "new": 0.01, "diff": 0.005}}}
    shown = json.loads(dvc(clone, "metrics", "show", "--json"))[""]["data"]
    assert {path: shown[path]["data"] for path in shown} == {
        path: read_json(clone / path) for path in ("metrics/metrics.json", "metrics/validation.json")
    }
    assert max(map(len, dvc(clone, "metrics", "show").splitlines())) <= 100
    drawn = dvc(clone, "dag", "--dot")
    assert all(f'"{stage}"' in drawn for stage in STAGES if stage != "fetch")


def test_the_archive_is_fetched_only_if_it_is_the_source(clone: Path) -> None:
    archive = "data/raw/aclImdb_v1.tar.gz"
    assert "fetch" not in dvc(clone, "dag", "--dot", "ingest")
    with changed_params(clone, {"data.source": archive}):
        assert '"data/raw/dvc.yaml:fetch" -> "ingest"' in dvc(clone, "dag", "--dot", "ingest")
    assert run(clone, "git", "check-ignore", archive).strip() == archive


def test_an_experiment_with_two_members_has_a_curve_for_each(clone: Path, tmp_path: Path) -> None:
    changes = ("--set-param", "train.members=2", "--set-param", "train.epochs=1")
    dvc(clone, "exp", "run", "--name", "two", *changes, "train")
    tables = sorted((clone / "metrics/training").iterdir())
    assert [path.name for path in tables] == ["member_1.csv", "member_2.csv"]
    assert [path.read_text().splitlines()[-1].split(",")[0] for path in tables] == ["1", "1"]
    dvc(clone, "plots", "show", "--out", str(tmp_path))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    # A file that is under `plots:` for the sake of the run cache has an empty specification, and is not drawn.
    drawn = {
        name for name, spec in re.findall(r'<div id = "(.+?)">.+?var spec = (\{.)', page, re.DOTALL) if spec == '{"'
    }
    curves = {f"{prefix}metrics_training_member_{number}_csv" for prefix in ("", "dvc_yaml__") for number in (1, 2)}
    points = {f"metrics_plots_{name}_json" for name in ("roc", "precision_recall", "calibration")}
    assert drawn == {*curves, *points, "data_predictions_csv"}
    differences = json.loads(dvc(clone, "exp", "diff", "--json", "HEAD", "two"))
    assert differences["params"]["params.yaml"]["train.members"] == {"old": 1, "new": 2, "diff": 1}
    assert "validation_accuracy" in differences["metrics"]["metrics/validation.json"]
    # The environment is the one that these tests run in.
    make = ("make", "--silent", "--old-file=.venv/.ready", "--makefile", str(ROOT / "Makefile"))
    rows = [line.split() for line in run(clone, *make, "experiments").splitlines()]
    assert any({"Experiment", "accuracy", "loss", "train.members"} <= set(row) for row in rows)
    assert any("[two]" in row for row in rows)
    run(clone, "git", "checkout", "--quiet", "--", ".")
    run(clone, "git", "clean", "--quiet", "--force", "metrics")
    dvc(clone, "checkout", "--quiet", "--force")
    assert status(clone) == {}
