"""Measure the exported model on edited reviews, single sentences and changed texts."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def behaviour(
    *,
    model: Annotated[Path, typer.Option(help="In: the folder of the exported model.")] = Path("data/model"),
    reviews: Annotated[Path, typer.Option(help="In: the Parquet table of reviews.")] = Path("data/reviews.parquet"),
    predictions: Annotated[Path, typer.Option(help="In: the CSV table of predictions, for the test reviews.")] = Path(
        "data/predictions.csv"
    ),
    behaviour: Annotated[Path, typer.Option(help="Out: the JSON file of rates.")] = Path("metrics/behaviour.json"),
    behaviour_details: Annotated[Path, typer.Option(help="Out: the shares by kind of text, with intervals.")] = Path(
        "metrics/behaviour_details.json"
    ),
) -> None:
    """Measure whether the model is right about edited reviews and sentences, and what changes of a text do."""
    from imdb_sentiment.artifacts.predictions import read_predictions
    from imdb_sentiment.evaluation.behaviour import measure_behaviour, sample_reviews
    from imdb_sentiment.prediction.predictor import SentimentModel
    from imdb_sentiment.runtime.files import write_json, written_together

    with written_together(behaviour, behaviour_details) as partials:
        exported = SentimentModel.load(model)
        texts = sample_reviews(reviews, read_predictions(predictions).index)
        with console_progress("Changing texts", None, ""):
            measured = measure_behaviour(lambda texts: exported.predict(texts).probabilities, texts)
        for values, partial in zip(measured, partials, strict=True):
            write_json(values, partial)


app = command_app(behaviour)

if __name__ == "__main__":
    app()
