"""Turn the reviews' texts into padded arrays of token ids."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def preprocess(
    reviews: Annotated[Path, typer.Argument(help="The Parquet table of reviews.")],
    sequences: Annotated[Path, typer.Argument(help="The npz file of token ids to write.")],
    vocabulary: Annotated[Path, typer.Argument(help="The JSON file of the vocabulary to write.")],
    params: Annotated[Path, typer.Option(help="The file whose section `preprocess` is used.")] = Path("params.yaml"),
) -> None:
    """Split REVIEWS into train, validation and test, learn the VOCABULARY, and write the token ids to SEQUENCES."""
    from imdb_sentiment.dataset.preprocess import preprocess_reviews
    from imdb_sentiment.runtime.params import load_params

    preprocess_reviews(reviews, load_params(params).preprocess, sequences, vocabulary, progress=console_progress)


app = command_app(preprocess)

if __name__ == "__main__":
    app()
