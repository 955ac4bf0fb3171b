"""The other way to learn word vectors: skip-gram by gensim, on the same reviews, and how long each way takes.

python -m pip install --constraint constraints.txt '.[benchmarks]'
python -m benchmarks.skip_gram runs/skip_gram.npz
python -m benchmarks.ablation --skip-gram runs/skip_gram.npz metrics/ablation.json
"""

import os
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from imdb_sentiment.cli import command_app
from imdb_sentiment.embeddings import DTYPE, SPREAD, encode_reviews, write_embeddings
from imdb_sentiment.encoding import UNKNOWN_ID, TextEncoder
from imdb_sentiment.params import load_params
from imdb_sentiment.storage import write_npz


def compare(
    embeddings: Annotated[Path, typer.Argument(help="The npz file of skip-gram vectors to write.")],
    data: Annotated[Path, typer.Option(help="Where the stages before embed left their outputs.")] = Path("data"),
    epochs: Annotated[int, typer.Option(help="Passes of skip-gram over the reviews.")] = 4,
) -> None:
    """Learn EMBEDDINGS by skip-gram and, beside them, those of the stage embed, and print the seconds of each."""
    from gensim.models import Word2Vec

    params = load_params(Path("params.yaml"))
    reviews, sequences, vocabulary = (data / name for name in ("reviews.parquet", "sequences.npz", "vocabulary.json"))
    start = time.perf_counter()
    write_embeddings(reviews, sequences, vocabulary, embeddings, dim=params.model.embedding_dim, params=params.embed)
    typer.echo(f"co-occurrence  {time.perf_counter() - start:6.1f} s")

    start = time.perf_counter()
    encoder = TextEncoder.load(vocabulary)
    texts = [[str(token) for token in ids if token > UNKNOWN_ID] for ids in encode_reviews(reviews, sequences, encoder)]
    model = Word2Vec(
        texts,
        vector_size=params.model.embedding_dim,
        window=params.embed.window,
        min_count=1,
        sg=1,
        negative=5,
        epochs=epochs,
        workers=os.cpu_count() or 1,
        seed=params.embed.seed,
    )
    vectors = np.zeros((encoder.vocabulary_size, params.model.embedding_dim), np.float32)
    vectors[[int(word) for word in model.wv.index_to_key]] = model.wv.vectors
    vectors *= SPREAD / vectors[UNKNOWN_ID + 1 :].std()
    write_npz({"embeddings": vectors.astype(DTYPE)}, embeddings)
    typer.echo(f"skip-gram      {time.perf_counter() - start:6.1f} s")


app = command_app(compare)

if __name__ == "__main__":
    app()
