"""The command `imdb-sentiment predict`."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from imdb_sentiment.app.output import standard_output
from imdb_sentiment.app.source import DEFAULT_MODEL, Model, Review, Source, check_output_is_not_input, read_source
from imdb_sentiment.artifacts.labels import LABEL_NAMES, describe, label_name
from imdb_sentiment.runtime.console import console_progress, printable
from imdb_sentiment.runtime.errors import InputError

if TYPE_CHECKING:
    from imdb_sentiment.prediction.predictor import SentimentModel
    from imdb_sentiment.prediction.table import Block, Table

_PREVIEW: Final = 60  # characters of a text beside its label
_NO_KNOWN_WORD: Final = "no word that the model knows"


def predict(
    source: Source = None,
    *,
    model: Model = DEFAULT_MODEL,
    output: Annotated[
        Path | None,
        typer.Option(help="Write a table of the same format, with the columns predicted_label and probability added."),
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(help="The table's column of reviews, where it has no usual name.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="The encoding of a CSV or JSON Lines table, such as cp1252; by default UTF-8.")
    ] = None,
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Leave out and count rows that cannot be classified.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each review.")] = False,
) -> None:
    """Classify reviews as positive or negative, with the probability of being positive."""
    with standard_output() as print_line:
        opened = read_source(source)
        if isinstance(opened, Review):
            if output is not None or text_column is not None or encoding is not None or skip_bad_lines:
                options = "--output, --text-column, --encoding, --skip-bad-lines"
                raise InputError(f"{options}: found {opened.name}; expected a table")
            _, probability = classify_review(model, opened)
            print_line(json.dumps(as_object(probability)) if as_json else describe(probability))
            return

        from imdb_sentiment.prediction.predictor import SentimentModel
        from imdb_sentiment.prediction.table import BadRows
        from imdb_sentiment.prediction.tables import open_table

        bad = BadRows(skip_bad_lines)
        table = open_table(opened, text_column, bad, encoding)
        if output is not None:
            _check_output(opened, output)
        rows = _ClassifiedRows(SentimentModel.load(model), table)
        if output is None:
            _print_rows(rows, as_json, print_line)
        else:
            _write_rows(rows, output)
            print_line(f"{printable(str(output))}: {rows.count:,} reviews")
    if bad.count:
        print(f"bad rows left out: {bad.count:,}", file=sys.stderr)
    if rows.unknown_count:
        print(f"reviews with {_NO_KNOWN_WORD}: {rows.unknown_count:,}; their labels mean nothing", file=sys.stderr)


def classify_review(folder: Path, review: Review) -> tuple["SentimentModel", float]:
    """Return the model in `folder`, and its probability that `review` is positive.

    Raises InputError if the model knows no word of it.
    """
    from imdb_sentiment.prediction.predictor import SentimentModel

    model = SentimentModel.load(folder)
    prediction, is_known = model.predict_with_known([review.text])
    if not is_known[0]:
        expected = "a review in the language of the reviews that it was trained on"
        raise InputError(f"{review.name}: found {_NO_KNOWN_WORD}; expected {expected}")
    return model, float(prediction.probabilities[0])


def as_object(probability: float) -> dict[str, Any]:
    """Return what `--json` prints for a review: `as_object(0.25) -> {"label": "negative", "probability": 0.25}`."""
    return {"label": label_name(probability), "probability": round(probability, 6)}


def _check_output(source: Path, output: Path) -> None:
    if output.suffix.lower() != source.suffix.lower():
        found = output.suffix or "no"
        raise InputError(f"--output {output}: found {found} format; expected {source.suffix}, as the table has")
    check_output_is_not_input("--output", output, source)


@dataclass
class _ClassifiedRows:
    """The rows of a table with their labels and probabilities, counted as they are read."""

    model: "SentimentModel"
    table: "Table"
    count: int = 0
    unknown_count: int = 0

    def blocks(self) -> Iterator[tuple["Block", list[tuple[str, float]]]]:
        with console_progress("Predicting", self.table.size, self.table.unit) as task:
            for block in self.table.blocks():
                (labels, probabilities), is_known = self.model.predict_with_known(block.texts)
                self.count += len(block.texts)
                self.unknown_count += int((~is_known).sum())
                names = [LABEL_NAMES[label] for label in labels]
                yield block, list(zip(names, probabilities.round(6).tolist(), strict=True))
                task.advance(block.size)


def _write_rows(rows: _ClassifiedRows, output: Path) -> None:
    from imdb_sentiment.runtime.files import written_beside

    with written_beside(output) as partial, rows.table.writer(partial) as write:
        for block, values in rows.blocks():
            write(block, values)


def _print_rows(rows: _ClassifiedRows, as_json: bool, print_line: Callable[[str], None]) -> None:
    for block, values in rows.blocks():
        for text, (label, probability) in zip(block.texts, values, strict=True):
            if as_json:
                print_line(json.dumps({"label": label, "probability": probability}))
            else:
                print_line(f"{label}  {probability:.3f}  {_preview(text)}")


def _preview(text: str) -> str:
    shown = printable(" ".join(text[: 2 * _PREVIEW].split()))
    return shown if len(shown) <= _PREVIEW else f"{shown[: _PREVIEW - 1]}…"
