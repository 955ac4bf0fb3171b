"""`make bench` on a tiny corpus: who is measured, in rounds, and what comes out where that fails."""

import json
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.groups import GROUPS
from benchmarks.speed import app
from tests.conftest import assert_refused, run_stage, snapshot
from tests.imports import ROOT
from tests.test_benchmarks import run


def test_the_contenders_are_those_that_the_groups_name() -> None:
    for group in GROUPS:
        named = {its.name for its in group.contenders if not its.command}
        if named:
            contenders = set(import_module(f"benchmarks.contenders.{group.name}").CONTENDERS)
            # Plain has one less: there, two of the peers do the same.
            assert named == contenders - ({"whole"} if group.name == "training_plain" else set())


def test_the_first_contender_is_the_measure_of_the_others(prepared: Path) -> None:
    printed = run(prepared, "benchmarks.speed", "speed.json", "--data", ".", "--rounds", "1", "--only", "vectors")
    found = json.loads((prepared / "speed.json").read_text(encoding="utf-8"))
    assert found["left_out"] == {}
    contenders = found["groups"]["vectors"]["contenders"]
    ours = contenders["ours"]
    for name, its in contenders.items():
        assert name in printed
        assert its["amount"] == ours["amount"] > 0
        assert its["per_second"] == pytest.approx(its["amount"] / its["median_seconds"])
        assert its["ours_is_times_as_fast"] == pytest.approx(its["median_seconds"] / ours["median_seconds"])
        assert its["peak_mib"] > 50


def test_the_median_of_the_rounds_counts(tmp_path: Path) -> None:
    printed = run(tmp_path, "benchmarks.speed", "speed.json", "--rounds", "2", "--only", "help")
    found = json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))
    assert list(found["groups"]) == ["help"]
    for name, its in found["groups"]["help"]["contenders"].items():
        assert name in printed
        assert len(its["seconds"]) == found["groups"]["help"]["rounds"] == 2
        assert its["min_seconds"] <= its["median_seconds"] <= its["max_seconds"]
        assert its["median_seconds"] == pytest.approx(sum(its["seconds"]) / 2)
        assert 5 < its["peak_mib"] < 150
        assert "ours_is_times_as_fast" not in its


def test_a_contender_that_fails_ends_it_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'src'}")
    result = run_stage(app, tmp_path / "speed.json", "--only", "vectors", "--data", tmp_path)
    assert_refused(result, "vectors.ours", "vocabulary.json", "no such file")
    assert snapshot(tmp_path) == {}


def test_a_group_that_is_none_is_named(tmp_path: Path) -> None:
    assert_refused(run_stage(app, tmp_path / "speed.json", "--only", "speling"), "speling", "preprocess")


def test_an_interruption_ends_the_process_that_is_measured(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    command = [
        sys.executable,
        "-c",
        f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)",
    ]
    # A shell has what it starts in the background ignore an interruption; so would what these tests start.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heed}; from benchmarks.racing import run_process; run_process({command!r})"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL) as racing:
        while not (mark.exists() and mark.read_text(encoding="ascii")):
            assert racing.poll() is None
            time.sleep(0.05)
        racing.send_signal(signal.SIGINT)
    assert racing.returncode == -signal.SIGINT
    # Nobody may have taken note of its end yet, but it has no command line any more.
    cmdline = Path(f"/proc/{mark.read_text(encoding='ascii')}/cmdline")
    deadline = time.monotonic() + 10
    while cmdline.exists() and cmdline.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
