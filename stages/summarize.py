"""Say what a run of the pipeline has measured, and where its outputs are: no stage of `dvc.yaml`, it writes nothing."""

import os
from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import print_metrics
from imdb_sentiment.runtime.files import read_json


def summarize(
    folder: Annotated[Path, typer.Argument(help="The folder in which the pipeline ran.")],
) -> None:
    """Print what the pipeline in FOLDER measured, beside its linear peer, and where its outputs are."""
    metrics = folder / "metrics"
    for title, ours, theirs in (
        ("Test part", "metrics.json", "baseline.json"),
        ("Behaviour", "behaviour.json", "baseline_behaviour.json"),
    ):
        print_metrics({"LSTM": read_json(metrics / ours), "NB-SVM": read_json(metrics / theirs)}, title)
    shown = Path(os.path.relpath(folder))
    typer.echo(f"metrics:  {shown / 'metrics/metrics.json'}")
    typer.echo(f"model:    {shown / 'data/model'}")
    typer.echo(f"plots:    dvc plots show --cd {shown} --open")


app = command_app(summarize)

if __name__ == "__main__":
    app()
