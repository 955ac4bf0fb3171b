"""Turn the reviews' texts into padded arrays of token ids."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def preprocess(
    *,
    params: Annotated[Path, typer.Option(help="Params: the section `preprocess` is used.")] = Path("params.yaml"),
    reviews: Annotated[Path, typer.Option(help="In: the Parquet table of reviews.")] = Path("data/reviews.parquet"),
    sequences: Annotated[Path, typer.Option(help="Out: the npz file of token ids.")] = Path("data/sequences.npz"),
    vocabulary: Annotated[Path, typer.Option(help="Out: the JSON vocabulary.")] = Path("data/vocabulary.json"),
) -> None:
    """Split the reviews into train, validation and test, learn the vocabulary, and write padded token ids."""
    from imdb_sentiment.artifacts.sequences import save_sequences
    from imdb_sentiment.dataset.preprocess import preprocess_text_data
    from imdb_sentiment.runtime.files import written_together
    from imdb_sentiment.runtime.params import load_params

    with written_together(sequences, vocabulary) as (partial_sequences, partial_vocabulary):
        parts, encoder = preprocess_text_data(reviews, load_params(params).preprocess, console_progress)
        save_sequences(parts, partial_sequences)
        encoder.save(partial_vocabulary)


app = command_app(preprocess)

if __name__ == "__main__":
    app()
