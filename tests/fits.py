"""Tiny datasets to fit models to, and fits of one member."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.polarity import CHANNELS
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.artifacts.vocabulary import PAD_ID, SPECIAL_TOKENS
from imdb_sentiment.runtime.params import ModelParams, TrainParams
from imdb_sentiment.training.dataset import Dataset
from tests.factories import make_sequences
from tests.networks import VOCABULARY_SIZE, model_params, train_params

# All that can be random is: the first weights, the batches, and the three kinds of dropout.
PARAMS = model_params(word_dropout_rate=0.2, embedding_dropout_rate=0.2, dropout_rate=0.2)
TRAIN = train_params(epochs=6, learning_rate=0.02, seed=1)
TOKENS = (*SPECIAL_TOKENS, *(f"word{index}" for index in range(len(SPECIAL_TOKENS), VOCABULARY_SIZE)))
_WORDS_BY_LABEL = (range(2, 6), range(6, 10))


def make_reviews(count: int = 12, longest: int = 6, seed: int = 0, mislabelled: bool = False) -> Sequences:
    """Return reviews of random lengths, every second one positive: ids 2 to 5 are negative words, 6 to 9 positive ones.

    `mislabelled` has them the other way round.
    """
    rng = np.random.default_rng(seed)
    words = _WORDS_BY_LABEL[::-1] if mislabelled else _WORDS_BY_LABEL
    rows = [rng.choice(words[row % 2], rng.integers(1, longest + 1)).tolist() for row in range(count)]
    return make_sequences(rows, [row % 2 for row in range(count)], longest)


def make_dataset(vectors: NDArray[np.float32] | None = None, **parts: Sequences) -> Dataset:
    """Return a dataset whose validation part is mislabelled: the more a model learns, the lower its accuracy there."""
    validation = make_reviews(40, seed=1, mislabelled=True)
    return Dataset(
        {"train": make_reviews(), "validation": validation, "test": make_reviews(4, seed=2), **parts},
        TOKENS,
        vectors,
    )


def add_polarity(dataset: Dataset) -> Dataset:
    """Return the dataset with a random polarity of each token."""
    rng = np.random.default_rng(0)

    def add(part: Sequences) -> Sequences:
        drawn = rng.normal(size=(*part.token_ids.shape, CHANNELS))
        return replace(part, polarity=np.where(part.token_ids[..., None] != PAD_ID, drawn, 0).astype(np.float16))

    return replace(dataset, parts={name: add(part) for name, part in dataset.parts.items()})


@dataclass
class Fit:
    """A fitted model and its history."""

    model: Any
    history: Any

    @property
    def weights(self) -> list[bytes]:
        return [np.asarray(weight).tobytes() for weight in self.model.weights]

    def curve(self, name: str) -> list[float]:
        """Return one metric of each epoch."""
        return [metrics[name] for metrics in self.history.epochs]


def fit(
    dataset: Dataset, train: TrainParams = TRAIN, params: ModelParams = PARAMS, number: int = 0, **options: Any
) -> Fit:
    """Fit the member of this number."""
    from imdb_sentiment.training.fit import fit_member

    return Fit(*fit_member(dataset, params, train, number=number, **options))
