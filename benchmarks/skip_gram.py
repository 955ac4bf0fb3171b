"""Two ways to learn word vectors, on the same reviews: how long each takes.

python -m benchmarks.skip_gram runs/skip_gram.npz
python -m benchmarks.ablation --skip-gram runs/skip_gram.npz metrics/ablation.json
"""

import time
from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.params import load_params
from imdb_sentiment.vectors.cooccurrence import write_embeddings


def compare(
    embeddings: Annotated[Path, typer.Argument(help="The npz file of skip-gram vectors to write.")],
    data: Annotated[Path, typer.Option(help="Where the stages before embed left their outputs.")] = Path("data"),
) -> None:
    """Learn vectors by counts and their SVD, then by skip-gram, print the seconds of each, and keep the latter."""
    params = load_params(Path("params.yaml"))
    reviews, sequences, vocabulary = (data / name for name in ("reviews.parquet", "sequences.npz", "vocabulary.json"))
    for method in ("cooccurrence", "skip_gram"):
        start = time.perf_counter()
        embed = params.embed.model_copy(update={"method": method})
        write_embeddings(reviews, sequences, vocabulary, embeddings, dim=params.model.embedding_dim, params=embed)
        typer.echo(f"{method:12s} {time.perf_counter() - start:6.1f} s")


app = command_app(compare)

if __name__ == "__main__":
    app()
