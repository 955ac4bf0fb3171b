"""The command `imdb-sentiment train`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from imdb_sentiment.app.label_options import (
    Delimiter,
    Encoding,
    Format,
    GroupColumn,
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

FEW_REVIEWS: Final = 5_000  # fewer labelled reviews are trained with the params of variants/demo.yaml, for 350
_SMALL: Final = "demo"


def train(
    table: LabelledTable,
    *,
    output: Annotated[Path, typer.Option(help="The folder of the run: its params, its data and the model.")],
    params: Annotated[
        Path | None, typer.Option(help="A YAML file with the params that differ from params.yaml.", show_default=False)
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    split_column: SplitColumn = None,
    group_column: GroupColumn = None,
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
    """Train a model on a table of labelled reviews, and measure it beside a linear baseline.

    The same command goes on where a stopped one was, and repeats only what a change concerns.
    """
    from imdb_sentiment.corpus.findings import Findings
    from imdb_sentiment.corpus.ingest import get_reviews_data
    from imdb_sentiment.report.summary import print_summary
    from imdb_sentiment.runtime.console import console_progress, printable
    from imdb_sentiment.runtime.params import Params, check, read_yaml
    from imdb_sentiment.workspaces.processes import check_unlocked, run_dvc
    from imdb_sentiment.workspaces.project import find_project, merge, read_variant
    from imdb_sentiment.workspaces.workspace import check_workspace, lay_out

    table_params = as_table_params(
        text_column=text_column,
        label_column=label_column,
        split_column=split_column,
        group_column=group_column,
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
    project = find_project()
    workspace = output.resolve()
    check_workspace(workspace, project)
    check_unlocked(workspace)
    # Read before anything is laid out: what is wrong with the table is said within seconds.
    findings = Findings()
    reviews = get_reviews_data(table, findings, console_progress, table_params)
    labelled = int(reviews["label"].count())
    for line in findings.tables.lines() if findings.tables else ():
        typer.echo(printable(line))
    chosen = read_variant(project, _SMALL) if labelled < FEW_REVIEWS else read_yaml(project / "params.yaml")
    changes = read_yaml(params) if params else {}
    data = {"source": str(table.resolve()), "table": table_params.model_dump()}
    merged = merge(merge(chosen, changes), {"data": data})
    check(merged, Params, str(params or "params.yaml"))
    size = "few: smaller settings" if labelled < FEW_REVIEWS else "the settings of params.yaml"
    typer.echo(f"training: {labelled:,} labelled reviews ({size})")
    lay_out(workspace, merged, project)
    run_dvc("repro", folder=workspace)
    print_summary(workspace)
