"""What a run of the pipeline has measured, on the terminal."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import typer

from imdb_sentiment.runtime.console import print_metrics
from imdb_sentiment.runtime.files import read_json

_SMALL_MARGIN: Final = 0.02  # half the width of an interval
_EXAMPLE: Final = "A wonderful film, and the ending made me cry."


def print_summary(folder: Path) -> None:
    """Print what the pipeline in `folder` measured, beside the linear baseline, and how to look at the rest.

    Raises ArtifactError if it has not run there.
    """
    metrics = folder / "metrics"
    lstm, linear = (read_json(metrics / name) for name in ("evaluation.json", "baseline.json"))
    behaviour = (read_json(metrics / name) for name in ("behaviour.json", "baseline_behaviour.json"))
    print_metrics({"LSTM": lstm, "NB-SVM": linear}, "Test part")
    print_metrics(dict(zip(("LSTM", "NB-SVM"), behaviour, strict=True)), "Behaviour")
    for remark in (describe_deficit(lstm, linear), describe_uncertainty(lstm)):
        if remark:
            typer.echo(remark)
    for line in _pointers(Path(os.path.relpath(folder))):
        typer.echo(line)


def describe_deficit(lstm: Mapping[str, Any], linear: Mapping[str, Any]) -> str | None:
    """Return what it means that the LSTM is less accurate than the linear baseline; None where it is not."""
    if lstm["accuracy"] >= linear["accuracy"]:
        return None
    behind = f"The LSTM is less accurate than the linear baseline: {_interval(lstm)} against {_interval(linear)}"
    if lstm["accuracy_high"] < linear["accuracy_low"]:
        return f"{behind}. The intervals do not overlap: on this data the linear baseline is better."
    return f"{behind}. The intervals overlap: {lstm['test_reviews']:,} test reviews are too few to tell the two apart."


def describe_uncertainty(metrics: Mapping[str, Any]) -> str | None:
    """Return how little an accuracy on few reviews says; None where they are enough."""
    margin = (metrics["accuracy_high"] - metrics["accuracy_low"]) / 2
    if margin < _SMALL_MARGIN:
        return None
    return (
        f"{metrics['test_reviews']:,} test reviews are few: the accuracy is known to ±{100 * margin:.0f} points only."
    )


def _interval(metrics: Mapping[str, Any]) -> str:
    low, high = metrics["accuracy_low"], metrics["accuracy_high"]
    return f"{metrics['accuracy']:.1%} (95% interval {low:.1%} to {high:.1%})"


def _pointers(folder: Path) -> list[str]:
    """Return where the outputs are and the commands that show them, which work in this folder as they stand."""
    change_folder = [] if folder == Path() else ["--cd", str(folder)]
    plots = [_command("dvc"), *change_folder, "plots", "show", "--open"]
    predict = [_command("imdb-sentiment"), "predict", "--model", str(folder / "data/model")]
    return [
        f"report:   {folder / 'data/report.html'}",
        f"metrics:  {folder / 'metrics/evaluation.json'}",
        f"model:    {folder / 'data/model'}",
        f"plots:    {shlex.join(plots)}",
        f'predict:  {shlex.join(predict)} "{_EXAMPLE}"',
    ]


def _command(name: str) -> str:
    """Return how to call a command of this Python environment, which need not be activated."""
    if os.environ.get("VIRTUAL_ENV") == sys.prefix:
        return name
    script = Path(sys.executable).with_name(name)
    return str(script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script)
