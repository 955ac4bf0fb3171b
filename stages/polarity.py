"""Learn how positive the training reviews are that contain a word or phrase."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def polarity(
    *,
    params: Annotated[Path, typer.Option(help="Params: the section `polarity` is used.")] = Path("params.yaml"),
    reviews: Annotated[Path, typer.Option(help="In: the Parquet table of reviews.")] = Path("data/reviews.parquet"),
    sequences: Annotated[Path, typer.Option(help="In: the npz file of token ids.")] = Path("data/sequences.npz"),
    vocabulary: Annotated[Path, typer.Option(help="In: the JSON vocabulary.")] = Path("data/vocabulary.json"),
    polarity: Annotated[Path, typer.Option(help="Out: the npz file of each n-gram's polarity.")] = Path(
        "data/polarity.npz"
    ),
    channels: Annotated[Path, typer.Option(help="Out: the npz file of the polarity at each token.")] = Path(
        "data/channels.npz"
    ),
) -> None:
    """Count n-grams in the train part and the unlabelled reviews, and write their polarity."""
    from imdb_sentiment.artifacts.channels import save_channels
    from imdb_sentiment.ngrams.channels import learn_channels
    from imdb_sentiment.runtime.files import written_together
    from imdb_sentiment.runtime.params import load_params

    with written_together(polarity, channels) as (partial_polarity, partial_channels):
        settings = load_params(params).polarity
        table, learned = learn_channels(reviews, sequences, vocabulary, settings, console_progress)
        table.save(partial_polarity)
        save_channels(learned, partial_channels)


app = command_app(polarity)

if __name__ == "__main__":
    app()
