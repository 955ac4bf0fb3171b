"""Turn the reviews of a source into one Parquet table."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress, printable


def ingest(
    *,
    params: Annotated[Path, typer.Option(help="Params: the section `data` is used.")] = Path("params.yaml"),
    source: Annotated[Path | None, typer.Option(help="In: the source, instead of `data.source`.")] = None,
    reviews: Annotated[Path, typer.Option(help="Out: the Parquet table of reviews.")] = Path("data/reviews.parquet"),
    data_summary: Annotated[Path, typer.Option(help="Out: what is in the data.")] = Path("metrics/data.json"),
) -> None:
    """Read every review of the source, clean it, and write one row a review and a summary of the data."""
    from imdb_sentiment.artifacts.reviews import write_reviews
    from imdb_sentiment.corpus.findings import Findings
    from imdb_sentiment.corpus.ingest import get_reviews_data
    from imdb_sentiment.corpus.summary import summarize_reviews
    from imdb_sentiment.runtime.files import write_json, written_together
    from imdb_sentiment.runtime.params import load_params

    # Read from the file: on a command line, DVC's shell would interpret a name such as `data/$(touch x)`.
    data = load_params(params).data
    findings = Findings()
    with written_together(reviews, data_summary) as (partial_reviews, partial_summary):
        table = get_reviews_data(source or Path(data.source), findings, console_progress, data.table)
        write_reviews(table, partial_reviews)
        write_json(summarize_reviews(table, findings), partial_summary)
    for line in findings.tables.lines() if findings.tables else ():
        typer.echo(printable(line))


app = command_app(ingest)

if __name__ == "__main__":
    app()
