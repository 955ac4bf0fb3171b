"""Have the archive of the Large Movie Review Dataset where the pipeline looks for it."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def fetch(
    archive: Annotated[Path, typer.Option(help="Where the archive is to be.")],
    params: Annotated[Path | None, typer.Option(help="The params, checked before any work.")] = None,
) -> None:
    """Download the official archive (84 MB) and check it; one that is there already and is right stays."""
    from imdb_sentiment.corpus.download import fetch_archive
    from imdb_sentiment.runtime.params import load_params

    if params is not None:
        load_params(params)
    fetch_archive(archive, progress=console_progress)


app = command_app(fetch)

if __name__ == "__main__":
    app()
