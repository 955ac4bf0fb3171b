"""Measure what the trained model cares about in a text, and what not."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app, import_keras_quietly
from imdb_sentiment.runtime.console import console_progress


def behaviour(
    model: Annotated[Path, typer.Argument(help="The folder of the trained model.")],
    vocabulary: Annotated[Path, typer.Argument(help="The JSON file of the vocabulary.")],
    table: Annotated[Path, typer.Argument(help="The npz file of n-gram polarity.")],
    reviews: Annotated[Path, typer.Argument(help="The Parquet table of reviews.")],
    rates: Annotated[Path, typer.Argument(help="The JSON file of rates to write.")],
) -> None:
    """Change names, words and letters in texts, let MODEL classify them, and write how often that matters to RATES."""
    import_keras_quietly()

    from imdb_sentiment.evaluation.behaviour import measure_behaviour, sample_reviews
    from imdb_sentiment.network.predict import TextClassifier
    from imdb_sentiment.runtime.files import write_json

    classifier = TextClassifier.load(model, vocabulary, table)
    with console_progress("Changing texts", None, ""):
        measured = measure_behaviour(classifier.predict, sample_reviews(reviews))
    write_json(measured, rates)


app = command_app(behaviour)

if __name__ == "__main__":
    app()
