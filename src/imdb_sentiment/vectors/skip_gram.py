"""Word vectors by skip-gram (Mikolov et al. 2013), as gensim learns them: better than counts, and minutes slower."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.runtime.progress import Progress, no_progress
from imdb_sentiment.text.encoder import UNKNOWN_ID

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
    """Return a vector for each token, `float32 [V, dim]`, zeros for one that never stands beside another.

    `encoded` are the token ids of each review, whose order shows. On one thread: on several, each run gives others.
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
