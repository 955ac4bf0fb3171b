"""Turn the review files into one Parquet table."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def ingest(
    reviews: Annotated[Path, typer.Option(help="The Parquet table of reviews to write.")],
    data_summary: Annotated[Path, typer.Option(help="The JSON summary of the reviews to write.")],
    params: Annotated[
        Path | None, typer.Option(help="The params, checked before any work. Its data.source is read.")
    ] = None,
    source: Annotated[Path | None, typer.Option(help="An archive or folder to read instead of data.source.")] = None,
) -> None:
    """Read and clean every review of an archive or folder; write the reviews and a summary of what is in them."""
    from imdb_sentiment.artifacts.reviews import write_reviews
    from imdb_sentiment.corpus.fingerprint import Fingerprint
    from imdb_sentiment.corpus.ingest import get_reviews_data
    from imdb_sentiment.corpus.summary import summarize_reviews
    from imdb_sentiment.runtime.files import write_json, written_together
    from imdb_sentiment.runtime.params import load_params

    # The source comes from the file and not from DVC's command line: a shell would execute what is in a name.
    if params is not None:
        default = load_params(params).data.source
        source = source or Path(default)
    if source is None:
        raise typer.BadParameter("found neither --params nor --source; expected one of them")
    fingerprint = Fingerprint()
    table = get_reviews_data(source, fingerprint, console_progress)
    with written_together(reviews, data_summary) as (partial_reviews, partial_summary):
        write_reviews(table, partial_reviews)
        write_json(summarize_reviews(table, fingerprint.hexdigest()), partial_summary)


app = command_app(ingest)

if __name__ == "__main__":
    app()
