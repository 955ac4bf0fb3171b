"""From texts in memory to a vocabulary of the train split and the ids of train and test split, padded to max_length."""

from collections import Counter
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.contenders.texts import read_split
from benchmarks.setting import Contend, Lap, Setting, timed
from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.dataset.preprocess import learn_and_encode
from imdb_sentiment.runtime.params import PreprocessParams, load_params
from imdb_sentiment.text.encoder import SPECIAL_TOKENS, UNKNOWN_ID, keep_ends
from imdb_sentiment.text.tokenization import tokenize


class _Task(NamedTuple):
    train: list[str]
    test: list[str]
    params: PreprocessParams

    @property
    def all(self) -> list[str]:
        return self.train + self.test


def _load(setting: Setting) -> _Task:
    reviews = setting.data / "reviews.parquet"
    half = setting.reviews and max(1, setting.reviews // 2)
    train, test = (read_split(reviews, split, half).texts for split in ("train", "test"))
    return _Task(train, test, load_params(setting.params).preprocess)


def ours(setting: Setting) -> Lap:
    """As the stage preprocess: a long review keeps its ends, punctuation counts."""
    import pyarrow.compute  # noqa: F401  # imported at the first call otherwise

    task = _load(setting)
    return timed(lambda: learn_and_encode(task.train, task.test, task.params), len(task.all))


def regex(setting: Setting) -> Lap:
    """Find the same tokens by a regular expression, a Counter and a dict: what a few lines of Python would be."""
    task = _load(setting)
    its = task.params

    def work() -> Any:
        tokenized = [tokenize(text) for text in task.all]
        counts = Counter(chain.from_iterable(tokenized[: len(task.train)]))
        frequent = [token for token, _ in counts.most_common(its.vocabulary_size - len(SPECIAL_TOKENS))]
        ids = {token: index for index, token in enumerate(frequent, len(SPECIAL_TOKENS))}
        encoded = [
            keep_ends([ids.get(token, UNKNOWN_ID) for token in tokens], its.max_length, its.head_share)
            for tokens in tokenized
        ]
        return pad(encoded, its.max_length)

    return timed(work, len(task.all))


def keras(setting: Setting) -> Lap:
    """Adapt `TextVectorization` on batches of a dataset, then call it on batches, as its guide has it.

    It splits at white space, throws punctuation away and cuts the end off.
    """
    import keras
    import tensorflow as tf

    task = _load(setting)
    keras.ops.zeros(1)

    def work() -> Any:
        layer = keras.layers.TextVectorization(
            max_tokens=task.params.vocabulary_size, output_sequence_length=task.params.max_length
        )
        layer.adapt(tf.data.Dataset.from_tensor_slices(task.train).batch(1024))
        batches = tf.data.Dataset.from_tensor_slices(task.all).batch(1024)
        return np.concatenate([layer(batch).numpy() for batch in batches])

    return timed(work, len(task.all))


def sklearn(setting: Setting) -> Lap:
    """Fit `CountVectorizer` and count all. It knows how often a word occurs, not where: nothing an LSTM could read."""
    from sklearn.feature_extraction.text import CountVectorizer

    task = _load(setting)

    def work() -> Any:
        vectorizer = CountVectorizer(max_features=task.params.vocabulary_size)
        return vectorizer.fit(task.train).transform(task.all)

    return timed(work, len(task.all))


CONTENDERS: Final[dict[str, Contend]] = {"ours": ours, "regex": regex, "keras": keras, "sklearn": sklearn}
