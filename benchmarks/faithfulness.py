"""Whether the words that `imdb-sentiment explain` names are those that the model went by.

python -m benchmarks.faithfulness metrics/faithfulness.json

Reads what `dvc repro` left in `data/`; the reviews are those of the stage behaviour.
"""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.evaluation.behaviour import sample_reviews
from imdb_sentiment.prediction.explanation import measure_faithfulness
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress
from imdb_sentiment.runtime.files import write_json


def measure(
    report: Annotated[Path, typer.Argument(help="The JSON file of results to write.")],
    data: Annotated[Path, typer.Option(help="Where `dvc repro` left its outputs.")] = Path("data"),
) -> None:
    """Take the top words out of test reviews, and as many random ones, and write what that does to REPORT."""
    model = SentimentModel.load(data / "model")
    found = measure_faithfulness(model, sample_reviews(data / "reviews.parquet"), progress=console_progress)
    write_json(found, report)
    for name, value in found.items():
        typer.echo(f"{name:22s} {value:.3f}")


app = command_app(measure)

if __name__ == "__main__":
    app()
