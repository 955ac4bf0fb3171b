"""The rows of tables as reviews: what their labels mean, and which rows are left out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from imdb_sentiment.corpus.findings import Findings, TableFindings
from imdb_sentiment.corpus.label_spellings import LEFT_OUT, UNLABELLED, find_meanings, unclear
from imdb_sentiment.corpus.text_column import TextColumn
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.params import TableParams

_MEANINGS: Final = {1: "positive", 0: "negative", None: "unlabelled", LEFT_OUT: LEFT_OUT}


@dataclass
class TableRows:
    """The rows of all tables, a list for each column."""

    ids: list[str] = field(default_factory=list)
    spellings: list[str] = field(default_factory=list)  # of the labels
    splits: list[str | None] = field(default_factory=list)
    ratings: list[int | None] = field(default_factory=list)
    groups: list[str | None] = field(default_factory=list)
    texts: TextColumn = field(default_factory=TextColumn)


def as_reviews(rows: TableRows, params: TableParams, findings: Findings, found: TableFindings, where: str) -> pa.Table:
    """Return `rows` as the table that ingest writes, and note in `found` what their labels mean and what is left out.

    Raises SourceError if that is not clear, or no row is labelled; `where` opens its message.
    """
    counts = Counter(rows.spellings)
    meanings = find_meanings(counts, params, where)
    found.labels = {spelling: _MEANINGS[meanings[spelling]] for spelling, _ in counts.most_common(20)}
    if counts[UNLABELLED] and not params.positive and meanings[UNLABELLED] is None:
        _check_unlabelled(rows, counts, where)
    has_splits = any(rows.splits)
    found.split = "as the source names it" if has_splits else "none in the source"
    labels, splits, is_kept = [], [], []
    for spelling, named in zip(rows.spellings, rows.splits, strict=True):
        label = meanings[spelling]
        reason = _reason_to_leave_out(label, named)
        if reason:
            found.left_out[reason] += 1
        is_kept.append(reason is None)
        is_labelled = label in (0, 1) and named != "unsupervised"
        labels.append(label if is_labelled else None)
        splits.append((named or "train") if is_labelled else "unsupervised")
    scale = params.positive_from is not None or "rating" in found.columns
    reviews = pa.table(
        {
            "review_id": pa.array(rows.ids, pa.string()),
            "split": pa.array(splits, pa.string()),
            "label": pa.array(labels, pa.int8()),
            "rating": pa.array(rows.ratings if scale else [None] * len(labels), pa.int8()),
            "group": pa.array(rows.groups, pa.string()),
            "text": rows.texts.as_arrow(),
        }
    ).filter(pa.array(is_kept, pa.bool_()))
    if not reviews["label"].drop_null():
        raise SourceError(f"{where}: found no labelled review; expected some positive and some negative ones")
    for content in _contents(reviews):
        findings.fingerprint.add(*content)
    return reviews


def _check_unlabelled(rows: TableRows, counts: Counter[str], where: str) -> None:
    """Raise SourceError if -1 may be the negative of three labels rather than none: where 0 is a neutral one."""
    parts = {split for spelling, split in zip(rows.spellings, rows.splits, strict=True) if spelling == UNLABELLED}
    if {"0", "1"} <= counts.keys() and parts != {"unsupervised"}:
        raise unclear(counts, where, "-1 for no label in an unsupervised part only, as -1, 0 and 1 may mean three")


def _reason_to_leave_out(label: int | str | None, split: str | None) -> str | None:
    if label == LEFT_OUT:
        return "with other labels"
    if label is None and split in ("test", "validation"):
        return f"of the {split} part without a label"
    return None


def _contents(reviews: pa.Table) -> Iterator[tuple[str, bytes]]:
    for batch in reviews.to_batches(max_chunksize=1000):
        for row in batch.to_pylist():
            yield row["review_id"], f"{row['split']}\n{row['label']}\n{row['text']}".encode()
