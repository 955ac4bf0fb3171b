"""Print what a run of the pipeline has measured, and where its outputs are; it is not a stage of `dvc.yaml`."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app


def summarize(
    *, folder: Annotated[Path, typer.Option(help="In: the folder in which the pipeline ran.")] = Path()
) -> None:
    """Print what the pipeline measured, beside the linear baseline, and the commands that show the rest."""
    from imdb_sentiment.report.summary import print_summary

    print_summary(folder)


app = command_app(summarize)

if __name__ == "__main__":
    app()
