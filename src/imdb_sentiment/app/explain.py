"""The command `imdb-sentiment explain`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imdb_sentiment.app.output import output_errors, prints_unicode, standard_output
from imdb_sentiment.app.predict import classify_review
from imdb_sentiment.app.source import DEFAULT_MODEL, Model, Source, check_output_is_not_input, read_review
from imdb_sentiment.runtime.console import printable
from imdb_sentiment.runtime.errors import InputError

if TYPE_CHECKING:
    from imdb_sentiment.prediction.explanation import Explanation


def explain(
    source: Source = None,
    *,
    model: Model = DEFAULT_MODEL,
    page: Annotated[Path | None, typer.Option("--html", help="Write the explanation as a web page.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: each word with what it adds to the log-odds.")
    ] = False,
) -> None:
    """Show how much each word of a review counts: blue words for a positive review, orange ones for a negative one."""
    with standard_output() as print_line:
        review = read_review(source)
        if page is not None:
            check_output_is_not_input("--html", page, review.path)

        from imdb_sentiment.prediction.answers import UNKNOWN, Thresholds

        loaded, answer = classify_review(model, review, Thresholds())
        if answer.label == UNKNOWN:
            expected = "a review in the language of the reviews that it was trained on"
            raise InputError(f"{review.name}: found no word that the model knows; expected {expected}")

        from imdb_sentiment.prediction.explanation import explain as explain_text
        from imdb_sentiment.prediction.explanation_page import render_page
        from imdb_sentiment.runtime.files import written_beside

        explanation = explain_text(loaded, review.text)
        if page is not None:
            with written_beside(page) as partial:
                partial.write_text(render_page(explanation), encoding="utf-8")
        if as_json:
            words = [
                {"word": explanation.text[word.start : word.end], "contribution": word.contribution}
                for word in explanation.words
            ]
            content = {**answer._asdict(), "words": words}
            print_line(json.dumps(content, ensure_ascii=not prints_unicode()))
        else:
            _print_explanation(explanation, answer.describe())
            if page is not None:
                print_line(f"page: {printable(str(page))}")


def _print_explanation(explanation: "Explanation", answer: str) -> None:
    """Print the review with coloured words, the prediction, and the strongest words."""
    from rich.console import Console
    from rich.markup import escape

    from imdb_sentiment.prediction.explanation_page import STRONGEST, render_text

    console = Console(highlight=False)
    with output_errors():
        console.print(render_text(explanation))
        console.print(f"\n[bold]{answer}[/bold]")
        for word, contribution in explanation.strongest(STRONGEST):
            console.print(f"{contribution:+7.2f}  {escape(printable(word))}")
