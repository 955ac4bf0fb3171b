"""Learn which words and phrases the positive and the negative reviews have."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def polarity(
    reviews: Annotated[Path, typer.Argument(help="The Parquet table of reviews.")],
    sequences: Annotated[Path, typer.Argument(help="The npz file of token ids.")],
    vocabulary: Annotated[Path, typer.Argument(help="The JSON file of the vocabulary.")],
    table: Annotated[Path, typer.Argument(help="The npz file to write: the polarity of each n-gram.")],
    channels: Annotated[Path, typer.Argument(help="The npz file to write: the polarity at each token of SEQUENCES.")],
    params: Annotated[Path, typer.Option(help="The file whose section `polarity` is used.")] = Path("params.yaml"),
) -> None:
    """Count n-grams in the train part and the unlabelled reviews, and write their polarity to TABLE and CHANNELS."""
    from imdb_sentiment.ngrams.channels import write_polarity
    from imdb_sentiment.runtime.params import load_params

    settings = load_params(params)
    write_polarity(
        reviews,
        sequences,
        vocabulary,
        params=settings.polarity,
        table=table,
        channels=channels,
        progress=console_progress,
    )


app = command_app(polarity)

if __name__ == "__main__":
    app()
