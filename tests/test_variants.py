"""Variants: workspaces that hold nobody's files, processes that end together, and what a run says at its end."""

import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imdb_sentiment.report.summary import describe_deficit
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.params import load_params, read_yaml
from imdb_sentiment.workspaces.processes import check_unlocked, run_dvc
from imdb_sentiment.workspaces.project import read_variant
from imdb_sentiment.workspaces.workspace import MARKER, lay_out
from stages.summarize import app as summarize_app
from tests.factories import ROOT, params_text, snapshot, write_folder
from tests.stage_runs import invoke


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a small project called demo, in a folder with umlauts and blanks, whose variants are laid out."""
    files = {
        "stages/train.py": b"1",
        "src/imdb_sentiment/__init__.py": b"",
        ".dvcignore": b"",
        "dvc.yaml": b"stages: {}",
    }
    return write_folder(tmp_path / "Größe, mit Blank/demo", {**files, "params.yaml": params_text().encode()})


def params_of(project: Path) -> dict[str, object]:
    return load_params(project / "params.yaml").model_dump()


@pytest.mark.parametrize("workspace", [".", "..", "../..", "stages", "src"])
def test_workspace_with_other_files_is_refused(project: Path, workspace: str) -> None:
    before = snapshot(project)
    with pytest.raises(PipelineError, match="expected an empty folder, or one that an earlier run made"):
        lay_out((project / workspace).resolve(), params_of(project), project)
    assert snapshot(project) == before


def test_workspace_whose_code_is_a_link_is_refused(project: Path) -> None:
    workspace = write_folder(project / "runs/demo", {MARKER: b""})
    (workspace / "src").symlink_to(project / "src")
    before = snapshot(project / "src")
    with pytest.raises(PipelineError, match="found a symbolic link"):
        lay_out(workspace, params_of(project), project)
    assert snapshot(project / "src") == before


def test_workspace_gets_the_code_as_it_is_now_and_keeps_its_outputs(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace = project / "runs/demo"
    lay_out(workspace, params_of(project), project)
    write_folder(workspace, {"data/model/model.onnx": b"old", "dvc.lock": b"", "stages/gone.py": b""})
    (project / "stages/train.py").write_bytes(b"2")

    lay_out(workspace, params_of(project), project)

    assert (workspace / "stages/train.py").read_bytes() == b"2"
    assert not (workspace / "stages/gone.py").exists()
    assert (workspace / "data/model/model.onnx").read_bytes() == b"old"
    source = read_yaml(workspace / "params.yaml")["data"]["source"]
    assert (workspace / source).resolve() == project / params_of(project)["data"]["source"]  # type: ignore[index]
    run_dvc("cache", "dir", folder=workspace)
    assert Path(workspace, ".dvc", capfd.readouterr().out.strip()).resolve() == project / ".dvc/cache"


def test_variant_is_merged_over_the_params_or_refused_by_name() -> None:
    merged, base = read_variant(ROOT, "demo"), read_yaml(ROOT / "params.yaml")
    assert merged["model"] == {**base["model"], "pooling": "mean"}
    with pytest.raises(PipelineError, match=r"found no variant '\.\./params'; expected one of demo, patient"):
        read_variant(ROOT, "../params")


def test_message_names_the_process_that_holds_the_lock(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    stale = {"write": {"a": {"pid": gone.pid, "cmd": "dvc repro"}}, "read": {}}
    write_folder(tmp_path, {".dvc/tmp/lock": b" 1234\n", ".dvc/tmp/rwlock": json.dumps(stale).encode()})
    check_unlocked(tmp_path)

    with (tmp_path / ".dvc/tmp/lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(PipelineError, match="found process 1234 "):
            run_dvc("repro", folder=tmp_path)

    running = {"read": {"b": [{"pid": os.getpid(), "cmd": "dvc exp run"}]}}
    write_folder(tmp_path, {".dvc/tmp/rwlock": json.dumps(running).encode()})
    with pytest.raises(PipelineError, match=rf"found process {os.getpid()} \(dvc exp run\) at work"):
        check_unlocked(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_takes_the_whole_group_along(tmp_path: Path, number: int) -> None:
    child = "import os, time; open('mark', 'w').write(str(os.getpid())); time.sleep(60)"
    command = ["/bin/sh", "-c", f"{shlex.join([sys.executable, '-c', child])}; true"]
    # As a command of this project ends: with an exception. A shell's background process would ignore SIGINT.
    code = f"""
import signal, sys
from imdb_sentiment.workspaces.processes import run_in_group
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, lambda *_: sys.exit(7))
run_in_group({command!r})
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    mark = tmp_path / "mark"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment) as process:
        while not (mark.exists() and mark.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
    assert process.returncode == 7
    # It may not have been reaped yet, but has no command line any more.
    cmdline = Path(f"/proc/{mark.read_text()}/cmdline")
    assert not (cmdline.exists() and cmdline.read_bytes())


@pytest.mark.parametrize(
    ("accuracy", "said"), [(0.70, "do not overlap"), (0.75, "210 test reviews are too few"), (0.8, None)]
)
def test_deficit_is_described_by_the_intervals(accuracy: float, said: str | None) -> None:
    def metrics(value: float) -> dict[str, float]:
        return {"accuracy": value, "accuracy_low": value - 0.02, "accuracy_high": value + 0.02, "test_reviews": 210}

    found = describe_deficit(metrics(accuracy), metrics(0.78))
    assert (said is None and found is None) or (said is not None and said in (found or ""))


def test_summary_ends_with_commands_that_work(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = project / "runs/demo"
    lay_out(workspace, params_of(project), project)
    lstm = {"accuracy": 0.75, "accuracy_low": 0.7, "accuracy_high": 0.8, "test_reviews": 210}
    names = ("evaluation", "baseline", "behaviour", "baseline_behaviour")
    write_folder(workspace, {f"metrics/{name}.json": json.dumps(lstm).encode() for name in names})
    monkeypatch.chdir(project)

    result = invoke(summarize_app, "--folder", "runs/demo")

    assert result.exit_code == 0
    pointers = dict(line.split(":", 1) for line in result.stdout.splitlines()[-5:])
    assert pointers["report"].strip() == "runs/demo/data/report.html"
    assert shlex.split(pointers["predict"])[1:4] == ["predict", "--model", "runs/demo/data/model"]
    dvc = [part for part in shlex.split(pointers["plots"]) if part != "--open"]
    assert subprocess.run([sys.executable, "-m", "dvc", *dvc[1:]], check=False).returncode == 0
