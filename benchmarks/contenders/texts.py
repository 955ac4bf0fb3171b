"""What the contenders read."""

from itertools import islice
from pathlib import Path
from typing import NamedTuple

from imdb_sentiment.artifacts.reviews import iterate_reviews


class Labelled(NamedTuple):
    """Some reviews of one split."""

    texts: list[str]
    labels: list[int]


def read_split(reviews: Path, split: str, most: int | None = None) -> Labelled:
    """Return `most` reviews of `split` in the Parquet table, or all: of both labels, from anywhere in the table."""
    rows = [
        (row["text"], row["label"])
        for batch in iterate_reviews(reviews, ["split", "label", "text"])
        for row in batch.to_pylist()
        if row["split"] == split
    ]
    step = max(1, len(rows) // most) if most else 1
    taken = list(islice(rows, 0, step * (most or len(rows)), step))
    return Labelled([text for text, _ in taken], [label for _, label in taken])
