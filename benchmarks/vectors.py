"""Claim: word vectors by co-occurrence are learned ten times as fast as by skip-gram.

    python -m benchmarks.vectors

From the token ids of 10,000 unlabelled reviews, or as many as `--reviews` says, to a vector for each token:

- ours: counting pairs and factorizing their mutual information, as the stage embed does. Factorizing takes as long for
  few reviews as for many: with more of them, skip-gram is left further behind.
- gensim: skip-gram with the settings of the stage, on one thread; gensim_all_cores: on all of them.
"""

import os
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Setting, function, speed_app, timed
from benchmarks.reviews import read_split
from imdb_sentiment.artifacts.vocabulary import UNKNOWN_ID
from imdb_sentiment.text.encoder import TextEncoder


def ours(data: str, reviews: int, dim: int, window: int, seed: int) -> dict[str, Any]:
    """Learn vectors as the stage embed does."""
    from imdb_sentiment.vectors.cooccurrence import learn_cooccurrence

    encoder, ids = _read(data, reviews)
    return timed(lambda: learn_cooccurrence(ids, encoder.size, dim, window=window, seed=seed), sum(map(len, ids)))


def gensim(data: str, reviews: int, dim: int, window: int, seed: int, workers: int = 1) -> dict[str, Any]:
    """Learn vectors by gensim's skip-gram."""
    from gensim.models import Word2Vec

    from imdb_sentiment.vectors.skip_gram import EPOCHS, NEGATIVE_SAMPLES

    _, encoded = _read(data, reviews)
    sizes = {"vector_size": dim, "window": window, "min_count": 1, "negative": NEGATIVE_SAMPLES, "epochs": EPOCHS}

    def work() -> Any:
        texts = [[str(token) for token in ids if token > UNKNOWN_ID] for ids in encoded]
        return Word2Vec(texts, sg=1, workers=workers, seed=seed, **sizes)

    return timed(work, sum(map(len, encoded)))


def _read(data: str, reviews: int) -> tuple[TextEncoder, list[Any]]:
    encoder = TextEncoder.load(Path(data) / "vocabulary.json")
    return encoder, encoder.token_ids_of_all(read_split(data, "unsupervised", reviews)[0])


def contenders(setting: Setting) -> dict[str, list[Contender]]:
    """Return ways to learn vectors of the size of the params."""
    params = setting.params
    sizes = {"dim": params.model.embedding_dim, "window": params.embed.window, "seed": params.embed.seed}
    task: dict[str, Any] = {"data": setting.data, "reviews": setting.reviews or 10_000, **sizes}
    return {
        "vectors: from token ids to word vectors": [
            function(ours, **task),
            function(gensim, needs="gensim", **task),
            function(gensim, "gensim_all_cores", "gensim", **task, workers=os.cpu_count() or 1),
        ]
    }


app = speed_app("vectors", "tokens", contenders)

if __name__ == "__main__":
    app()
