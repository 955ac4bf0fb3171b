"""Claim: texts become padded token ids several times as fast as by a regular expression, Keras or scikit-learn.

    python -m benchmarks.preprocess

From texts in memory to a vocabulary of the train split and the ids of the train and test splits:

- ours: as the stage preprocess; a long review keeps its ends, punctuation counts.
- regex: the same tokens by a regular expression, a Counter and a dict, as a few lines of Python would have it.
- keras: TextVectorization, adapted and called on batches, as its guide has it.
- sklearn: CountVectorizer.
"""

from collections import Counter
from itertools import chain
from typing import Any

import numpy as np

from benchmarks.harness import Contender, Setting, function, speed_app, timed
from benchmarks.reviews import read_split
from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.artifacts.vocabulary import SPECIAL_TOKENS, UNKNOWN_ID
from imdb_sentiment.runtime.params import PreprocessParams
from imdb_sentiment.text.encoder import keep_ends
from imdb_sentiment.text.tokenization import tokenize


def ours(data: str, reviews: int | None, params: dict[str, Any]) -> dict[str, Any]:
    """Learn and encode as the stage preprocess does."""
    import pyarrow.compute  # noqa: F401  # imported at the first call otherwise

    from imdb_sentiment.dataset.preprocess import learn_and_encode

    train, test = _read(data, reviews)
    return timed(lambda: learn_and_encode(train, test, PreprocessParams(**params)), len(train + test))


def regex(data: str, reviews: int | None, params: dict[str, Any]) -> dict[str, Any]:
    """Find the same tokens one text at a time."""
    (train, test), settings = _read(data, reviews), PreprocessParams(**params)

    def work() -> Any:
        tokenized = [tokenize(text) for text in train + test]
        counts = Counter(chain.from_iterable(tokenized[: len(train)]))
        frequent = [token for token, _ in counts.most_common(settings.vocabulary_size - len(SPECIAL_TOKENS))]
        ids = {token: index for index, token in enumerate(frequent, len(SPECIAL_TOKENS))}
        encoded = ([ids.get(token, UNKNOWN_ID) for token in tokens] for tokens in tokenized)
        return pad([keep_ends(row, settings.max_length, settings.head_share) for row in encoded], settings.max_length)

    return timed(work, len(train + test))


def keras(data: str, reviews: int | None, params: dict[str, Any]) -> dict[str, Any]:
    """Adapt `TextVectorization` on batches of a dataset, then call it on batches."""
    import keras
    import tensorflow as tf

    train, test = _read(data, reviews)
    keras.ops.zeros(1)

    def work() -> Any:
        layer = keras.layers.TextVectorization(params["vocabulary_size"], output_sequence_length=params["max_length"])
        layer.adapt(tf.data.Dataset.from_tensor_slices(train).batch(1024))
        batches = tf.data.Dataset.from_tensor_slices(train + test).batch(1024)
        return np.concatenate([layer(batch).numpy() for batch in batches])

    return timed(work, len(train + test))


def sklearn(data: str, reviews: int | None, params: dict[str, Any]) -> dict[str, Any]:
    """Fit `CountVectorizer` to the train split, and count the words of all texts."""
    from sklearn.feature_extraction.text import CountVectorizer

    train, test = _read(data, reviews)
    vectorizer = CountVectorizer(max_features=params["vocabulary_size"])
    return timed(lambda: vectorizer.fit(train).transform(train + test), len(train + test))


def _read(data: str, reviews: int | None) -> tuple[list[str], list[str]]:
    half = reviews and max(1, reviews // 2)
    return read_split(data, "train", half)[0], read_split(data, "test", half)[0]


def contenders(setting: Setting) -> dict[str, list[Contender]]:
    """Return ways to turn texts into token ids."""
    task: dict[str, Any] = {
        "data": setting.data,
        "reviews": setting.reviews,
        "params": setting.params.preprocess.model_dump(),
    }
    cut = "splits at white space, drops punctuation and cuts the end off"
    unordered = "counts words without their order: nothing that an LSTM could read"
    return {
        "preprocess: from texts to padded token ids": [
            function(ours, **task),
            function(regex, **task),
            function(keras, needs="keras", note=cut, **task),
            function(sklearn, needs="sklearn", note=unordered, **task),
        ]
    }


app = speed_app("preprocess", "reviews", contenders)

if __name__ == "__main__":
    app()
