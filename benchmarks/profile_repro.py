"""Where the time of a whole cold `dvc repro` goes: by stage, between the stages to DVC, and within train.

    python -m benchmarks.profile_repro

It is one `dvc repro --force`, in which every stage runs and DVC takes nothing from its cache. The `python` that the
stages find first on the path measures them, and train runs under Python's profiler. What Numba compiled before does not
count, what the disk has in its cache does. The outputs are made anew in their places, with the same bytes where nothing
has changed. Should it be stopped, `dvc checkout` and `git checkout metrics` bring the outputs back.
"""

import os
import pstats
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from benchmarks.harness import LAUNCHER, Output, Process, python_path, read_lines, run_process, write_results
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.params import load_params

# Functions that train calls one after the other, and what they do.
_TRAIN: Final = {
    "import_keras_quietly": "loading TensorFlow",
    "load_dataset": "reading inputs",
    "create_model": "creating models",
    "fit_epoch": "fitting, its first step compiling",
    "predict_probabilities": "validating",
}


def profile_repro(
    *,
    output: Output = Path("metrics/profile.json"),
    repository: Annotated[Path, typer.Option(help="In: the folder of the pipeline, such as runs/demo.")] = Path(),
) -> None:
    """Run the whole pipeline anew, and write what each stage took."""
    checkpoints, lock, params = (repository / name for name in ("data/checkpoints", "dvc.lock", "params.yaml"))
    if checkpoints.is_dir() and any(checkpoints.iterdir()):
        raise PipelineError(f"{checkpoints}: found a train that was stopped and would go on; expected none")
    before = lock.read_bytes() if lock.exists() else None
    with tempfile.TemporaryDirectory() as folder:
        log, stats = Path(folder) / "log", Path(folder) / "stats"
        dvc, environment = (
            (sys.executable, "-m", "dvc", "repro", "--force"),
            _make_environment(Path(folder), log, stats),
        )
        whole = run_process(dvc, folder=repository, environment=environment, shown=True)
        profile = summarize([Process(**line) for line in read_lines(log)], whole)
        if stats.exists():
            profile["train"] = _read_stats(stats)
    profile["dvc_lock_as_before"] = before == lock.read_bytes()
    write_results(output, profile, load_params(params) if params.exists() else None)
    _print(profile)


def _make_environment(folder: Path, log: Path, stats: Path) -> dict[str, str]:
    """Return environment variables by which the stages find a `python` that adds to `log` what it ran."""
    python = folder / "bin/python"
    python.parent.mkdir()
    profiled = f'[ "$2" = stages.train ] && set -- -m benchmarks.profiled {shlex.quote(str(stats))} "$@"'
    launch = f'exec {shlex.join([*LAUNCHER, str(log), sys.executable])} "$@"'
    python.write_text(f"#!/bin/sh\n{profiled}\n{launch}\n", encoding="utf-8")
    python.chmod(0o755)
    paths = {
        "PATH": [str(python.parent), str(Path(sys.executable).parent), os.environ.get("PATH", "")],
        "PYTHONPATH": [python_path()],
        "NUMBA_CACHE_DIR": [str(folder / "numba")],
        "DVC_NO_ANALYTICS": ["1"],
    }
    return {name: os.pathsep.join(filter(None, parts)) for name, parts in paths.items()}


def summarize(processes: Sequence[Process], whole: Process) -> dict[str, Any]:
    """Return the table of the stages, in the order in which they ran.

    `dvc_seconds` are those from the end of a stage to the start of the next one, or to the end of all: DVC hashes the
    outputs and keeps them.
    """
    starts = [*(process.start for process in processes[1:]), whole.end]
    stages = [
        {
            "stage": next(part for part in process.command if part.startswith("stages.")).removeprefix("stages."),
            "seconds": round(process.seconds, 2),
            "share": round(process.seconds / whole.seconds, 4),
            "processor_seconds": round(process.processor_seconds, 2),
            "peak_mib": round(process.peak_mib, 1),
            "dvc_seconds": round(next_start - process.end, 2),
        }
        for process, next_start in zip(processes, starts, strict=True)
    ]
    in_stages = sum(process.seconds for process in processes)
    return {
        "seconds": round(whole.seconds, 2),
        "stages_seconds": round(in_stages, 2),
        "dvc_seconds": round(whole.seconds - in_stages, 2),
        "dvc_start_seconds": round(processes[0].start - whole.start, 2) if processes else 0.0,
        "cores": os.cpu_count(),
        "stages": stages,
    }


def _read_stats(stats: Path) -> dict[str, float]:
    """Return the seconds in the functions of _TRAIN, with all that they call."""
    found: Mapping[Any, Any] = vars(pstats.Stats(str(stats)))["stats"]
    seconds = {name: cumulative for (_, _, name), (_, _, _, cumulative, _) in found.items() if name in _TRAIN}
    return {what: round(seconds[name], 2) for name, what in _TRAIN.items() if name in seconds}


def _print(profile: Mapping[str, Any]) -> None:
    typer.echo(f"{'stage':12s} {'seconds':>9s} {'share':>7s} {'cores':>6s} {'peak memory':>12s} {'then DVC':>9s}")
    for stage in profile["stages"]:
        cores = stage["processor_seconds"] / stage["seconds"]
        typer.echo(
            f"{stage['stage']:12s} {stage['seconds']:7.1f} s {stage['share']:7.1%} {cores:6.1f} "
            f"{stage['peak_mib']:8,.0f} MiB {stage['dvc_seconds']:7.1f} s"
        )
    typer.echo(f"{'all':12s} {profile['seconds']:7.1f} s, of which DVC {profile['dvc_seconds']:.1f} s")
    for name, seconds in profile.get("train", {}).items():
        typer.echo(f"  train: {name:40s} {seconds:7.1f} s")
    typer.echo(f"dvc.lock is {'as' if profile['dvc_lock_as_before'] else 'other than'} before")


app = command_app(profile_repro)

if __name__ == "__main__":
    app()
