"""Every stage: what it imports and calls, and that it changes nothing where it cannot end well."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from imdb_sentiment.runtime.params import read_yaml
from imdb_sentiment.runtime.progress import Progress, Task
from tests.factories import ROOT, snapshot, write_folder, write_params
from tests.stage_runs import (
    OUTPUTS,
    add_old_outputs,
    assert_full_disk_refused,
    assert_refused,
    assert_stage_refuses,
    run_stage,
    run_stages,
    without_checkpoints,
)

HEAVY = ("dvc", "keras", "numba", "onnxruntime", "pandas", "pyarrow", "sklearn", "tensorflow")
# The names that the recipe gave the project's entry points, and the stage that calls each.
ENTRY_POINTS = {
    "imdb_sentiment.corpus.ingest.get_reviews_data": "ingest",
    "imdb_sentiment.dataset.preprocess.preprocess_text_data": "preprocess",
    "imdb_sentiment.network.model.create_baseline_model": "train",
    "imdb_sentiment.training.fit.split_and_fit_dataset": "train",
    "imdb_sentiment.evaluation.evaluate.evaluate_model": "evaluate",
}
PLAIN = {
    "model.architecture": "plain",
    "model.pretrained_embeddings": "false",
    "model.trainable_embeddings": "true",
}


def test_stages_write_their_outputs_and_nothing_else(exported_once: Path) -> None:
    found = {name for name, content in snapshot(exported_once).items() if content is not None}
    expected = {path for name, paths in OUTPUTS.items() if name != "report" for path in paths}
    assert found == expected | {"params.yaml"}


def test_stages_import_nothing_heavy_before_they_run() -> None:
    code = f"import sys; from stages import {', '.join(OUTPUTS)}; print({{*sys.modules}} & {{*{HEAVY}}})"
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed == "set()\n"


def test_entry_points_are_what_the_stages_call(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def spy_on(name: str) -> None:
        module, function = name.rsplit(".", 1)
        original = getattr(importlib.import_module(module), function)

        def spy(*args: Any, **kwargs: Any) -> Any:
            called.append(name)
            return original(*args, **kwargs)

        monkeypatch.setattr(name, spy)

    for name in ENTRY_POINTS:
        spy_on(name)
    params = trained / "params.yaml"
    write_params(params, {**PLAIN, "data.source": read_yaml(params)["data"]["source"]})
    for name in ("embeddings.npz", "channels.npz", "polarity.npz"):  # the plain architecture reads none of them
        (trained / "data" / name).unlink()
    for stage in dict.fromkeys(ENTRY_POINTS.values()):
        called.clear()
        run_stages(trained, stage)
        assert set(called) >= {name for name, caller in ENTRY_POINTS.items() if caller == stage}


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("preprocess", "data/reviews.parquet"),
        ("embed", "data/vocabulary.json"),
        ("polarity", "data/sequences.npz"),
        ("train", "data/sequences.npz"),
        ("train", "data/vocabulary.json"),
        ("train", "data/embeddings.npz"),
        ("train", "data/channels.npz"),
        ("baseline", "data/reviews.parquet"),
        ("evaluate", "data/trained/model.json"),
        ("evaluate", "data/trained/weights.npz"),
        ("evaluate", "data/channels.npz"),
        ("evaluate", "data/baseline.csv"),
        ("export", "data/predictions.csv"),
        ("export", "data/polarity.npz"),
        ("behaviour", "data/model/settings.json"),
        ("report", "metrics/training.json"),
    ],
)
def test_missing_and_damaged_inputs_are_named(exported: Path, stage: str, name: str) -> None:
    (exported / name).write_bytes(b"damaged")
    assert_stage_refuses(stage, exported, name, "found", "expected")
    (exported / name).unlink()
    before = snapshot(exported)
    assert_refused(run_stage(stage, exported), name, "found no such file")
    assert snapshot(exported) == before


@pytest.mark.parametrize("stage", OUTPUTS)
def test_a_full_disk_leaves_the_old_outputs(exported: Path, stage: str) -> None:
    assert_full_disk_refused(stage, exported, 100)


@pytest.mark.parametrize(
    ("stage", "option"),
    [
        ("ingest", "--data-summary"),
        ("preprocess", "--vocabulary"),
        ("embed", "--embeddings"),
        ("polarity", "--channels"),
        ("train", "--training-metrics"),
        ("baseline", "--baseline-predictions"),
        ("evaluate", "--predictions"),
        ("export", "--export-check"),
        ("behaviour", "--behaviour"),
        ("report", "--card"),
    ],
)
def test_a_place_that_cannot_be_written_to_leaves_the_other_outputs(exported: Path, stage: str, option: str) -> None:
    assert_stage_refuses(stage, exported, "params.yaml/out", "cannot be written", options=(option, "params.yaml/out"))


@pytest.mark.parametrize(
    ("stage", "one", "other"),
    [
        ("ingest", "--reviews", "--data-summary"),
        ("preprocess", "--sequences", "--vocabulary"),
        ("polarity", "--polarity", "--channels"),
        ("train", "--trained", "--training-metrics"),
        ("baseline", "--baseline-metrics", "--baseline-behaviour"),
        ("evaluate", "--metrics", "--plots"),
        ("export", "--model", "--export-check"),
        ("report", "--page", "--card"),
    ],
)
def test_outputs_within_each_other_are_refused_before_any_input_is_read(
    tmp_path: Path, stage: str, one: str, other: str
) -> None:
    write_params(tmp_path / "params.yaml")
    before = snapshot(tmp_path)
    assert_refused(run_stage(stage, tmp_path, one, "out", other, "out/in"), "lies within another output")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("stage", "option"), [("train", "--trained"), ("train", "--curves"), ("evaluate", "--plots"), ("export", "--model")]
)
def test_folders_with_foreign_files_are_not_replaced(exported: Path, stage: str, option: str) -> None:
    write_folder(exported, {"thesis/chapter_1.tex": b"years of work"})
    assert_stage_refuses(stage, exported, "the folder holds chapter_1.tex", options=(option, "thesis"))


def interrupted_at(step: int) -> Progress:
    """Return a progress that is interrupted, as by Ctrl-C, when the work reports its `step`-th unit."""
    steps = iter(range(1, step + 1))

    class Interrupting:
        def advance(self, amount: int = 1, note: str = "") -> None:
            del amount, note
            if next(steps) == step:
                raise KeyboardInterrupt

    @contextmanager
    def progress(description: str, total: int | None, unit: str) -> Iterator[Task]:
        del description, total, unit
        yield Interrupting()

    return progress


@pytest.mark.parametrize(
    ("stage", "step"),
    [
        ("ingest", 1),
        ("preprocess", 20),
        ("embed", 2),
        ("polarity", 1),
        ("train", 2),
        ("baseline", 20),
        ("evaluate", 1),
        ("export", 1),
    ],
)
def test_ctrl_c_leaves_the_old_outputs(exported: Path, monkeypatch: pytest.MonkeyPatch, stage: str, step: int) -> None:
    add_old_outputs(exported)
    before = without_checkpoints(snapshot(exported))
    monkeypatch.setattr(f"stages.{stage}.console_progress", interrupted_at(step))
    assert_refused(run_stage(stage, exported), "interrupted; outputs are as they were before", code=130)
    assert without_checkpoints(snapshot(exported)) == before
