"""From token ids of unlabelled reviews to a vector for each token, by the sizes of the params."""

import os
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.contenders.texts import read_split
from benchmarks.setting import UNLABELLED, Contend, Lap, Setting, timed
from imdb_sentiment.runtime.params import Params, load_params
from imdb_sentiment.text.encoder import UNKNOWN_ID, TextEncoder


class _Task(NamedTuple):
    encoded: list[NDArray[np.int32]]
    vocabulary_size: int
    params: Params

    @property
    def tokens(self) -> int:
        return sum(len(ids) for ids in self.encoded)


def _load(setting: Setting) -> _Task:
    encoder = TextEncoder.load(setting.data / "vocabulary.json")
    most = min(UNLABELLED, setting.reviews or UNLABELLED)
    texts = read_split(setting.data / "reviews.parquet", "unsupervised", most).texts
    return _Task(encoder.token_ids_of_all(texts), encoder.vocabulary_size, load_params(setting.params))


def ours(setting: Setting) -> Lap:
    """Count pairs and decompose their mutual information, as the stage embed does.

    The decomposition takes as long for few reviews as for many: of all 75,000, skip-gram is left further behind.
    """
    from imdb_sentiment.vectors.cooccurrence import (
        count_cooccurrences,
        factorize,
        positive_pointwise_mutual_information,
        scale,
    )

    task = _load(setting)
    dim, its = task.params.model.embedding_dim, task.params.embed

    def work() -> Any:
        counts = count_cooccurrences(task.encoded, task.vocabulary_size, its.window)
        return scale(factorize(positive_pointwise_mutual_information(counts), dim, its.seed))

    return timed(work, task.tokens)


def gensim(setting: Setting, *, workers: int) -> Lap:
    """Skip-gram as `imdb_sentiment.vectors.skip_gram` has gensim learn it, on so many threads. On several, no two are alike."""
    from gensim.models import Word2Vec

    from imdb_sentiment.vectors.skip_gram import EPOCHS, NEGATIVE_SAMPLES

    task = _load(setting)

    def work() -> Any:
        return Word2Vec(
            [[str(token) for token in ids if token > UNKNOWN_ID] for ids in task.encoded],
            vector_size=task.params.model.embedding_dim,
            window=task.params.embed.window,
            min_count=1,
            sg=1,
            negative=NEGATIVE_SAMPLES,
            epochs=EPOCHS,
            workers=workers,
            seed=task.params.embed.seed,
        )

    return timed(work, task.tokens)


CONTENDERS: Final[dict[str, Contend]] = {
    "ours": ours,
    "gensim": partial(gensim, workers=1),
    "gensim_all_cores": partial(gensim, workers=os.cpu_count() or 1),
}
