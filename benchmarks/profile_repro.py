"""Where the time of a whole cold `dvc repro` goes: by stage, between the stages and DVC, and within train.

python -m benchmarks.profile_repro metrics/profile.json

It is one `dvc repro --force`, in which every stage runs and DVC takes nothing from its cache. The stages run as they
always do, but that the `python` they find first on the path notes when they begin and end, and how much memory they
take. What Numba compiled before does not count, what the disk has in its cache does. The outputs are made anew in their
places, with the same bytes where nothing has changed since the last run. Should it be stopped, `dvc checkout` and
`git checkout metrics` bring the outputs back.
"""

import os
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from benchmarks.measuring import LAUNCHER, Measured, measure, read_lines
from benchmarks.phases import TRAIN, named, phases_of
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.files import write_json

ROOT: Final = Path(__file__).resolve().parent.parent


def profile(
    report: Annotated[Path, typer.Argument(help="The JSON file of results to write.")],
    repository: Annotated[
        Path, typer.Option(help="The folder of the pipeline, such as runs/demo of `python -m variants demo`.")
    ] = Path(),
) -> None:
    """Run the whole pipeline anew, print what each stage took, and write it to REPORT."""
    checkpoints = repository / "data/checkpoints"
    if checkpoints.exists():
        raise PipelineError(f"{checkpoints}: found a train that was stopped and would go on; expected none")
    lock = repository / "dvc.lock"
    before = lock.read_bytes() if lock.exists() else None
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        environment = _make_environment(Path(folder), log)
        whole = measure("dvc", "repro", "--force", folder=repository, environment=environment)
        profiled = summarize(read_lines(log), whole)
    profiled["dvc_lock_as_before"] = before == lock.read_bytes()
    write_json(profiled, report)
    _print(profiled)


def _make_environment(folder: Path, log: Path) -> dict[str, str]:
    """Return the environment of this process with another `python`, which adds to `log` what it ran."""
    command = (*LAUNCHER, str(log), sys.executable, "-m", "benchmarks.recorded", str(log))
    python = folder / "bin/python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(python.parent), str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "DVC_NO_ANALYTICS": "1",
    }


def summarize(lines: Sequence[Mapping[str, Any]], whole: Measured) -> dict[str, Any]:
    """Return the table of stages from `lines`, in which the tasks of a stage stand before the stage itself.

    `dvc_seconds` are those from the end of a stage to the beginning of the next one, or to the end of all: DVC hashes
    the outputs and keeps them.
    """
    stages: list[dict[str, Any]] = []
    tasks: list[Mapping[str, Any]] = []
    last = whole.start
    begun = 0.0
    for line in lines:
        if "task" in line:
            tasks.append(line)
            continue
        its = Measured(**line)
        if stages:
            stages[-1]["dvc_seconds"] = _rounded(its.start - last)
        else:
            begun = its.start - last
        module = next(argument for argument in its.command if argument.startswith("stages."))
        stages.append(
            {
                "stage": module.removeprefix("stages."),
                "seconds": _rounded(its.seconds),
                "share": round(its.seconds / whole.seconds, 4),
                "processor_seconds": _rounded(its.processor_seconds),
                "peak_mib": round(its.peak_mib, 1),
                "dvc_seconds": _rounded(whole.end - its.end),
                "phases": {name: _rounded(seconds) for name, seconds in phases_of(tasks, its.start, its.end).items()},
            }
        )
        last, tasks = its.end, []
    in_stages = sum(its["seconds"] for its in stages)
    train: dict[str, float] = next((its["phases"] for its in stages if its["stage"] == "train"), {})
    return {
        "seconds": _rounded(whole.seconds),
        "stages_seconds": _rounded(in_stages),
        "dvc_seconds": _rounded(whole.seconds - in_stages),
        "dvc_start_seconds": _rounded(begun),
        "cores": os.cpu_count(),
        "stages": stages,
        "train": {name: _rounded(seconds) for name, seconds in named(train, TRAIN).items()},
    }


def _rounded(seconds: float) -> float:
    return round(seconds, 2)


def _print(profiled: Mapping[str, Any]) -> None:
    whole = profiled["seconds"]
    typer.echo(f"{'stage':12s} {'seconds':>9s} {'share':>7s} {'cores':>6s} {'peak memory':>12s} {'then DVC':>9s}")
    typer.echo(f"{'(DVC begins)':12s} {'':9s} {'':7s} {'':6s} {'':12s} {profiled['dvc_start_seconds']:7.1f} s")
    for its in profiled["stages"]:
        cores = its["processor_seconds"] / its["seconds"]
        typer.echo(
            f"{its['stage']:12s} {its['seconds']:7.1f} s {its['share']:7.1%} {cores:6.1f} "
            f"{its['peak_mib']:8,.0f} MiB {its['dvc_seconds']:7.1f} s"
        )
    typer.echo(f"{'all':12s} {whole:7.1f} s, of which DVC {profiled['dvc_seconds']:.1f} s")
    for name, seconds in profiled["train"].items():
        typer.echo(f"  train: {name:40s} {seconds:7.1f} s")
    typer.echo(f"dvc.lock is {'as before' if profiled['dvc_lock_as_before'] else 'another than before'}")


app = command_app(profile)

if __name__ == "__main__":
    app()
