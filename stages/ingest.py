"""Turn the review files into one Parquet table."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def ingest(
    *,
    params: Annotated[Path, typer.Option(help="Params: `data.source` is read.")] = Path("params.yaml"),
    source: Annotated[Path | None, typer.Option(help="In: an archive or folder, instead of `data.source`.")] = None,
    reviews: Annotated[Path, typer.Option(help="Out: the Parquet table of reviews.")] = Path("data/reviews.parquet"),
    data_summary: Annotated[Path, typer.Option(help="Out: what is in the data.")] = Path("metrics/data.json"),
) -> None:
    """Read every review of the source, clean it, and write one row a review."""
    from imdb_sentiment.corpus.ingest import ingest_reviews
    from imdb_sentiment.runtime.params import load_params

    ingest_reviews(source or Path(load_params(params).data.source), reviews, data_summary, progress=console_progress)


app = command_app(ingest)

if __name__ == "__main__":
    app()
