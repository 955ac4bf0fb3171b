"""`make bench` on a tiny corpus: every contender is known, and what is written adds up."""

import json
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks import speed
from benchmarks.groups import GROUPS
from tests.conftest import assert_refused
from tests.imports import ROOT
from tests.test_benchmarks import run


def test_the_contenders_are_those_that_the_groups_name() -> None:
    for group in GROUPS:
        named = {its.name for its in group.contenders if not its.command}
        if named:
            contenders = set(import_module(f"benchmarks.contenders.{group.name}").CONTENDERS)
            # Plain has one less: there, two of the peers do the same.
            assert named == contenders - ({"whole"} if group.name == "training_plain" else set())


def test_speed_is_measured_round_by_round(prepared: Path) -> None:
    layout = ("--data", str(prepared), "--rounds", "2", "--quiet", "--only", "help", "--only", "vectors")
    run(prepared, "benchmarks.speed", "speed.json", *layout)
    found = json.loads((prepared / "speed.json").read_text(encoding="utf-8"))
    assert list(found["groups"]) == ["vectors", "help"]
    assert found["left_out"] == {}
    vectors = found["groups"]["vectors"]["contenders"]
    ours = vectors["ours"]
    for its in vectors.values():
        assert len(its["seconds"]) == found["rounds"] == 2
        assert its["min_seconds"] <= its["median_seconds"] <= its["max_seconds"]
        assert its["median_seconds"] == pytest.approx(sum(its["seconds"]) / 2)
        assert its["amount"] == ours["amount"] > 0
        assert its["per_second"] == pytest.approx(its["amount"] / its["median_seconds"])
        assert its["ours_is_times_as_fast"] == pytest.approx(its["median_seconds"] / ours["median_seconds"])
        assert its["peak_mib"] > 10
    assert all("ours_is_times_as_fast" not in its for its in found["groups"]["help"]["contenders"].values())


def test_a_contender_that_fails_ends_it_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'src'}")
    result = CliRunner().invoke(speed.app, [str(tmp_path / "speed.json"), "--only", "vectors", "--data", str(tmp_path)])
    assert_refused(result, "vectors.ours", "vocabulary.json", "no such file")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_the_process_that_is_measured() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    code = f"from benchmarks.race import run_process; run_process({command!r})"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL) as measuring:
        children = Path(f"/proc/{measuring.pid}/task/{measuring.pid}/children")
        while not (child := children.read_text(encoding="ascii").strip()):
            assert measuring.poll() is None
            time.sleep(0.05)
        measuring.send_signal(signal.SIGINT)
    assert measuring.returncode == -signal.SIGINT
    assert not Path(f"/proc/{child}").exists()


def test_a_group_that_is_none_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(speed.app, [str(tmp_path / "speed.json"), "--only", "speling"])
    assert_refused(result, "speling", "preprocess")
