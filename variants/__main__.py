"""Run the whole pipeline with other params, apart from the outputs here and their dvc.lock.

A variant is a YAML file beside this one: the keys in which it differs from params.yaml. It runs in `runs/NAME`, which
has its own dvc.lock but shares DVC's cache, so that what it has in common with an earlier run is taken from there.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from imdb_sentiment.report.summary import print_summary
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.params import FETCHED, Params, check
from imdb_sentiment.workspaces.processes import check_unlocked, run_dvc
from imdb_sentiment.workspaces.project import read_variant
from imdb_sentiment.workspaces.workspace import lay_out

ROOT: Final = Path(__file__).resolve().parent.parent


def run_variant(
    name: Annotated[str, typer.Argument(help="The variant: a YAML file in variants/, without its ending.")],
    runs: Annotated[Path, typer.Option(help="The folder in which the workspace NAME is made.")] = Path("runs"),
) -> None:
    """Run the pipeline as the variant NAME says, print its metrics, and say where its outputs are."""
    params = read_variant(ROOT, name)
    source = check(params, Params, f"variants/{name}.yaml over params.yaml").data.source
    workspace = (runs / name).resolve()
    check_unlocked(workspace)
    lay_out(workspace, params, ROOT)
    if source == FETCHED:
        run_dvc("repro", "data/raw/dvc.yaml", folder=ROOT)
    run_dvc("repro", folder=workspace)
    print_summary(workspace)


app = command_app(run_variant)

if __name__ == "__main__":
    app()
