"""Word vectors by skip-gram (Mikolov et al. 2013), as gensim learns them: more accurate than counts, minutes slower."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.vocabulary import UNKNOWN_ID
from imdb_sentiment.runtime.progress import Progress, no_progress

EPOCHS: Final = 4
NEGATIVE_SAMPLES: Final = 5


def learn_skip_gram(
    encoded: Sequence[NDArray[np.int32]],
    vocabulary_size: int,
    dim: int,
    *,
    window: int,
    seed: int,
    progress: Progress = no_progress,
) -> NDArray[np.float32]:
    """Return a vector for each token, `float32 [V, E]`; zeros for a token that never stands beside another.

    `encoded` are the token ids of each review; their order has an effect. One thread, since several give different
    vectors in each run.
    """
    from gensim.models import Word2Vec
    from gensim.models.callbacks import CallbackAny2Vec

    class Advance(CallbackAny2Vec):
        def on_epoch_end(self, _: Word2Vec) -> None:
            task.advance()

    vectors = np.zeros((vocabulary_size, dim), np.float32)
    texts = [[str(token) for token in ids if token > UNKNOWN_ID] for ids in encoded]
    if not any(len(text) > 1 for text in texts):
        return vectors
    with progress("Learning word vectors", EPOCHS, "epochs") as task:
        model = Word2Vec(
            texts,
            vector_size=dim,
            window=window,
            min_count=1,
            sg=1,
            negative=NEGATIVE_SAMPLES,
            epochs=EPOCHS,
            workers=1,
            seed=seed,
            callbacks=[Advance()],
        )
    vectors[[int(word) for word in model.wv.index_to_key]] = model.wv.vectors
    return vectors
