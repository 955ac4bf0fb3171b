"""The command `imdb-sentiment`: predict and explain; tune stands in a file of its own."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from imdb_sentiment.app.tune import tune
from imdb_sentiment.artifacts.labels import LABEL_NAMES, describe, label_name
from imdb_sentiment.runtime.command import ends_in_one_line
from imdb_sentiment.runtime.console import console_progress
from imdb_sentiment.runtime.errors import InputError

if TYPE_CHECKING:
    from imdb_sentiment.prediction.predictor import SentimentModel
    from imdb_sentiment.prediction.tables import BadRows, Block, Table

_TABLES: Final = (".csv", ".jsonl", ".parquet")  # tables.FORMATS, without importing it for a single text
_PREVIEW: Final = 60  # characters of a text beside its label

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Tell positive film reviews from negative ones, with an exported model; search for better params.",
)

Input = Annotated[
    str | None,
    typer.Argument(
        help="A review, a .txt file with one, or a table: .csv, .jsonl or .parquet. Without it, or as -, a review is "
        "read from standard input."
    ),
]
Model = Annotated[
    Path,
    typer.Option(help="The folder of the exported model.", envvar="IMDB_SENTIMENT_MODEL", show_envvar=True),
]
DEFAULT_MODEL: Final = Path("data/model")


@app.command()
@ends_in_one_line
def predict(
    source: Input = None,
    model: Model = DEFAULT_MODEL,
    output: Annotated[
        Path | None, typer.Option(help="A table to write, of the format of the one given, with two columns more.")
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(help="The table's column of reviews, if it has no usual name.")
    ] = None,
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Leave rows out that are no reviews, and count them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, an object a review.")] = False,
) -> None:
    """Say whether reviews are positive, and with what probability."""
    table_path = _table_path(source)
    if table_path is None:
        if output is not None or text_column is not None or skip_bad_lines:
            raise InputError(f"--output, --text-column, --skip-bad-lines: found {_named(source)}; expected a table")
        text = _review(source)
        probability = _load(model, text).predict([text]).probabilities[0]
        _print_one(float(probability), as_json)
        return

    from imdb_sentiment.prediction.predictor import SentimentModel
    from imdb_sentiment.prediction.tables import BadRows, open_table

    bad = BadRows(skip_bad_lines)
    table = open_table(table_path, text_column, bad)
    if output is not None:
        _check_output(table_path, output)
    classifier = SentimentModel.load(model)
    if output is None:
        _print_table(classifier, table, as_json)
    else:
        count = _write_table(classifier, table, output)
        typer.echo(f"{output}: {count:,} reviews")
    _report_skipped(bad)


@app.command()
@ends_in_one_line
def explain(
    source: Input = None,
    model: Model = DEFAULT_MODEL,
    page: Annotated[Path | None, typer.Option("--html", help="A page to write, for a browser.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: each word with what it adds.")] = False,
) -> None:
    """Show how much each word of a review counted: blue for a positive one, orange for a negative one."""
    if _table_path(source) is not None:
        raise InputError(f"{source}: found a table; expected one review")
    text = _review(source)

    from imdb_sentiment.prediction.explanation import explain as explain_text
    from imdb_sentiment.prediction.explanation_page import STRONGEST, render_page, render_text
    from imdb_sentiment.runtime.files import written_beside

    explanation = explain_text(_load(model, text), text)
    if page is not None:
        with written_beside(page) as partial:
            partial.write_text(render_page(explanation), encoding="utf-8")
    if as_json:
        words = [
            {"word": explanation.text[its.start : its.end], "contribution": its.contribution}
            for its in explanation.words
        ]
        typer.echo(json.dumps({**_as_object(explanation.probability), "words": words}, ensure_ascii=False))
        return

    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    console.print(render_text(explanation))
    console.print(f"\n[bold]{describe(explanation.probability)}[/bold]")
    for word, contribution in explanation.strongest(STRONGEST):
        console.print(f"{contribution:+7.2f}  {escape(word)}")
    if page is not None:
        console.print(f"page: {escape(str(page))}")


app.command()(tune)


def _table_path(source: str | None) -> Path | None:
    """Return the path of a table, or None for a text: a sentence that ends in ".csv" has spaces, or is no file."""
    if source is None or Path(source).suffix.lower() not in _TABLES:
        return None
    return None if " " in source and not _is_file(source) else Path(source)


def _review(source: str | None) -> str:
    """Return the one text that is meant. Raises InputError if it is none."""
    from imdb_sentiment.prediction.texts import problem_of, read_text

    if source is None or source == "-":
        text = read_text(None)
    elif _is_file(source) or (source.lower().endswith(".txt") and " " not in source):
        if not source.lower().endswith(".txt"):
            raise InputError(f"{source}: found a file; expected one of .txt, {', '.join(_TABLES)}")
        text = read_text(Path(source))
    else:
        text = source
    if problem := problem_of(text):
        raise InputError(f"{_named(source)}: found {problem}; expected a review")
    return text


def _load(folder: Path, text: str) -> "SentimentModel":
    """Return the model in `folder`. Raises InputError if it knows no word of `text`."""
    from imdb_sentiment.artifacts.vocabulary import UNKNOWN_ID
    from imdb_sentiment.prediction.predictor import SentimentModel
    from imdb_sentiment.text.cleaning import clean_text

    model = SentimentModel.load(folder)
    if all(token_id == UNKNOWN_ID for token_id in model.encoder.token_ids(clean_text(text))):
        raise InputError("the review: found no word that the model knows; expected English")
    return model


def _named(source: str | None) -> str:
    if source is None or source == "-":
        return "standard input"
    return source if _is_file(source) else "the review"


def _is_file(source: str) -> bool:
    try:
        return Path(source).is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL in it: a text
        return False


def _check_output(source: Path, output: Path) -> None:
    if output.suffix.lower() != source.suffix.lower():
        raise InputError(f"--output {output}: found {output.suffix or 'no'} format; expected {source.suffix}, as given")
    if output.exists() and output.samefile(source):
        raise InputError(f"--output {output}: found the table that is read; expected another file")


def _classified(model: "SentimentModel", table: "Table") -> Iterator[tuple["Block", list[tuple[str, float]]]]:
    """Yield the blocks of `table`, each row with its label and its probability."""
    with console_progress("Predicting", table.size, table.unit) as task:
        for block in table.blocks():
            labels, probabilities = model.predict(block.texts)
            names = [LABEL_NAMES[label] for label in labels]
            yield block, list(zip(names, probabilities.round(6).tolist(), strict=True))
            task.advance(block.size)


def _write_table(model: "SentimentModel", table: "Table", output: Path) -> int:
    from imdb_sentiment.runtime.files import written_beside

    count = 0
    with written_beside(output) as partial, table.writer(partial) as write:
        for block, values in _classified(model, table):
            write(block, values)
            count += len(values)
    return count


def _print_table(model: "SentimentModel", table: "Table", as_json: bool) -> None:
    for block, values in _classified(model, table):
        for text, (label, probability) in zip(block.texts, values, strict=True):
            if as_json:
                typer.echo(json.dumps({"label": label, "probability": probability}))
            else:
                preview = " ".join(text[: 2 * _PREVIEW].split())
                shown = preview if len(preview) <= _PREVIEW else f"{preview[: _PREVIEW - 1]}…"
                typer.echo(f"{label}  {probability:.3f}  {shown}")


def _print_one(probability: float, as_json: bool) -> None:
    typer.echo(json.dumps(_as_object(probability)) if as_json else describe(probability))


def _as_object(probability: float) -> dict[str, Any]:
    return {"label": label_name(probability), "probability": round(probability, 6)}


def _report_skipped(bad: "BadRows") -> None:
    if bad.count:
        print(f"{bad.count:,} bad rows left out", file=sys.stderr)


if __name__ == "__main__":
    app()
