"""Turn the review files into one Parquet table."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.cli import console_progress, stage_app


def ingest(
    source: Annotated[Path, typer.Argument(help="The aclImdb archive, or a folder of the same layout.")],
    reviews: Annotated[Path, typer.Argument(help="The Parquet table to write.")],
    report: Annotated[Path, typer.Argument(help="The JSON report on the data to write.")],
) -> None:
    """Read every review under SOURCE, clean it, and write one row a review to REVIEWS and what is in them to REPORT."""
    from imdb_sentiment.corpus import ingest_reviews

    ingest_reviews(source, reviews, report, progress=console_progress)


app = stage_app(ingest)

if __name__ == "__main__":
    app()
