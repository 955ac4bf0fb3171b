"""Contenders measured in rounds, each in a process of its own, and what came of it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import IO, Any, Final, NamedTuple

from benchmarks.groups import Contender, Group
from benchmarks.measuring import LAUNCHER, read_lines
from benchmarks.setting import Lap, Setting
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.progress import Progress, track

# What a library would say of itself would hide the one line that tells why a process failed.
_QUIET: Final = {"TF_CPP_MIN_LOG_LEVEL": "3", "IMDB_SENTIMENT_VERBOSITY": "quiet", "DVC_NO_ANALYTICS": "1"}


class Process(NamedTuple):
    """A process that has ended: from its start to its end, of all cores, its peak memory, and what it printed."""

    seconds: float
    processor_seconds: float
    peak_mib: float
    printed: str


def run_process(command: Sequence[str]) -> Process:
    """Run `command` to its end. Raises PipelineError, with the last line of its standard error, if that is a bad one.

    When this is interrupted, the process ends as well, and all that it has started.
    """
    with tempfile.TemporaryDirectory() as folder, TemporaryFile() as stdout, TemporaryFile() as stderr:
        log = Path(folder) / "log"
        launched = [*LAUNCHER, str(log), *command]
        environment = {**os.environ, **_QUIET}
        process = subprocess.Popen(launched, stdout=stdout, stderr=stderr, env=environment, start_new_session=True)
        try:
            code = process.wait()
        except BaseException:
            with suppress(ProcessLookupError):  # it may have ended just now
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if code:
            last = next((line for line in reversed(_read(stderr).splitlines()) if line.strip()), "nothing said")
            raise PipelineError(f"found exit code {code} ({last.removeprefix('error: ')}); expected 0")
        (launch,) = read_lines(log)
        seconds = launch["end"] - launch["start"]
        return Process(seconds, launch["processor_seconds"], launch["peak_mib"], _read(stdout))


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")


def race(group: Group, setting: Setting, rounds: int, progress: Progress) -> dict[str, Any]:
    """Return what `summarize` makes of each contender of `group`, whose libraries must be installed.

    In round after round, so that what else the machine does meets all of them alike. Raises PipelineError.
    """
    runs: dict[str, list[tuple[Lap, Process]]] = {its.name: [] for its in group.contenders}
    turns = [contender for _ in range(rounds) for contender in group.contenders]
    for contender in track(progress, turns, f"Measuring {group.name}", len(turns), "runs"):
        try:
            runs[contender.name].append(_run(group, contender, setting))
        except PipelineError as error:
            raise PipelineError(f"{group.name}.{contender.name}: {error}") from error
    summaries = {name: _summarize(its) for name, its in runs.items()}
    if group.compares:
        ours = summaries[group.contenders[0].name]["per_second"]
        for its in summaries.values():
            its["ours_is_times_as_fast"] = ours / its["per_second"]
    return summaries


def _run(group: Group, contender: Contender, setting: Setting) -> tuple[Lap, Process]:
    if contender.command:
        process = run_process(contender.command(setting))
        amount = setting.loose_reviews if group.name == "ingest" else 1
        return Lap(process.seconds, amount), process
    name = f"{group.name}.{contender.name}"
    process = run_process([sys.executable, "-m", "benchmarks.contender", name, *setting.arguments()])
    # What a library prints comes before.
    said: dict[str, Any] = json.loads(process.printed.splitlines()[-1])
    return Lap(said["seconds"], said["amount"], said["loss"]), process


def _summarize(runs: Iterable[tuple[Lap, Process]]) -> dict[str, Any]:
    measured, processes = zip(*runs, strict=True)
    seconds = [its.seconds for its in measured]
    amount = measured[0].amount
    summary = {
        "median_seconds": median(seconds),
        "min_seconds": min(seconds),
        "max_seconds": max(seconds),
        "seconds": seconds,
        "amount": amount,
        "per_second": amount / median(seconds),
        "peak_mib": median(its.peak_mib for its in processes),
        # Set-up and all: far less than seconds times cores tells of other work on the machine.
        "process_seconds": median(its.seconds for its in processes),
        "process_processor_seconds": median(its.processor_seconds for its in processes),
    }
    return summary if measured[0].loss is None else {**summary, "loss": median(its.loss for its in measured)}
