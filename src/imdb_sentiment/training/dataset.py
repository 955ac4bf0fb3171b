"""The dataset of a fit: its parts, the size of the vocabulary, the pretrained vectors."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.channels import add_channels
from imdb_sentiment.artifacts.sequences import Sequences, load_sequences
from imdb_sentiment.artifacts.vectors import load_embeddings
from imdb_sentiment.artifacts.vocabulary import Vocabulary
from imdb_sentiment.runtime.params import ModelParams
from imdb_sentiment.training.pieces import find_ends


@dataclass(frozen=True)
class Dataset:
    """The parts train, validation and test, the number of tokens V, and the vectors `float32 [V, E]`, if any.

    sentence_ends: the ids of the tokens that end a sentence.
    """

    parts: dict[str, Sequences]
    vocabulary_size: int
    vectors: NDArray[np.float32] | None
    sentence_ends: frozenset[int] = frozenset()


def load_dataset(sequences: Path, vocabulary: Path, embeddings: Path, channels: Path, params: ModelParams) -> Dataset:
    """Read the files that the model of `params` needs; the others may be missing. Raises ArtifactError."""
    tokens = Vocabulary.load(vocabulary).tokens
    vocabulary_size = len(tokens)
    parts = load_sequences(sequences, vocabulary_size)
    vectors = None
    if params.pretrained_embeddings:
        vectors = load_embeddings(embeddings, vocabulary_size, params.embedding_dim)
    if params.reads_polarity:
        parts = add_channels(parts, channels)
    return Dataset(parts, vocabulary_size, vectors, find_ends(tokens))
