"""`make figures`: it measures what is not of this commit, names the commit, and goes on where it was stopped."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks import figures, harness
from benchmarks.figures import Step, find_steps
from tests.factories import ROOT, write_folder
from tests.stage_runs import assert_refused, invoke

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Replace the steps by three that note their names, of which the second is stopped the first time."""
    noted: list[str] = []

    def measure(name: str, commit: str) -> None:
        assert commit == COMMIT
        if name == "two" and "stopped" not in noted:
            noted.append("stopped")
            raise KeyboardInterrupt
        noted.append(name)
        (tmp_path / name).write_text(commit)

    def is_done(name: str, commit: str) -> bool:
        return (tmp_path / name).is_file() and (tmp_path / name).read_text() == commit

    steps = [Step(name, partial(measure, name), partial(is_done, name)) for name in ("one", "two", "three")]
    monkeypatch.setattr(figures, "find_steps", lambda _: steps)
    monkeypatch.setattr(figures, "measured_commit", lambda: COMMIT)
    monkeypatch.setattr(figures, "run_command", lambda command: noted.append(command[-1]))
    return noted


def test_a_stopped_measurement_goes_on_and_renders_at_the_end(done: list[str]) -> None:
    assert invoke(figures.app).exit_code == 130
    assert done == ["one", "stopped"]
    result = invoke(figures.app)
    assert result.exit_code == 0
    assert done == ["one", "stopped", "two", "three", "docs/render.py"]
    assert [line.split(" in ")[0] for line in result.stdout.splitlines()] == [
        f"{name}: measured" for name in ("one", "two", "three")
    ]
    assert invoke(figures.app).exit_code == 0
    assert done[5:] == ["docs/render.py"]
    assert invoke(figures.app, "--only", "three", "--again").exit_code == 0
    assert done[6:] == ["three", "docs/render.py"]


def test_figures_need_a_commit_and_a_step_that_there_is(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert_refused(invoke(figures.app, "--only", "four"), "--only four: found no such step; expected one of one, two")
    for commit in (None, f"{COMMIT}-dirty"):
        monkeypatch.setattr(figures, "measured_commit", lambda commit=commit: commit)
        assert_refused(invoke(figures.app), "expected a commit, which figures can name")
    assert done == []


def test_every_file_of_figures_has_a_step() -> None:
    steps = {step.name for step in find_steps(Path())}
    for path in (ROOT / "metrics/speed").glob("*.json"):
        assert any(f"speed_{path.stem}".startswith(step) for step in steps), path
    variants = {entry["variant"] for entry in json.loads((ROOT / "metrics/results.json").read_text())}
    assert {f"variant_{name}" for name in variants - {"default"}} <= steps
    assert {"default", "seeds", "ablation", "faithfulness", "growth", "profile"} <= steps


def test_steps_are_done_if_their_files_are_of_the_commit(tmp_path: Path) -> None:
    steps = {step.name: step for step in find_steps(tmp_path)}
    assert not any(step.is_done(COMMIT) for step in steps.values())
    seeds = {"measured": {"commit": COMMIT}, "fits": [], "accuracy_mean": 0.5}
    results = [{"variant": "demo", "commit": COMMIT[:7]}]
    files = {"metrics/seeds.json": json.dumps(seeds).encode(), "metrics/results.json": json.dumps(results).encode()}
    write_folder(tmp_path, files)
    assert {name for name, step in steps.items() if step.is_done(COMMIT)} == {"seeds", "variant_demo"}
    assert not any(step.is_done("f" * 40) for step in steps.values())


def test_variants_and_seeds_write_one_entry_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {"accuracy": 0.8, "accuracy_low": 0.7, "accuracy_high": 0.9, "loss": 0.4, "test_reviews": 210}
    write_folder(tmp_path, {"runs/demo/metrics/evaluation.json": json.dumps(measured).encode()})
    fits = [{"accuracy": 0.9, "loss": 0.2}, {"accuracy": 0.8, "loss": 0.3}]
    seeds: dict[str, Any] = {"measured": {"commit": COMMIT}, "fits": fits, "accuracy_mean": 0.85, "accuracy_std": 0.07}
    files = {"seeds": seeds, "evaluation": measured, "results": [{"variant": "plain"}, {"variant": "demo", "loss": 9}]}
    write_folder(tmp_path, {f"metrics/{name}.json": json.dumps(content).encode() for name, content in files.items()})
    commands: list[list[str]] = []
    monkeypatch.setattr(figures, "run_command", commands.append)
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    results = tmp_path / "metrics/results.json"
    figures.measure_variant("demo", results, COMMIT)
    figures.summarize_seeds(tmp_path / "metrics", results, COMMIT)
    assert commands[0][1:] == ["-m", "variants", "demo"]
    plain, demo, default = json.loads(results.read_text())
    assert plain == {"variant": "plain"}
    assert (demo["accuracy_mean"], demo["seeds"], demo["minutes"], demo["commit"]) == (0.8, 1, 0, COMMIT[:7])
    assert (default["accuracy_mean"], default["accuracy_std"], default["seeds"]) == (0.85, 0.07, 2)
    assert default["loss"] == pytest.approx(0.25)


def test_the_commit_of_a_figure_is_dirty_if_the_code_differs() -> None:
    commit = harness.measured_commit()
    assert commit is None or len(commit.removesuffix("-dirty")) == 40
