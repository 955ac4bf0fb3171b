"""Word vectors from the company that words keep in the training reviews, labelled and unlabelled.

By skip-gram (see `skip_gram`), or from counts of words within a window, their positive pointwise mutual information,
and its truncated singular value decomposition (Levy, Goldberg, Dagan 2015, sections 2 and 3): a few seconds for what
skip-gram takes minutes to do a little better.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from imdb_sentiment.artifacts.reviews import iterate_reviews
from imdb_sentiment.artifacts.sequences import load_sequences
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_npz, write_npz
from imdb_sentiment.runtime.params import EmbedParams
from imdb_sentiment.runtime.progress import Progress, no_progress, track
from imdb_sentiment.text.encoder import UNKNOWN_ID, TextEncoder
from imdb_sentiment.vectors.skip_gram import learn_skip_gram

CONTEXT_SMOOTHING: Final = 0.75  # rare contexts count for less (Levy et al., section 3.2)
SINGULAR_VALUE_POWER: Final = 0.25  # section 3.3; of 0, 0.25 and 0.5 the best on the validation part
SVD_ITERATIONS: Final = 3
# What the LSTM's own first weights, of a spread of about 0.05, can take up at once; chosen on the validation part.
SPREAD: Final = 0.075
# Vectors need no more, and half of what has to be kept for prediction is vectors.
DTYPE: Final = np.float16


def write_embeddings(
    reviews: Path,
    sequences: Path,
    vocabulary: Path,
    path: Path,
    *,
    dim: int,
    params: EmbedParams,
    progress: Progress = no_progress,
) -> None:
    """Write the vectors of the tokens in `vocabulary` to the npz file `path`, as `embeddings float16 [V, dim]`.

    They are learnt from the reviews of the train part of the npz file `sequences` and from the unlabelled ones in the
    Parquet table `reviews`. Raises ArtifactError or OutputError.
    """
    encoder = TextEncoder.load(vocabulary)
    encoded = encode_reviews(reviews, sequences, encoder, progress)
    if params.method == "skip_gram":
        vectors = learn_skip_gram(
            encoded, encoder.vocabulary_size, dim, window=params.window, seed=params.seed, progress=progress
        )
    else:
        counts = count_cooccurrences(encoded, encoder.vocabulary_size, params.window, progress)
        with progress("Factorizing", None, ""):
            vectors = factorize(positive_pointwise_mutual_information(counts), dim, params.seed)
    write_npz({"embeddings": scale(vectors).astype(DTYPE)}, path)


def encode_reviews(
    reviews: Path, sequences: Path, encoder: TextEncoder, progress: Progress = no_progress
) -> list[NDArray[np.int32]]:
    """Return the token ids of all that vectors may be learnt from, whole reviews: the train part and the unlabelled."""
    train = set(load_sequences(sequences, encoder.vocabulary_size)["train"].review_ids.tolist())
    texts = _learnt_from(reviews, train)
    # Sorted, so that the order of the archive does not show in what skip-gram learns one after the other.
    sorted_texts = [text for _, text in sorted(texts)]
    return encoder.token_ids_of_all(track(progress, sorted_texts, "Encoding", len(sorted_texts), "reviews"))


def _learnt_from(reviews: Path, train: set[str]) -> Iterator[tuple[str, str]]:
    for batch in iterate_reviews(reviews, ["review_id", "split", "text"]):
        for row in batch.to_pylist():
            if row["split"] == "unsupervised" or row["review_id"] in train:
                yield row["review_id"], row["text"]


def count_cooccurrences(
    encoded: Sequence[NDArray[np.int32]], vocabulary_size: int, window: int, progress: Progress = no_progress
) -> sparse.csr_matrix:
    """Return how often two tokens stand within `window` of each other in a review, `float64 [V, V]`, symmetric.

    A pair at the distance d counts `(window + 1 - d) / window`, as word2vec's window of random size does on average.
    Unknown tokens count neither way, and keep their place.
    `count_cooccurrences([[2, 3]], 4, 1)` has 1 at (2, 3) and (3, 2).
    """
    token_ids = np.concatenate([np.zeros(0, np.int64), *encoded])
    review = np.repeat(np.arange(len(encoded)), [len(ids) for ids in encoded])
    # Whole numbers until the last step, so that the order of the reviews cannot show in a sum.
    total = sparse.csr_matrix((vocabulary_size, vocabulary_size), dtype=np.int64)
    for distance in track(progress, range(1, window + 1), "Counting pairs", window, "distances"):
        first, second = token_ids[:-distance], token_ids[distance:]
        is_pair = (review[:-distance] == review[distance:]) & (first > UNKNOWN_ID) & (second > UNKNOWN_ID)
        pairs, times = np.unique(first[is_pair] * vocabulary_size + second[is_pair], return_counts=True)
        weights = times * (window + 1 - distance)
        total += sparse.csr_matrix((weights, np.divmod(pairs, vocabulary_size)), shape=total.shape)
    return (total + total.T) / window


def positive_pointwise_mutual_information(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return `max(0, log(P(w, c) / (P(w) P'(c))))` where `counts float64 [V, V]` has something, `float32 [V, V]`.

    P' is smoothed: proportional to the context's count to the power of CONTEXT_SMOOTHING.
    """
    pairs = counts.tocoo()
    of_word = np.asarray(counts.sum(axis=1)).ravel()
    of_context = of_word**CONTEXT_SMOOTHING
    information = np.log(pairs.data * of_context.sum() / (of_word[pairs.row] * of_context[pairs.col]))
    kept = information > 0
    return sparse.csr_matrix(
        (information[kept].astype(np.float32), (pairs.row[kept], pairs.col[kept])), shape=counts.shape
    )


def factorize(information: sparse.csr_matrix, dim: int, seed: int) -> NDArray[np.float32]:
    """Return the left singular vectors of `information [V, V]`, each times a power of its value, `float32 [V, dim]`.

    A row of zeros stays one. Columns beyond V, or beyond what there is to tell, are zeros.
    """
    known = min(dim, information.shape[0])
    left, values, _ = randomized_svd(information, known, n_iter=SVD_ITERATIONS, random_state=seed)
    vectors = np.zeros((information.shape[0], dim), np.float32)
    vectors[:, :known] = left * values**SINGULAR_VALUE_POWER
    vectors[np.asarray(information.sum(axis=1)).ravel() == 0] = 0
    return vectors


def scale(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `vectors [V, E]` scaled so that the standard deviation of those of known tokens is SPREAD."""
    spread = vectors[UNKNOWN_ID + 1 :].std() if len(vectors) > UNKNOWN_ID + 1 else 0
    return vectors * np.float32(SPREAD / spread) if spread else vectors


def load_embeddings(path: Path, vocabulary_size: int, dim: int) -> NDArray[np.float32]:
    """Return the vectors that `write_embeddings` wrote, `float32 [V, dim]`. Raises ArtifactError."""
    found: NDArray[Any] | None = read_npz(path).get("embeddings")
    if found is None or found.shape != (vocabulary_size, dim) or found.dtype != DTYPE:
        shape = "no embeddings" if found is None else f"embeddings {found.dtype} of shape {found.shape}"
        raise ArtifactError(path, shape, f"{np.dtype(DTYPE)} of shape {(vocabulary_size, dim)}")
    if not np.isfinite(found).all():
        raise ArtifactError(path, "embeddings that are no numbers", "finite ones")
    return found.astype(np.float32)
