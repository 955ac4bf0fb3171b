"""Word vectors by co-occurrence: counts of words within a window, their PPMI, and its truncated SVD.

Levy, Goldberg, Dagan 2015, "Improving Distributional Similarity with Lessons Learned from Word Embeddings", sections 2
and 3. It takes seconds, where skip-gram takes minutes and is a little more accurate.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from imdb_sentiment.artifacts.vocabulary import UNKNOWN_ID
from imdb_sentiment.runtime.progress import Progress, no_progress, track

CONTEXT_SMOOTHING: Final = 0.75  # rare contexts count for less (Levy et al., section 3.2)
SINGULAR_VALUE_POWER: Final = 0.25  # section 3.3; of 0, 0.25 and 0.5 the best on the validation part
SVD_ITERATIONS: Final = 3


def learn_cooccurrence(
    encoded: Sequence[NDArray[np.int32]],
    vocabulary_size: int,
    dim: int,
    *,
    window: int,
    seed: int,
    progress: Progress = no_progress,
) -> NDArray[np.float32]:
    """Return a vector for each token, `float32 [V, E]`, from `encoded`, the token ids of each review."""
    counts = count_cooccurrences(encoded, vocabulary_size, window, progress)
    with progress("Factorizing", None, ""):
        return factorize(positive_pointwise_mutual_information(counts), dim, seed)


def count_cooccurrences(
    encoded: Sequence[NDArray[np.int32]], vocabulary_size: int, window: int, progress: Progress = no_progress
) -> sparse.csr_matrix:
    """Return how often two tokens stand within `window` of each other in a review, `float64 [V, V]`, symmetric.

    A pair at the distance d counts `(window + 1 - d) / window`, as word2vec's window of random size does on average.
    Unknown tokens are not counted, but take up their place in the window.
    `count_cooccurrences([[2, 3]], 4, 1)` has 1 at (2, 3) and (3, 2).
    """
    token_ids = np.concatenate([np.zeros(0, np.int64), *encoded])
    review = np.repeat(np.arange(len(encoded)), [len(ids) for ids in encoded])
    # Whole numbers until the last step: sums of floats would depend on the order of the reviews.
    total = sparse.csr_matrix((vocabulary_size, vocabulary_size), dtype=np.int64)
    for distance in track(progress, range(1, window + 1), "Counting pairs", window, "distances"):
        first, second = token_ids[:-distance], token_ids[distance:]
        is_pair = (review[:-distance] == review[distance:]) & (first > UNKNOWN_ID) & (second > UNKNOWN_ID)
        pairs, times = np.unique(first[is_pair] * vocabulary_size + second[is_pair], return_counts=True)
        weights = times * (window + 1 - distance)
        total += sparse.csr_matrix((weights, np.divmod(pairs, vocabulary_size)), shape=total.shape)
    return (total + total.T) / window


def positive_pointwise_mutual_information(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return `max(0, log(P(w, c) / (P(w) P'(c))))` for each nonzero of `counts float64 [V, V]`, as `float32 [V, V]`.

    P' is smoothed: proportional to the context's count to the power of CONTEXT_SMOOTHING.
    """
    pairs = counts.tocoo()
    word_counts = np.asarray(counts.sum(axis=1)).ravel()
    context_weights = word_counts**CONTEXT_SMOOTHING
    information = np.log(pairs.data * context_weights.sum() / (word_counts[pairs.row] * context_weights[pairs.col]))
    kept = information > 0
    return sparse.csr_matrix(
        (information[kept].astype(np.float32), (pairs.row[kept], pairs.col[kept])), shape=counts.shape
    )


def factorize(information: sparse.csr_matrix, dim: int, seed: int) -> NDArray[np.float32]:
    """Return the left singular vectors of `information [V, V]`, each times a power of its value, `float32 [V, dim]`.

    A row of zeros stays a row of zeros. So do columns beyond V or beyond the rank.
    """
    known = min(dim, information.shape[0])
    left, values, _ = randomized_svd(information, known, n_iter=SVD_ITERATIONS, random_state=seed)
    vectors = np.zeros((information.shape[0], dim), np.float32)
    vectors[:, :known] = left * values**SINGULAR_VALUE_POWER
    vectors[np.asarray(information.sum(axis=1)).ravel() == 0] = 0
    return vectors
