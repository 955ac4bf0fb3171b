"""Have the archive of the Large Movie Review Dataset where the pipeline looks for it."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.cli import console_progress, stage_app


def fetch(
    archive: Annotated[Path, typer.Argument(help="Where the archive is to lie.")],
) -> None:
    """Download the official archive (84 MB) to ARCHIVE and check it; one that is there already and is right stays."""
    from imdb_sentiment.download import fetch_archive

    fetch_archive(archive, progress=console_progress)


app = stage_app(fetch)

if __name__ == "__main__":
    app()
