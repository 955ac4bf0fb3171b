"""Turn the review files into one Parquet table."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def ingest(
    source: Annotated[Path, typer.Argument(help="The aclImdb archive, or a folder of the same layout.")],
    reviews: Annotated[Path, typer.Argument(help="The Parquet table to write.")],
    report: Annotated[Path, typer.Argument(help="The JSON report on the data to write.")],
    params: Annotated[Path | None, typer.Option(help="A file of params to check before any work.")] = None,
) -> None:
    """Read every review under SOURCE, clean it, and write one row a review to REVIEWS and what is in them to REPORT."""
    from imdb_sentiment.corpus.ingest import ingest_reviews
    from imdb_sentiment.runtime.params import load_params

    if params is not None:
        load_params(params)
    ingest_reviews(source, reviews, report, progress=console_progress)


app = command_app(ingest)

if __name__ == "__main__":
    app()
