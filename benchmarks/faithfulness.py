"""Claim: `imdb-sentiment explain` names the words that the model used: without them, its probability falls.

    python -m benchmarks.faithfulness

The top words are taken out of the reviews of the stage behaviour, and as many random ones.
"""

from pathlib import Path

import typer

from benchmarks.harness import Data, Output, ParamsFile, write_results
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress
from imdb_sentiment.runtime.params import load_params


def faithfulness(
    *,
    output: Output = Path("metrics/faithfulness.json"),
    data: Data = Path("data"),
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Take words out of test reviews, and write by how much the probability of the predicted class falls."""
    from imdb_sentiment.artifacts.predictions import read_predictions
    from imdb_sentiment.evaluation.behaviour import sample_reviews
    from imdb_sentiment.prediction.explanation import measure_faithfulness
    from imdb_sentiment.prediction.predictor import SentimentModel

    reviews = sample_reviews(data / "reviews.parquet", read_predictions(data / "predictions.csv").index)
    found = measure_faithfulness(SentimentModel.load(data / "model"), reviews, progress=console_progress)
    write_results(output, found, load_params(params))
    for name, value in found.items():
        typer.echo(f"{name:22s} {value:.3f}")


app = command_app(faithfulness)

if __name__ == "__main__":
    app()
