"""Learn word vectors from the training reviews, labelled and unlabelled."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def embed(
    reviews: Annotated[Path, typer.Argument(help="The Parquet table of reviews.")],
    sequences: Annotated[Path, typer.Argument(help="The npz file of token ids, which says what the train part is.")],
    vocabulary: Annotated[Path, typer.Argument(help="The JSON file of the vocabulary.")],
    embeddings: Annotated[Path, typer.Argument(help="The npz file of word vectors to write.")],
    params: Annotated[
        Path, typer.Option(help="The file whose section `embed` and key `model.embedding_dim` are used.")
    ] = Path("params.yaml"),
) -> None:
    """Learn a vector for each token of VOCABULARY from the company it keeps in REVIEWS, and write EMBEDDINGS."""
    from imdb_sentiment.runtime.params import load_params
    from imdb_sentiment.vectors.cooccurrence import write_embeddings

    settings = load_params(params)
    write_embeddings(
        reviews,
        sequences,
        vocabulary,
        embeddings,
        dim=settings.model.embedding_dim,
        params=settings.embed,
        progress=console_progress,
    )


app = command_app(embed)

if __name__ == "__main__":
    app()
