"""The teacher: a model that labels the unlabelled reviews, so that the polarity of many more n-grams is known.

Self-training (Yarowsky 1995): there are three times as many reviews as have labels.
"""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from imdb_sentiment.artifacts.polarity import ORDERS, Keys
from imdb_sentiment.artifacts.reviews import iterate_reviews
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.ngrams.nb_svm import INVERSE_PENALTY, LogCountRatio
from imdb_sentiment.ngrams.polarity import distinct, find_ngrams
from imdb_sentiment.runtime.errors import ArtifactError, reason_of
from imdb_sentiment.runtime.files import check_file
from imdb_sentiment.runtime.progress import Progress, no_progress, track
from imdb_sentiment.text.encoder import TextEncoder

TOLERANCE: Final = 1e-3  # the default takes three times as long and changes almost no label


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


def read_teacher_labels(path: Path, review_ids: list[str]) -> NDArray[np.float64]:
    """Return the column `probability` of the Parquet table `path` for `review_ids`, `float64 [B]`.

    The table is one that `imdb-sentiment predict` wrote for the table of reviews. Raises ArtifactError.
    """
    try:
        check_file(path)
        table = pq.read_table(path, columns=["review_id", "probability"])
        probabilities = table["probability"].cast(pa.float64()).to_pylist()
        labels = dict(zip(table["review_id"].to_pylist(), probabilities, strict=True))
    except FileNotFoundError as error:
        raise ArtifactError(
            path, "no such file", "polarity.teacher: linear, none, or a table of predictions"
        ) from error
    except (ValueError, OSError) as error:
        expected = "the columns review_id and probability"
        raise ArtifactError(path, f"no table of predictions ({reason_of(error)})", expected) from error
    try:
        y_prob = np.array([labels[review_id] for review_id in review_ids], np.float64)
    except KeyError as error:
        raise ArtifactError(path, f"no row of {error}", "a row for each unlabelled review") from error
    if not ((y_prob >= 0) & (y_prob <= 1)).all():
        raise ArtifactError(path, "values of the column probability outside 0 to 1", "probabilities")
    return y_prob


def teach(
    train: Sequences, unlabelled: NDArray[np.int32], keys: tuple[Keys, ...], vocabulary_size: int
) -> NDArray[np.float64]:
    """Fit NB-SVM to the train part and return the probability that each unlabelled review is positive.

    `unlabelled int32 [B, T]` -> `float64 [B]`. The n-grams are `keys`, int64 [G] for each of ORDERS; without any, every
    probability is 0.5.
    """
    if not any(len(known) for known in keys):
        return np.full(len(unlabelled), 0.5)
    counts = ngram_matrix(train.token_ids, keys, vocabulary_size)
    ratios = LogCountRatio().fit(counts, train.labels)
    model = LogisticRegression(C=INVERSE_PENALTY, solver="liblinear", tol=TOLERANCE)
    model.fit(ratios.transform(counts), train.labels)
    probabilities: NDArray[np.float64] = model.predict_proba(
        ratios.transform(ngram_matrix(unlabelled, keys, vocabulary_size))
    )
    return probabilities[:, 1]


def ngram_matrix(token_ids: NDArray[np.int32], keys: tuple[Keys, ...], vocabulary_size: int) -> sparse.csr_matrix:
    """Return 1 where a review of `token_ids int32 [B, T]` contains an n-gram of `keys`, else 0: `float32 [B, G]`."""
    blocks = []
    for order, known in zip(ORDERS, keys, strict=True):
        review, ngram = find_ngrams(token_ids, order, known, vocabulary_size)
        pairs = distinct(review * max(len(known), 1) + ngram)
        ones = np.ones(len(pairs), np.float32)
        shape = (len(token_ids), len(known))
        blocks.append(sparse.csr_matrix((ones, np.divmod(pairs, max(len(known), 1))), shape=shape))
    return sparse.hstack(blocks).tocsr()
