"""Processes measured from outside, and what came of several rounds of them."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from statistics import median
from typing import IO, Any, Final, NamedTuple

from benchmarks.groups import Contender, Group
from benchmarks.setting import Measured, Setting
from imdb_sentiment.errors import PipelineError
from imdb_sentiment.progress import Progress, track

# What a library would say of itself would hide the one line that tells why a process failed.
_QUIET: Final = {"TF_CPP_MIN_LOG_LEVEL": "3", "IMDB_SENTIMENT_VERBOSITY": "quiet", "DVC_NO_ANALYTICS": "1"}


class Process(NamedTuple):
    """A process that has ended: from its start to its end, its peak memory with its children's, and what it printed."""

    seconds: float
    peak_mib: float
    printed: str


def run_process(command: Sequence[str]) -> Process:
    """Run `command` to its end. Raises PipelineError, with the last line of its standard error, if that is a bad one.

    Its peak memory comes out no lower than that of this process: Linux counts from the fork on.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        try:
            process = subprocess.Popen(command, stdout=stdout, stderr=stderr, env={**os.environ, **_QUIET})
        except OSError as error:
            raise PipelineError(f"{command[0]}: found no command ({error.strerror}); expected one") from error
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            last = next((line for line in reversed(_read(stderr).splitlines()) if line.strip()), "nothing said")
            raise PipelineError(f"found exit code {process.returncode} ({last.removeprefix('error: ')}); expected 0")
        return Process(seconds, usage.ru_maxrss / 1024, _read(stdout))


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")


def measure(group: Group, setting: Setting, rounds: int, progress: Progress) -> dict[str, Any]:
    """Return what `summarize` makes of each contender of `group`, whose libraries must be installed.

    In round after round, so that what else the machine does meets all of them alike. Raises PipelineError.
    """
    runs: dict[str, list[tuple[Measured, float]]] = {its.name: [] for its in group.contenders}
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


def _run(group: Group, contender: Contender, setting: Setting) -> tuple[Measured, float]:
    if contender.command:
        process = run_process(contender.command(setting))
        amount = setting.loose_reviews if group.name == "ingest" else 1
        return Measured(process.seconds, amount), process.peak_mib
    name = f"{group.name}.{contender.name}"
    process = run_process([sys.executable, "-m", "benchmarks.contender", name, *setting.arguments()])
    # What a library prints comes before.
    said: dict[str, Any] = json.loads(process.printed.splitlines()[-1])
    return Measured(said["seconds"], said["amount"], said["loss"]), process.peak_mib


def _summarize(runs: Iterable[tuple[Measured, float]]) -> dict[str, Any]:
    measured, peaks = zip(*runs, strict=True)
    seconds = [its.seconds for its in measured]
    amount = measured[0].amount
    summary = {
        "median_seconds": median(seconds),
        "min_seconds": min(seconds),
        "max_seconds": max(seconds),
        "seconds": seconds,
        "amount": amount,
        "per_second": amount / median(seconds),
        "peak_mib": median(peaks),
    }
    return summary if measured[0].loss is None else {**summary, "loss": median(its.loss for its in measured)}
