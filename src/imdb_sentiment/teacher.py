"""A linear teacher for the unlabelled reviews: with its opinion of them, many more n-grams are known.

Self-training (Yarowsky 1995): three times as many reviews as have labels say which phrases go with which opinion.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from imdb_sentiment.baseline import INVERSE_PENALTY, LogCountRatio
from imdb_sentiment.encoding import TextEncoder
from imdb_sentiment.polarity import ORDERS, Keys, find_ngrams
from imdb_sentiment.progress import Progress, no_progress, track
from imdb_sentiment.reviews import iterate_reviews
from imdb_sentiment.sequences import Sequences, pad

TOLERANCE: Final = 1e-3  # the default takes three times as long and changes next to no opinion


def encode_unlabelled(reviews: Path, encoder: TextEncoder, progress: Progress = no_progress) -> NDArray[np.int32]:
    """Return the unlabelled reviews of the Parquet table, sorted by their ids, as `token_ids int32 [B, T]`.

    Cut and padded as the labelled ones are. Raises ArtifactError.
    """
    texts: dict[str, str] = {}
    for batch in iterate_reviews(reviews, ["review_id", "split", "text"]):
        rows = batch.to_pylist()
        texts |= {row["review_id"]: row["text"] for row in rows if row["split"] == "unsupervised"}
    ids = track(progress, sorted(texts), "Encoding", len(texts), "reviews")
    return pad([encoder.encode(texts[review_id]) for review_id in ids], encoder.max_length)


def teach(
    train: Sequences, unlabelled: NDArray[np.int32], keys: tuple[Keys, ...], vocabulary_size: int
) -> NDArray[np.float64]:
    """Return what NB-SVM, fitted to the train part, takes for the probability that each review is positive.

    `unlabelled int32 [B, T]` -> `float64 [B]`. Its n-grams are those of `keys`, int64 [G] for each of ORDERS.
    """
    counts = ngram_matrix(train.token_ids, keys, vocabulary_size)
    ratios = LogCountRatio().fit(counts, train.labels)
    model = LogisticRegression(C=INVERSE_PENALTY, solver="liblinear", tol=TOLERANCE)
    model.fit(ratios.transform(counts), train.labels)
    probabilities: NDArray[np.float64] = model.predict_proba(
        ratios.transform(ngram_matrix(unlabelled, keys, vocabulary_size))
    )
    return probabilities[:, 1]


def ngram_matrix(token_ids: NDArray[np.int32], keys: tuple[Keys, ...], vocabulary_size: int) -> sparse.csr_matrix:
    """Return which reviews of `token_ids int32 [B, T]` have which n-grams of `keys`, `float32 [B, G]` of 0 and 1."""
    blocks = []
    for order, known in zip(ORDERS, keys, strict=True):
        review, ngram = find_ngrams(token_ids, order, known, vocabulary_size)
        pairs = np.unique(review * max(len(known), 1) + ngram)
        ones = np.ones(len(pairs), np.float32)
        shape = (len(token_ids), len(known))
        blocks.append(sparse.csr_matrix((ones, np.divmod(pairs, max(len(known), 1))), shape=shape))
    return sparse.hstack(blocks).tocsr()
