"""The command `imdb-sentiment predict`."""

import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imdb_sentiment.app.output import standard_output
from imdb_sentiment.app.source import (
    DEFAULT_MODEL,
    STANDARD_INPUT,
    Model,
    Review,
    Sources,
    check_output_is_not_input,
    find_source,
    open_tables,
)
from imdb_sentiment.runtime.console import counted, printable
from imdb_sentiment.runtime.errors import InputError

if TYPE_CHECKING:
    from imdb_sentiment.prediction.answers import Answer, Thresholds
    from imdb_sentiment.prediction.classified_rows import BadRows, ClassifiedRows
    from imdb_sentiment.prediction.predictor import SentimentModel
    from imdb_sentiment.tables.rows import Table

_TABLES: Final = "Tables"
_MACHINES: Final = "Many machines"


class Engine(StrEnum):
    """Where rows are classified."""

    LOCAL = "local"
    RAY = "ray"


def predict(
    sources: Sources = None,
    *,
    model: Model = DEFAULT_MODEL,
    threshold: Annotated[
        float | None, typer.Option(help="Call a review positive from this probability.", show_default="0.5")
    ] = None,
    uncertain: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="LOW HIGH", help="Call a review uncertain between these probabilities."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each review.")] = False,
    output: Annotated[
        str | None,  # a Path would make s3:/ of s3://
        typer.Option(
            help="Write the table with the columns predicted_label and probability added, in the format of this "
            "ending. For several tables: a folder.",
            rich_help_panel=_TABLES,
        ),
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(help="The column of reviews, where it has no usual name.", rich_help_panel=_TABLES)
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="What the files are, where their names do not say it, and standard input: csv, tsv, json, jsonl, "
            "parquet, or lines (a review in each line).",
            rich_help_panel=_TABLES,
        ),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Their encoding, such as cp1252.", rich_help_panel=_TABLES)
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="What separates the values of a CSV table.", rich_help_panel=_TABLES)
    ] = None,
    no_header: Annotated[
        bool,
        typer.Option("--no-header", help="The first line of a CSV table is a row, too.", rich_help_panel=_TABLES),
    ] = False,
    skip_bad_lines: Annotated[
        bool,
        typer.Option("--skip-bad-lines", help="Leave out rows that cannot be classified.", rich_help_panel=_TABLES),
    ] = False,
    keep_bad_rows: Annotated[
        bool, typer.Option("--keep-bad-rows", help="Give such rows an empty answer.", rich_help_panel=_TABLES)
    ] = False,
    overwrite_columns: Annotated[
        bool,
        typer.Option(
            "--overwrite-columns",
            help="Replace columns that have the names of the added ones.",
            rich_help_panel=_TABLES,
        ),
    ] = False,
    engine: Annotated[
        Engine,
        typer.Option(
            help="ray: classify folders or patterns of Parquet files, also of s3:// and gs://, on a Ray cluster. Files "
            "that have an output in the folder --output are left out.",
            rich_help_panel=_MACHINES,
        ),
    ] = Engine.LOCAL,
    ray_address: Annotated[
        str | None,
        typer.Option(
            help="The cluster: auto for the one of this machine, or host:port. Without it, Ray runs on this machine.",
            envvar="RAY_ADDRESS",
            show_envvar=True,
            rich_help_panel=_MACHINES,
        ),
    ] = None,
) -> None:
    """Classify reviews as positive or negative, with the probability of being positive."""
    from imdb_sentiment.prediction.answers import Thresholds

    thresholds = Thresholds.choose(threshold, uncertain)
    with standard_output() as print_line:
        if engine is Engine.RAY:
            others = {
                "--json": as_json,
                "--format": kind,
                "--encoding": encoding,
                "--delimiter": delimiter,
                "--no-header": no_header,
            }
            if refused := next((name for name, value in others.items() if value), None):
                raise InputError(f"--engine ray: found {refused}; expected none, as it reads and writes Parquet")
            from imdb_sentiment.app.predict_distributed import predict_with_ray
            from imdb_sentiment.distributed.file_classifier import Settings

            bad_rows = _choose_bad_rows(skip_bad_lines, keep_bad_rows)
            settings = Settings(thresholds, bad_rows, text_column, overwrite_columns)
            predict_with_ray(sources or [], output, model, settings, ray_address, print_line)
            return
        found = find_source(sources or [], is_table=kind is not None)
        if isinstance(found, Review):
            given = (
                output,
                text_column,
                encoding,
                delimiter,
                no_header,
                skip_bad_lines,
                keep_bad_rows,
                overwrite_columns,
            )
            if any(given):
                raise InputError(f"{found.name}: found options for tables; expected a table, or --format")
            _, answer = classify_review(model, found, thresholds)
            print_line(json.dumps(answer._asdict()) if as_json else answer.describe())
            return

        from imdb_sentiment.prediction.classified_rows import ClassifiedRows, check_added_columns, print_rows
        from imdb_sentiment.prediction.predictor import SentimentModel
        from imdb_sentiment.tables.formats import TableOptions

        bad_rows = _choose_bad_rows(skip_bad_lines, keep_bad_rows)
        options = TableOptions(kind, encoding, delimiter, not no_header, text_column)
        with open_tables(found, options) as tables:
            outputs = [] if output is None else _find_outputs(found, tables, Path(output))
            rows = ClassifiedRows(SentimentModel.load(model), thresholds, bad_rows, text_column)
            for table in tables:
                if output is not None:
                    check_added_columns(table, overwrite_columns)
                _say_guessed_encoding(table, encoding)
            if output is None:
                print_rows(rows, tables, as_json, print_line)
            else:
                _write_tables(rows, tables, outputs)
                print_line(f"{printable(str(Path(output)))}: {counted(rows.tally.count, 'reviews')}")
        for line in rows.tally.summary(bad_rows):
            print(printable(line), file=sys.stderr)


def classify_review(folder: Path, review: Review, thresholds: "Thresholds") -> tuple["SentimentModel", "Answer"]:
    """Return the model in `folder`, and its answer for `review`."""
    from imdb_sentiment.prediction.predictor import SentimentModel

    model = SentimentModel.load(folder)
    prediction, is_known = model.predict_with_known([review.text])
    return model, thresholds.answer(float(prediction.probabilities[0]), bool(is_known[0]))


def _choose_bad_rows(skip: bool, keep: bool) -> "BadRows":
    from imdb_sentiment.prediction.classified_rows import BadRows

    if skip and keep:
        raise InputError("--skip-bad-lines: found --keep-bad-rows too; expected one of them")
    return BadRows.SKIP if skip else BadRows.KEEP if keep else BadRows.REFUSE


def _say_guessed_encoding(table: "Table", named: str | None) -> None:
    from imdb_sentiment.tables.encodings import FALLBACK

    if named is None and table.encoding == FALLBACK:
        message = f"{table.name}: found no UTF-8; read as {FALLBACK} (--encoding names another encoding)"
        print(printable(message), file=sys.stderr)


def _find_outputs(sources: Sequence[Path], tables: Sequence["Table"], output: Path) -> list[tuple[Path, str]]:
    """Return the path and the format of the output of each table. Raises InputError."""
    from imdb_sentiment.tables.writers import find_output_format, output_name

    if len(tables) == 1:
        outputs = [(output, find_output_format("--output", output))]
    else:
        if output.exists() and not output.is_dir():
            raise InputError(f"--output {output}: found a file; expected a folder, as there are {len(tables)} tables")
        outputs = [(output / output_name(table), table.format) for table in tables]
        paths = [path for path, _ in outputs]
        if twice := next((path for path in paths if paths.count(path) > 1), None):
            raise InputError(f"--output {output}: found two tables for {twice.name}; expected different names")
    for path, _ in outputs:
        for source in sources or [STANDARD_INPUT]:
            check_output_is_not_input("--output", path, source)
    return outputs


def _write_tables(rows: "ClassifiedRows", tables: Sequence["Table"], outputs: Sequence[tuple[Path, str]]) -> None:
    from imdb_sentiment.prediction.classified_rows import write_rows

    for table, (path, kind) in zip(tables, outputs, strict=True):
        write_rows(rows, table, path, kind)
