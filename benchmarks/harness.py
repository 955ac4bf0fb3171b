"""Measuring: contenders in processes of their own, in interleaved rounds, and the JSON file of the results.

A contender is a whole command, or a function that sets up, works, and returns what `timed` returns: imports, reading
inputs and a first small call that compiles are set-up, of this project's contenders and of the others.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Annotated, Any, Final, NamedTuple

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress
from imdb_sentiment.runtime.errors import InputError, PipelineError
from imdb_sentiment.runtime.files import write_json
from imdb_sentiment.runtime.params import Params, load_params
from imdb_sentiment.runtime.progress import track
from imdb_sentiment.workspaces.processes import run_in_group

# Without the packages of the environment, the launcher is smaller than anything that it starts.
ROOT: Final = Path(__file__).resolve().parent.parent
LAUNCHER: Final = (sys.executable, "-I", "-S", str(Path(__file__).resolve().with_name("launcher.py")))
# Messages of libraries would hide the one line that tells why a process failed.
_QUIET: Final = {"TF_CPP_MIN_LOG_LEVEL": "3", "IMDB_SENTIMENT_VERBOSITY": "quiet", "DVC_NO_ANALYTICS": "1"}
_LIBRARIES: Final = "dvc gensim keras numba numpy onnxruntime pyarrow scikit-learn tensorflow torch"

Output = Annotated[Path, typer.Option(help="Out: the JSON file of results.")]
Data = Annotated[Path, typer.Option(help="In: the folder in which `dvc repro` left its outputs.")]
ParamsFile = Annotated[Path, typer.Option(help="Params: those by which they were made.")]


class Contender(NamedTuple):
    """One way to do the work that is compared.

    command: the process that is started. amount: the units of work that it does; None for a function, which reports
    amount and seconds itself. needs: the module without which it is left out. note: what its figure does not say.
    """

    name: str
    command: Sequence[str]
    amount: int | None = 1
    needs: str | None = None
    note: str | None = None


class Setting(NamedTuple):
    """What is measured: the outputs of a run, its params, the most reviews to take, a folder for temporary files."""

    data: Path
    params: Params
    reviews: int | None
    folder: Path


class Process(NamedTuple):
    """A process that has ended: start and end by the machine's monotonic clock, seconds of all cores, its output."""

    command: Sequence[str]
    start: float
    end: float
    processor_seconds: float
    peak_mib: float
    printed: str = ""

    @property
    def seconds(self) -> float:
        """The seconds by the clock."""
        return self.end - self.start


def speed_app(
    name: str, unit: str, contenders_of: Callable[[Setting], Mapping[str, Sequence[Contender]]]
) -> typer.Typer:
    """Return the command that measures the contenders of each comparison and writes metrics/speed/NAME.json."""

    def measure(
        *,
        output: Output = Path(f"metrics/speed/{name}.json"),
        data: Data = Path("data"),
        params: ParamsFile = Path("params.yaml"),
        reviews: Annotated[int | None, typer.Option(min=1, help="Take no more reviews than this.")] = None,
        rounds: Annotated[int, typer.Option(min=1, help="How often each contender is measured.")] = 3,
        only: Annotated[list[str] | None, typer.Option(help="Measure this contender; can be repeated.")] = None,
    ) -> None:
        settings = load_params(params)
        with TemporaryDirectory() as folder:
            comparisons = contenders_of(Setting(data, settings, reviews, Path(folder)))
            names = {contender.name for contenders in comparisons.values() for contender in contenders}
            if unknown := sorted(set(only or []) - names):
                raise InputError(f"--only: found {unknown[0]}; expected {', '.join(sorted(names))}")
            results = {
                title: compare(title, unit, [one for one in contenders if not only or one.name in only], rounds)
                for title, contenders in comparisons.items()
            }
        write_results(output, {"comparisons": results}, settings)

    measure.__doc__ = (sys.modules[contenders_of.__module__].__doc__ or "").partition("\n\n")[0]
    return command_app(measure)


def function(
    work: Callable[..., dict[str, Any]],
    name: str | None = None,
    needs: str | None = None,
    note: str | None = None,
    **arguments: Any,
) -> Contender:
    """Return the contender that calls `work(**arguments)`; the arguments must be paths or what JSON can hold."""
    spec = sys.modules[work.__module__].__spec__  # the module's name is __main__ where it is run as a command
    target = f"{spec.name if spec else work.__module__}:{work.__name__}"
    command = (sys.executable, "-m", "benchmarks.harness", target, json.dumps(arguments, default=str))
    return Contender(name or work.__name__, command, None, needs, note)


def timed(work: Callable[[], Any], amount: int) -> dict[str, Any]:
    """Do `work` once and return seconds and amount; what it returns is freed after the clock has stopped."""
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    del result
    return {"seconds": seconds, "amount": amount}


def run_process(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    shown: bool = False,
) -> Process:
    """Run `command` to its end, silently unless `shown`.

    Raises PipelineError, with the last line of its standard error, if its exit code is not 0.
    """
    with TemporaryDirectory() as temporary, TemporaryFile() as out, TemporaryFile() as err:
        log = Path(temporary) / "log"
        environment = {**os.environ, **({} if shown else _QUIET), **(environment or {})}
        streams = {} if shown else {"stdout": out, "stderr": err}
        code = run_in_group([*LAUNCHER, str(log), *command], folder=folder, environment=environment, **streams)
        for file in (out, err):
            file.seek(0)
        if code:
            lines = [line for line in err.read().decode("utf-8", "replace").splitlines() if line.strip()]
            last = lines[-1].removeprefix("error: ") if lines else "no message"
            raise PipelineError(f"found exit code {code} ({last}); expected 0")
        return Process(**read_lines(log)[0], printed=out.read().decode("utf-8", "replace"))


def python_path() -> str:
    """Return the PYTHONPATH with which a process in another folder finds stages and benchmarks."""
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))


def read_lines(log: Path) -> list[dict[str, Any]]:
    """Return what the launcher has added to `log`: an object for each process, in the order in which they ended."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def compare(title: str, unit: str, contenders: Sequence[Contender], rounds: int) -> dict[str, Any]:
    """Measure each contender `rounds` times; print and return the results.

    In round after round, so that other work of the machine slows all of them alike. The contender `ours`, if there is
    one, is what the others are compared with. Raises PipelineError if one fails.
    """
    load = os.getloadavg()[0]  # processes that ran or waited, on average of the last minute
    absent = {one.name: f"{one.needs} is not installed" for one in contenders if one.needs and not find_spec(one.needs)}
    present = [contender for contender in contenders if contender.name not in absent]
    runs: dict[str, list[tuple[Process, dict[str, Any]]]] = {contender.name: [] for contender in present}
    turns = present * rounds
    for contender in track(console_progress, turns, f"Measuring {title}", len(turns), "runs"):
        try:
            process = run_process(contender.command)
        except PipelineError as error:
            raise PipelineError(f"{title}: {contender.name}: {error}") from error
        report: dict[str, Any] = {"seconds": process.seconds, "amount": contender.amount}
        if contender.amount is None:
            report = json.loads(process.printed.splitlines()[-1])  # what libraries print comes before
        runs[contender.name].append((process, report))
    results = {contender.name: _summarize(runs[contender.name], contender.note) for contender in present}
    for result in results.values() if "ours" in results else ():
        result["ours_is_times_as_fast"] = results["ours"]["per_second"] / result["per_second"]
    _print(title, unit, results, absent)
    return {"unit": unit, "rounds": rounds, "load_before": load, "contenders": results, "left_out": absent}


def _summarize(runs: Sequence[tuple[Process, dict[str, Any]]], note: str | None) -> dict[str, Any]:
    processes, reports = zip(*runs, strict=True)
    seconds = [report["seconds"] for report in reports]
    return {
        "median_seconds": median(seconds),
        "min_seconds": min(seconds),
        "max_seconds": max(seconds),
        **reports[0],
        "seconds": seconds,
        "per_second": reports[0]["amount"] / median(seconds),
        "peak_mib": median(process.peak_mib for process in processes),
        # Set-up included. Processor seconds far below seconds times cores tell of other work on the machine.
        "process_seconds": median(process.seconds for process in processes),
        "process_processor_seconds": median(process.processor_seconds for process in processes),
        **({"note": note} if note else {}),
    }


def _print(title: str, unit: str, results: Mapping[str, Mapping[str, Any]], absent: Mapping[str, str]) -> None:
    typer.echo(f"\n{title}")
    for name, result in results.items():
        spread = f"({result['min_seconds']:.3g} to {result['max_seconds']:.3g})"
        times = f"  ours is {result['ours_is_times_as_fast']:.2f} x" if "ours_is_times_as_fast" in result else ""
        speed = f"{result['per_second']:14,.1f} {unit}/s {result['peak_mib']:7,.0f} MiB{times}"
        typer.echo(f"{name:18s} {result['median_seconds']:9.3g} s {spread:18s} {speed}")
    for name, reason in absent.items():
        typer.echo(f"{name:18s} left out: {reason}")


def write_results(output: Path, results: Mapping[str, Any], params: Params | None = None) -> None:
    """Write `results` to the JSON file `output`, with the commit, the params and the machine that they are of."""
    write_json({"measured": describe_measurement(params), **results}, output)


def describe_measurement(params: Params | None = None) -> dict[str, Any]:
    """Return the commit as `measured_commit` does, the params and the machine."""
    versions = {"python": platform.python_version()}
    for library in _LIBRARIES.split():
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    machine = {"processor": _processor(), "cores": os.cpu_count(), "versions": versions}
    return {"commit": measured_commit(), "params": params.model_dump() if params else None, "machine": machine}


def measured_commit() -> str | None:
    """Return the commit of the code, with `-dirty` if a file differs that a figure depends on; None without git.

    Figures themselves, and documents that show them, may differ.
    """

    def git(*arguments: str) -> str:
        command = ("git", *arguments)
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    commit = git("rev-parse", "HEAD")
    figures = [f":!{path}" for path in ("metrics", "docs", "README.md", "dvc.lock", "data/raw/dvc.lock")]
    changed = git("status", "--porcelain", "--", ".", *figures)
    return f"{commit}-dirty" if changed and commit else commit or None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _call(target: str, arguments: str) -> None:
    module, _, name = target.partition(":")
    try:
        report = getattr(import_module(module), name)(**json.loads(arguments))
    except PipelineError as error:
        sys.exit(f"error: {error}")
    typer.echo(f"\n{json.dumps(report)}")


if __name__ == "__main__":
    _call(sys.argv[1], sys.argv[2])
