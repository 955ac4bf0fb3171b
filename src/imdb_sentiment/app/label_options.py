"""The options of commands that read a table of labelled reviews."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from imdb_sentiment.runtime.params import TableParams

_PANEL: Final = "How the table is read (what is not named is found)"


def _option(name: str, help_: str) -> Any:
    return typer.Option(name, help=help_, rich_help_panel=_PANEL)


LabelledTable = Annotated[
    Path,
    typer.Argument(
        help="The reviews with their labels: a table (.csv, .tsv, .json, .jsonl, .parquet, also in .gz, .bz2, .xz, "
        ".zst or .zip), a folder of tables, or an archive or folder in the layout of the Large Movie Review Dataset.",
        show_default=False,
    ),
]
TextColumn = Annotated[str | None, _option("--text-column", "The column of reviews.")]
LabelColumn = Annotated[str | None, _option("--label-column", "The column of labels.")]
SplitColumn = Annotated[str | None, _option("--split-column", "The column with train, test, validation, unsupervised.")]
GroupColumn = Annotated[str | None, _option("--group-column", "The column of what no split may tear apart: a film.")]
Positive = Annotated[list[str] | None, _option("--positive", "A label of positive reviews; may be repeated.")]
Negative = Annotated[list[str] | None, _option("--negative", "A label of negative reviews; may be repeated.")]
PositiveFrom = Annotated[float | None, _option("--positive-from", "Of a scale: positive from this many stars.")]
NegativeUpTo = Annotated[float | None, _option("--negative-up-to", "Of a scale: negative up to this many stars.")]
Format = Annotated[str | None, _option("--format", "csv, tsv, json, jsonl or parquet, whatever the name says.")]
Encoding = Annotated[str | None, _option("--encoding", "Such as cp1252.")]
Delimiter = Annotated[str | None, _option("--delimiter", "What separates the values of a CSV table.")]
NoHeader = Annotated[bool, _option("--no-header", "The first line is a row; the columns are called 1, 2 and so on.")]
SkipBadLines = Annotated[bool, _option("--skip-bad-lines", "Leave out rows that cannot be read.")]


def as_table_params(**options: Any) -> "TableParams":
    """Return the options as the params `data.table`. Raises ParamsError for options that do not go together."""
    from imdb_sentiment.runtime.params import TableParams, check

    given = {name: value for name, value in options.items() if value is not None}
    return check(given, TableParams, "the options")
