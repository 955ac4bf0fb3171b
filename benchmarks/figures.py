"""Measure all that the documents show, on one commit, and render it: `make figures`.

    python -m benchmarks.figures            # some hours on two cores
    python -m benchmarks.figures --only seeds --only growth

Each step names the commit that it measured in the file that it writes. A step whose file is of this commit is left out,
so the same command goes on where it was stopped.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from benchmarks.harness import ROOT, measured_commit
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.files import read_json, written_beside
from imdb_sentiment.workspaces.processes import run_in_group

_SPEED: Final = ("ingest", "preprocess", "vectors", "training", "prediction", "start_up", "dvc_overhead")
_VARIANTS: Final = ("demo", "plain", "recipe", "recipe_padded", "patient")
_RESULTS: Final = Path("metrics/results.json")


@dataclass(frozen=True)
class Step:
    """A measurement: what makes it, and whether it was made of this commit."""

    name: str
    run: Callable[[str], None]  # takes the commit
    is_done: Callable[[str], bool]


def figures(
    only: Annotated[list[str] | None, typer.Option(help="A step, instead of all; may be repeated.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure what was measured of this commit, too.")] = False,
) -> None:
    """Run every measurement of the documents that is not of this commit yet, and render their tables."""
    steps = find_steps(Path())
    names = [step.name for step in steps]
    if unknown := next((name for name in only or () if name not in names), None):
        raise PipelineError(f"--only {unknown}: found no such step; expected one of {', '.join(names)}")
    commit = measured_commit()
    if commit is None or commit.endswith("-dirty"):
        raise PipelineError(f"found the code {commit or 'without a commit'}; expected a commit, which figures can name")
    for step in steps:
        if only and step.name not in only:
            continue
        if step.is_done(commit) and not again:
            typer.echo(f"{step.name}: measured")
            continue
        start = time.monotonic()
        step.run(commit)
        typer.echo(f"{step.name}: measured in {(time.monotonic() - start) / 60:.1f} minutes")
    run_command([sys.executable, "docs/render.py"])


def find_steps(folder: Path) -> list[Step]:
    """Return the steps in their order, with outputs in `folder`."""
    steps = [_script("profile", ["benchmarks.profile_repro"], folder / "metrics/profile.json")]
    steps += [
        _script(name, [f"benchmarks.{name}"], folder / f"metrics/{name}.json")
        for name in ("seeds", "ablation", "faithfulness", "growth", "serving")
    ]
    steps += [
        _script(f"speed_{name}", [f"benchmarks.{name}"], folder / f"metrics/speed/{name}.json") for name in _SPEED
    ]
    steps += [
        Step(
            f"variant_{name}",
            partial(measure_variant, name, folder / _RESULTS),
            partial(_has_entry, folder / _RESULTS, name),
        )
        for name in _VARIANTS
    ]
    summarized = partial(summarize_seeds, folder / "metrics", folder / _RESULTS)
    return [*steps, Step("default", summarized, partial(_has_entry, folder / _RESULTS, "default"))]


def run_command(command: Sequence[str]) -> None:
    """Run `command` in the project. Raises PipelineError if it fails."""
    code = run_in_group(command, folder=ROOT)
    if code:
        raise PipelineError(f"{' '.join(command)}: found exit code {code}; expected 0")


def measure_variant(name: str, results: Path, commit: str) -> None:
    """Run a variant, and write its accuracy and its minutes to its entry of `results`.

    The minutes are those of the whole run where nothing of it is in DVC's cache yet.
    """
    start = time.monotonic()
    run_command([sys.executable, "-m", "variants", name])
    minutes = round((time.monotonic() - start) / 60)
    measured = read_json(ROOT / "runs" / name / "metrics/evaluation.json")
    kept = {key: measured[key] for key in ("accuracy_low", "accuracy_high", "loss", "test_reviews")}
    entry = {"accuracy_mean": measured["accuracy"], "accuracy_std": None, "seeds": 1, **kept, "minutes": minutes}
    _put_entry(results, {"variant": name, **entry, "commit": commit[:7]})


def summarize_seeds(metrics: Path, results: Path, commit: str) -> None:
    """Write the entry of the default to `results`, from what the step seeds measured of this commit."""
    seeds = read_json(metrics / "seeds.json")
    if seeds["measured"]["commit"] != commit:
        raise PipelineError(f"{metrics / 'seeds.json'}: found figures of another commit; expected {commit[:7]}")
    fits = seeds["fits"]
    entry = {
        "variant": "default",
        "accuracy_mean": seeds["accuracy_mean"],
        "accuracy_std": seeds["accuracy_std"],
        "seeds": len(fits),
        "accuracy_low": None,
        "accuracy_high": None,
        "loss": sum(fit["loss"] for fit in fits) / len(fits),
        "test_reviews": read_json(metrics / "evaluation.json")["test_reviews"],
        "minutes": None,
    }
    _put_entry(results, {**entry, "commit": commit[:7]})


def _script(name: str, module: Sequence[str], output: Path) -> Step:
    command = [sys.executable, "-m", *module]
    return Step(name, lambda _: run_command(command), partial(_is_of, output))


def _is_of(output: Path, commit: str) -> bool:
    return output.is_file() and read_json(output)["measured"]["commit"] == commit


def _entries(results: Path) -> list[dict[str, Any]]:
    return list(json.loads(results.read_text(encoding="utf-8"))) if results.is_file() else []


def _has_entry(results: Path, name: str, commit: str) -> bool:
    return any(entry["variant"] == name and entry["commit"] == commit[:7] for entry in _entries(results))


def _put_entry(results: Path, entry: dict[str, Any]) -> None:
    entries = _entries(results)
    places = [place for place, old in enumerate(entries) if old["variant"] == entry["variant"]]
    if places:
        entries[places[0]] = entry
    else:
        entries.append(entry)
    with written_beside(results) as partial_results:
        partial_results.write_text(f"{json.dumps(entries, indent=2)}\n", encoding="utf-8")


app = command_app(figures)

if __name__ == "__main__":
    app()
