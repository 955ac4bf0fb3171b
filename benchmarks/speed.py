"""How fast each part of the project is, beside what people would use in its place: `make bench`.

python -m benchmarks.speed metrics/speed.json --only preprocess --rounds 1

Each measurement is a process of its own; `benchmarks/groups.py` has who is measured, `benchmarks/contenders` how.
Reads what `dvc repro` left in `data/`. The machine may do other work: ratios tell more than seconds.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from benchmarks.groups import GROUPS, Contender, Group
from benchmarks.machine import describe_machine
from benchmarks.racing import race, run_process
from benchmarks.setting import Setting
from benchmarks.speed_table import print_group
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress
from imdb_sentiment.runtime.errors import InputError, PipelineError
from imdb_sentiment.runtime.files import read_json, write_json

BUSY: Final = 0.5  # processes that run or wait, on average of a minute
_DEFAULTS = Setting()


def measure_speed(
    report: Annotated[Path, typer.Argument(help="The JSON file of results to write.")],
    only: Annotated[
        list[str] | None, typer.Option(help=f"A group, can be repeated: {', '.join(its.name for its in GROUPS)}.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each contender is measured.")] = 3,
    batches: Annotated[int, typer.Option(min=1, help="Batches of a pass of training.")] = _DEFAULTS.batches,
    reviews: Annotated[
        int | None, typer.Option(min=1, help="Preprocess, learn vectors from and predict no more reviews than these.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Where `dvc repro` left its outputs.")] = _DEFAULTS.data,
    params: Annotated[Path, typer.Option(help="The params of what is fitted.")] = _DEFAULTS.params,
    archive: Annotated[Path, typer.Option(help="The archive that is ingested.")] = _DEFAULTS.archive,
) -> None:
    """Measure all groups, or those that are named, print a table of each, and write it to REPORT, whose others stay."""
    setting = Setting(data, params, archive, reviews, batches)
    found: dict[str, Any] = read_json(report) if report.exists() else {"groups": {}, "left_out": {}}
    found["machine"] = describe_machine()
    load = os.getloadavg()[0]
    if load > BUSY:
        typer.echo(f"the load is {load:.1f} before anything is measured: who shares work among threads suffers most")
    for group in _chosen(only):
        left_out = {f"{group.name}.{its.name}": f"{its.library} is not installed" for its in _absent(group)}
        reason = _reason_to_skip(group, setting)
        if reason is None and group.contenders[0] in _absent(group):
            reason = left_out[f"{group.name}.{group.contenders[0].name}"]
        if reason is not None:
            left_out = {group.name: reason}
        for name, why in left_out.items():
            typer.echo(f"{name}: left out, {why}")
        kept = {name: why for name, why in found["left_out"].items() if name.partition(".")[0] != group.name}
        found["left_out"] = kept | left_out
        if reason is None:
            present = group._replace(contenders=tuple(its for its in group.contenders if its.is_installed))
            with _prepared(group, setting) as prepared:
                summaries = race(present, prepared, rounds, console_progress)
            its = {"title": group.title, "unit": group.unit, "rounds": rounds, "load": load, "contenders": summaries}
            found["groups"][group.name] = its
            print_group(present, summaries)
        write_json(found, report)


def _chosen(only: list[str] | None) -> list[Group]:
    names = [its.name for its in GROUPS]
    for name in only or []:
        if name not in names:
            raise InputError(f"--only {name}: found no such group; expected one of {', '.join(names)}")
    return [its for its in GROUPS if not only or its.name in only]


def _absent(group: Group) -> list[Contender]:
    return [its for its in group.contenders if not its.is_installed]


def _reason_to_skip(group: Group, setting: Setting) -> str | None:
    if group.name == "ingest" and not setting.archive.is_file():
        return f"{setting.archive} is no archive"
    if group.name == "dvc":
        try:
            # With --quiet it says by its exit code alone whether something is out of date.
            run_process([sys.executable, "-m", "dvc", "status", "--quiet"])
        except PipelineError:
            return "`dvc status` says that something is out of date, or fails: run it to see"
    return None


@contextmanager
def _prepared(group: Group, setting: Setting) -> Iterator[Setting]:
    """Yield the setting with what only `group` needs: the review files unpacked, which goes afterwards."""
    if group.name != "ingest":
        yield setting
        return
    with tempfile.TemporaryDirectory() as folder:
        loose = Path(folder) / "loose"
        with console_progress("Unpacking loose files", None, ""):
            unpacked = run_process([sys.executable, "-m", "benchmarks.loose_files", str(setting.archive), str(loose)])
        yield setting._replace(loose=loose, loose_reviews=int(unpacked.printed))


app = command_app(measure_speed)

if __name__ == "__main__":
    app()
