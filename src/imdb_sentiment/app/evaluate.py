"""The command `imdb-sentiment evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.app.label_options import (
    Delimiter,
    Encoding,
    Format,
    LabelColumn,
    LabelledTable,
    Negative,
    NegativeUpTo,
    NoHeader,
    Positive,
    PositiveFrom,
    SkipBadLines,
    SplitColumn,
    TextColumn,
    as_table_params,
)
from imdb_sentiment.app.source import DEFAULT_MODEL, Model, check_output_is_not_input


def evaluate(
    table: LabelledTable,
    *,
    model: Model = DEFAULT_MODEL,
    output: Annotated[Path | None, typer.Option(help="Write what was measured as a JSON file.")] = None,
    page: Annotated[Path | None, typer.Option("--html", help="Write what was measured as a web page.")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    split_column: SplitColumn = None,
    positive: Positive = None,
    negative: Negative = None,
    positive_from: PositiveFrom = None,
    negative_up_to: NegativeUpTo = None,
    kind: Format = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    no_header: NoHeader = False,
    skip_bad_lines: SkipBadLines = False,
) -> None:
    """Measure a model on a table of labelled reviews: accuracy, calibration, and the most confident mistakes.

    If the table has a test part, only that is measured.
    """
    from imdb_sentiment.corpus.findings import Findings
    from imdb_sentiment.corpus.ingest import get_reviews_data
    from imdb_sentiment.prediction.predictor import SentimentModel
    from imdb_sentiment.report.table_evaluation import measure, print_measured, render_measured
    from imdb_sentiment.runtime.console import console_progress, printable
    from imdb_sentiment.runtime.files import write_json, written_beside

    for option, path in (("--output", output), ("--html", page)):
        if path is not None:
            check_output_is_not_input(option, path, table)
    table_params = as_table_params(
        text_column=text_column,
        label_column=label_column,
        split_column=split_column,
        positive=positive,
        negative=negative,
        positive_from=positive_from,
        negative_up_to=negative_up_to,
        format=kind,
        encoding=encoding,
        delimiter=delimiter,
        header=not no_header,
        skip_bad_rows=skip_bad_lines,
    )
    loaded = SentimentModel.load(model)
    findings = Findings()
    reviews = get_reviews_data(table, findings, console_progress, table_params)
    for line in findings.tables.lines() if findings.tables else ():
        typer.echo(printable(line))
    measured = measure(loaded, reviews, console_progress)
    print_measured(measured)
    if output is not None:
        write_json(measured.as_json(), output)
        typer.echo(f"metrics: {printable(str(output))}")
    if page is not None:
        with written_beside(page) as partial:
            partial.write_text(render_measured(measured, table.name), encoding="utf-8")
        typer.echo(f"page:    {printable(str(page))}")
