"""A teacher for the unlabelled reviews: with its opinion of them, many more n-grams are known.

Self-training (Yarowsky 1995): three times as many reviews as have labels say which phrases go with which opinion.
"""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from imdb_sentiment.artifacts.reviews import iterate_reviews
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.ngrams.nb_svm import INVERSE_PENALTY, LogCountRatio
from imdb_sentiment.ngrams.polarity import ORDERS, Keys, distinct, find_ngrams
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.progress import Progress, no_progress, track
from imdb_sentiment.text.encoder import TextEncoder

TOLERANCE: Final = 1e-3  # the default takes three times as long and changes next to no opinion


def encode_unlabelled(
    reviews: Path, encoder: TextEncoder, progress: Progress = no_progress
) -> tuple[list[str], NDArray[np.int32]]:
    """Return the ids of the unlabelled reviews of the Parquet table, sorted, and their `token_ids int32 [B, T]`.

    Cut and padded as the labelled ones are. Raises ArtifactError.
    """
    texts: dict[str, str] = {}
    for batch in iterate_reviews(reviews, ["review_id", "split", "text"]):
        rows = batch.to_pylist()
        texts |= {row["review_id"]: row["text"] for row in rows if row["split"] == "unsupervised"}
    ids = sorted(texts)
    tracked = track(progress, ids, "Encoding", len(texts), "reviews")
    return ids, encoder.encode_all(texts[review_id] for review_id in tracked)[0]


def read_opinions(path: Path, review_ids: list[str]) -> NDArray[np.float64]:
    """Return the column probability of the Parquet table `path` for `review_ids`, `float64 [B]`. Raises ArtifactError.

    As `imdb-sentiment predict` writes it for the table of reviews.
    """
    try:
        table = pq.read_table(path, columns=["review_id", "probability"])
        probabilities = table["probability"].cast(pa.float64()).to_pylist()
        opinions = dict(zip(table["review_id"].to_pylist(), probabilities, strict=True))
    except FileNotFoundError as error:
        raise ArtifactError(
            path, "no such file", "polarity.teacher: linear, none, or a table of predictions"
        ) from error
    except (ValueError, OSError) as error:
        raise ArtifactError(path, f"no table of opinions ({error})", "the columns review_id and probability") from error
    try:
        y_prob = np.array([opinions[review_id] for review_id in review_ids], np.float64)
    except KeyError as error:
        raise ArtifactError(path, f"no opinion of {error}", "one of each unlabelled review") from error
    if not ((y_prob >= 0) & (y_prob <= 1)).all():
        raise ArtifactError(path, "opinions that are no probabilities", "numbers from 0 to 1")
    return y_prob


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
        pairs = distinct(review * max(len(known), 1) + ngram)
        ones = np.ones(len(pairs), np.float32)
        shape = (len(token_ids), len(known))
        blocks.append(sparse.csr_matrix((ones, np.divmod(pairs, max(len(known), 1))), shape=shape))
    return sparse.hstack(blocks).tocsr()
