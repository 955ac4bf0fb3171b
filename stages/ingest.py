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
    """Read every review of the source, clean it, and write one row a review and a summary of the data."""
    from imdb_sentiment.artifacts.reviews import write_reviews
    from imdb_sentiment.corpus.fingerprint import Fingerprint
    from imdb_sentiment.corpus.ingest import get_reviews_data
    from imdb_sentiment.corpus.summary import summarize_reviews
    from imdb_sentiment.runtime.files import write_json, written_together
    from imdb_sentiment.runtime.params import load_params

    # Read from the file: on a command line, DVC's shell would interpret a name such as `data/$(touch x)`.
    source = source or Path(load_params(params).data.source)
    fingerprint = Fingerprint()
    with written_together(reviews, data_summary) as (partial_reviews, partial_summary):
        table = get_reviews_data(source, fingerprint, console_progress)
        write_reviews(table, partial_reviews)
        write_json(summarize_reviews(table, fingerprint.hexdigest()), partial_summary)


app = command_app(ingest)

if __name__ == "__main__":
    app()
