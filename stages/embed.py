"""Learn word vectors from the training reviews, labelled and unlabelled."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def embed(
    *,
    params: Annotated[Path, typer.Option(help="Params: `embed` and `model.embedding_dim` are used.")] = Path(
        "params.yaml"
    ),
    reviews: Annotated[Path, typer.Option(help="In: the Parquet table of reviews.")] = Path("data/reviews.parquet"),
    sequences: Annotated[Path, typer.Option(help="In: the npz file of token ids.")] = Path("data/sequences.npz"),
    vocabulary: Annotated[Path, typer.Option(help="In: the JSON vocabulary.")] = Path("data/vocabulary.json"),
    embeddings: Annotated[Path, typer.Option(help="Out: the npz file of word vectors.")] = Path("data/embeddings.npz"),
) -> None:
    """Learn a vector for each token of the vocabulary from the words that stand near it in the training reviews."""
    from imdb_sentiment.artifacts.vectors import save_embeddings
    from imdb_sentiment.runtime.params import load_params
    from imdb_sentiment.vectors.embed import learn_vectors

    settings = load_params(params)
    vectors = learn_vectors(
        reviews,
        sequences,
        vocabulary,
        dim=settings.model.embedding_dim,
        params=settings.embed,
        progress=console_progress,
    )
    save_embeddings(vectors, embeddings)


app = command_app(embed)

if __name__ == "__main__":
    app()
