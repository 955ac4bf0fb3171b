"""The dataset as most tools want it, a file a review: `python -m benchmarks.loose_files ARCHIVE FOLDER`."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.corpus.archive import read_source
from imdb_sentiment.runtime.command import command_app

LABELLED = ("train/pos", "train/neg", "test/pos", "test/neg")


def unpack(
    archive: Annotated[Path, typer.Argument(help="The archive of reviews.")],
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
) -> None:
    """Write the reviews of ARCHIVE to FOLDER/all, links to the labelled ones to FOLDER/labelled; print how many."""
    count = 0
    for file in read_source(archive):
        if not file.is_urls:
            path = folder / "all" / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
            count += 1
    # Keras takes every folder beside pos and neg for a class.
    for name in LABELLED:
        link = folder / "labelled" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to((folder / "all" / name).resolve(), target_is_directory=True)
    typer.echo(count)


app = command_app(unpack)

if __name__ == "__main__":
    app()
