"""What is in a corpus: counts, duplicates, overlap of train and test, lengths, and whether it is a known one."""

from typing import Any, Final

import numpy as np
import pandas as pd

from imdb_sentiment.corpus.findings import Findings
from imdb_sentiment.corpus.fingerprint import KNOWN_FINGERPRINTS

_SPLITS: Final = ("train", "test", "unsupervised")
_LABEL_NAMES: Final = {0: "negative", 1: "positive", -1: "unlabelled"}
_PERCENTILES: Final = (0, 5, 25, 50, 75, 95, 99, 100)


def summarize_reviews(reviews: pd.DataFrame, findings: Findings) -> dict[str, Any]:
    """Return what `metrics/data.json` says of the table that `get_reviews_data` returns, ready for JSON."""
    fingerprint = findings.fingerprint.hexdigest()
    lengths = reviews["text"].str.len().to_numpy(np.int64)
    # 64 bits a text instead of its copy: that two different ones of a million share them has a chance of 1 in 10^7.
    hashes = pd.Series(map(hash, reviews["text"]), reviews.index)
    rows = {split: reviews["split"] == split for split in _SPLITS}
    texts = {split: hashes[rows[split]] for split in _SPLITS}
    groups = {split: set(reviews["group"][rows[split]].dropna()) for split in _SPLITS}
    return {
        "reviews": len(reviews),
        "counts": {split: _count_labels(reviews["label"][rows[split]]) for split in _SPLITS},
        "empty_reviews": int((lengths == 0).sum()),
        "duplicates_within_train": int(texts["train"].duplicated().sum()),
        "duplicates_within_test": int(texts["test"].duplicated().sum()),
        "test_reviews_also_in_train": int(texts["test"].isin(texts["train"]).sum()),
        "test_reviews_also_unlabelled": int(texts["test"].isin(texts["unsupervised"]).sum()),
        "length_percentiles": {
            str(percent): int(np.percentile(lengths, percent, method="lower")) for percent in _PERCENTILES
        },
        "groups": {split: len(groups[split]) for split in _SPLITS},
        "groups_in_train_and_test": len(groups["train"] & groups["test"]),
        "fingerprint": fingerprint,
        "known_as": KNOWN_FINGERPRINTS.get(fingerprint),
        "tables": findings.tables.as_json() if findings.tables else None,
    }


def _count_labels(labels: "pd.Series[int]") -> dict[str, int]:
    counts = labels.fillna(-1).value_counts()
    return {name: int(counts[label]) for label, name in _LABEL_NAMES.items() if label in counts}
