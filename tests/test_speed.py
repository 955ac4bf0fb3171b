"""The harness of the benchmarks: processes of their own, interleaved rounds, results with what they are of."""

import inspect
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from benchmarks.harness import Contender, Setting, compare, function, run_process, speed_app
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.files import read_json
from imdb_sentiment.runtime.params import load_params
from tests.factories import ROOT, corpus_files, pack, write_params
from tests.stage_runs import assert_refused, invoke


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes that are measured find this module."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "src")]))


def work(log: str, label: str) -> dict[str, Any]:
    """Note that `label` has worked, and report as many tenths of a second as it has."""
    typer.echo("A message that a library prints.")
    with Path(log).open("a") as file:
        file.write(f"{label}\n")
    return {"seconds": 0.1 * Path(log).read_text().count(label), "amount": 3, "loss": 0.5}


def fail() -> dict[str, Any]:
    raise PipelineError("sequences.npz: found no such file; expected one")


def test_contenders_take_turns_and_their_medians_are_compared(tmp_path: Path) -> None:
    log = tmp_path / "log"
    contenders = [function(work, name, log=log, label=name) for name in ("ours", "other")]

    found = compare("title", "reviews", contenders, rounds=3)["contenders"]

    assert log.read_text().split() == ["ours", "other"] * 3
    assert found["other"]["seconds"] == pytest.approx([0.1, 0.2, 0.3])
    assert found["other"]["median_seconds"] == pytest.approx(0.2)
    assert found["other"]["per_second"] == pytest.approx(3 / 0.2)
    assert found["other"]["ours_is_times_as_fast"] == pytest.approx(1)
    assert found["other"]["loss"] == 0.5


def test_command_is_timed_from_outside_with_its_own_peak_memory() -> None:
    code = "import time; block = bytearray(100 << 20); time.sleep(0.3)"
    found = compare("title", "runs", [Contender("one", (sys.executable, "-c", code))], rounds=1)["contenders"]["one"]

    assert 0.3 <= found["median_seconds"] < 10
    assert 100 < found["peak_mib"] < 150  # and not that of this process, which is larger
    assert "ours_is_times_as_fast" not in found


def test_contender_whose_library_is_absent_is_left_out() -> None:
    found = compare("title", "runs", [Contender("one", ("never", "run"), needs="no_such_module")], rounds=1)

    assert found["contenders"] == {}
    assert found["left_out"] == {"one": "no_such_module is not installed"}


def test_failure_of_a_contender_names_it_and_its_last_line() -> None:
    with pytest.raises(PipelineError, match=r"title: fail: found exit code 1 \(sequences.npz: found no such file"):
        compare("title", "runs", [function(fail)], rounds=1)
    with pytest.raises(PipelineError, match="found exit code 137"):
        run_process((sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"))


def test_results_carry_commit_params_and_machine(tmp_path: Path) -> None:
    def contenders(setting: Setting) -> dict[str, list[Contender]]:
        return {"title": [function(work, name, log=setting.folder / "log", label=name) for name in ("ours", "other")]}

    params, output = write_params(tmp_path / "params.yaml"), tmp_path / "speed.json"
    app = speed_app("name", "reviews", contenders)
    options = ("--params", params, "--output", output, "--rounds", 1)

    assert invoke(app, *options, "--only", "other").exit_code == 0

    found = read_json(output)
    assert found["measured"]["params"] == load_params(params).model_dump()
    assert found["measured"]["machine"]["versions"]["numpy"]
    assert "commit" in found["measured"]
    assert list(found["comparisons"]["title"]["contenders"]) == ["other"]
    assert_refused(invoke(app, *options, "--only", "nobody"), "--only", "found nobody", "expected other, ours")


@pytest.mark.parametrize("name", ["ingest", "preprocess", "vectors", "training", "prediction", "start_up"])
def test_contenders_can_be_called_as_they_are(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module(f"benchmarks.{name}")
    archive = pack(corpus_files(), tmp_path / "reviews.tar.gz")
    params = load_params(write_params(tmp_path / "params.yaml", {"data.source": str(archive)}))
    monkeypatch.setattr("benchmarks.training.find_spec", lambda _: None)  # its weights would need a trained workspace

    comparisons = module.contenders(Setting(tmp_path / "data", params, 100, tmp_path))

    assert comparisons
    for contender in (one for contenders in comparisons.values() for one in contenders):
        if contender.amount is None:
            target, arguments = contender.command[-2:]
            called = getattr(import_module(target.partition(":")[0]), target.partition(":")[2])
            inspect.signature(called).bind(**json.loads(arguments))
