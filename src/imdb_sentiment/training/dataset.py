"""The dataset of a fit: its parts, the size of the vocabulary, the pretrained vectors."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.channels import add_channels
from imdb_sentiment.artifacts.polarity import PolarityTable
from imdb_sentiment.artifacts.sequences import Sequences, load_sequences
from imdb_sentiment.artifacts.vectors import load_embeddings
from imdb_sentiment.artifacts.vocabulary import Vocabulary
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.params import ModelParams, TrainParams
from imdb_sentiment.training.augmentation import augment
from imdb_sentiment.training.opposites import Opposites


@dataclass(frozen=True)
class Dataset:
    """The parts train, validation and test, the V tokens by id, and the vectors `float32 [V, E]`, if any."""

    parts: dict[str, Sequences]
    tokens: tuple[str, ...]
    vectors: NDArray[np.float32] | None

    @property
    def vocabulary_size(self) -> int:
        """The number of tokens, V."""
        return len(self.tokens)


def load_dataset(sequences: Path, vocabulary: Path, embeddings: Path, channels: Path, params: ModelParams) -> Dataset:
    """Read the files that the model of `params` needs; the others may be missing. Raises ArtifactError."""
    tokens = Vocabulary.load(vocabulary).tokens
    parts = load_sequences(sequences, len(tokens))
    vectors = None
    if params.pretrained_embeddings:
        vectors = load_embeddings(embeddings, len(tokens), params.embedding_dim)
    if params.reads_polarity:
        parts = add_channels(parts, channels)
    return Dataset(parts, tokens, vectors)


def add_pieces(dataset: Dataset, polarity: Path, train: TrainParams) -> Dataset:
    """Return the dataset with pieces of its train part as further examples, as many as `train` has.

    The n-grams of edited pieces are looked up in the table `polarity`, which is read only if the model reads polarity
    and there are edited pieces. Raises ArtifactError.
    """
    reviews = dataset.parts["train"]
    reads_polarity = reviews.polarity is not None and train.edited_pieces > 0
    table = PolarityTable.load(polarity) if reads_polarity else None
    if table is not None and table.vocabulary_size != dataset.vocabulary_size:
        expected = f"{dataset.vocabulary_size}, as the vocabulary has"
        raise ArtifactError(polarity, f"{table.vocabulary_size} tokens", expected)
    augmented = augment(
        reviews,
        Opposites.of(dataset.tokens),
        table,
        pieces=train.pieces,
        edited=train.edited_pieces,
        seed=train.seed,
    )
    return replace(dataset, parts=dataset.parts | {"train": augmented})
