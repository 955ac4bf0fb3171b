"""Embed: word vectors learned from the reviews of the train part and the unlabelled ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.reviews import iterate_reviews
from imdb_sentiment.artifacts.sequences import load_sequences
from imdb_sentiment.artifacts.vocabulary import UNKNOWN_ID
from imdb_sentiment.runtime.params import EmbedParams
from imdb_sentiment.runtime.progress import Progress, no_progress, track
from imdb_sentiment.text.encoder import TextEncoder
from imdb_sentiment.vectors.cooccurrence import learn_cooccurrence
from imdb_sentiment.vectors.skip_gram import learn_skip_gram

# The LSTM's own initial weights spread by about 0.05; vectors of this spread suit it. Chosen on the validation part.
STANDARD_DEVIATION: Final = 0.075


def learn_vectors(
    reviews: Path,
    sequences: Path,
    vocabulary: Path,
    *,
    dim: int,
    params: EmbedParams,
    progress: Progress = no_progress,
) -> NDArray[np.float32]:
    """Return a vector for each token of `vocabulary`, `float32 [V, E]` with E = `dim`, by the method of `params`.

    They are learned from the reviews of the train part of the npz file `sequences` and from the unlabelled ones in the
    Parquet table `reviews`. Raises ArtifactError.
    """
    encoder = TextEncoder.load(vocabulary)
    encoded = encode_reviews(reviews, sequences, encoder, progress)
    learn = learn_skip_gram if params.method == "skip_gram" else learn_cooccurrence
    vectors = learn(encoded, encoder.size, dim, window=params.window, seed=params.seed, progress=progress)
    return scale(vectors)


def encode_reviews(
    reviews: Path, sequences: Path, encoder: TextEncoder, progress: Progress = no_progress
) -> list[NDArray[np.int32]]:
    """Return the token ids of the whole reviews that vectors may be learned from: the train part, the unlabelled."""
    train = set(load_sequences(sequences, encoder.size)["train"].review_ids.tolist())
    # Sorted, so that the order of the archive has no effect on skip-gram, which reads one review after the other.
    texts = [text for _, text in sorted(_training_texts(reviews, train))]
    return encoder.token_ids_of_all(track(progress, texts, "Encoding", len(texts), "reviews"))


def _training_texts(reviews: Path, train: set[str]) -> Iterator[tuple[str, str]]:
    for batch in iterate_reviews(reviews, ["review_id", "split", "text"]):
        for row in batch.to_pylist():
            if row["split"] == "unsupervised" or row["review_id"] in train:
                yield row["review_id"], row["text"]


def scale(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `vectors [V, E]` scaled so that those of known tokens have the standard deviation STANDARD_DEVIATION."""
    spread = vectors[UNKNOWN_ID + 1 :].std() if len(vectors) > UNKNOWN_ID + 1 else 0
    return vectors * np.float32(STANDARD_DEVIATION / spread) if spread else vectors
