"""Preprocess: from the table of reviews to padded token ids, split into train, validation and test."""

from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from imdb_sentiment.artifacts.reviews import iterate_reviews
from imdb_sentiment.artifacts.sequences import PARTS, Sequences
from imdb_sentiment.dataset.splits import assign_parts
from imdb_sentiment.runtime.errors import ArtifactError, SourceError
from imdb_sentiment.runtime.params import PreprocessParams
from imdb_sentiment.runtime.progress import Progress, no_progress, track
from imdb_sentiment.runtime.threads import map_in_threads
from imdb_sentiment.text.bulk_tokenization import in_blocks, tokenize_all
from imdb_sentiment.text.encoder import TextEncoder


def preprocess_text_data(
    reviews: Path, params: PreprocessParams, progress: Progress = no_progress
) -> tuple[dict[str, Sequences], TextEncoder]:
    """Tokenize and pad the labelled reviews of the Parquet table `reviews`.

    Returns the sequences of each part of PARTS, sorted by review id so that the order of the archive has no effect, and
    the encoder, whose vocabulary comes from the train part alone. Raises ArtifactError or SourceError.
    """
    table = _read_labelled(reviews)
    try:
        parts = assign_parts(table, params)
    except SourceError as error:
        raise SourceError(f"{reviews}: {error}") from error
    texts = table["text"].to_numpy()
    order = np.argsort(parts != "train", kind="stable")
    in_order = track(progress, texts[order], "Tokenizing", len(texts), "reviews")
    train_size = int((parts == "train").sum())
    encoder, *encoded = learn_and_encode(islice(in_order, train_size), in_order, params)
    token_ids, lengths = (array[np.argsort(order)] for array in encoded)
    # A review of no known group, such as its film, counts as a group of its own.
    groups = pd.factorize(table["group"].fillna(table["review_id"]), sort=True)[0].astype(np.int32)
    sequences = {}
    for part in PARTS:
        rows = np.flatnonzero(parts == part)
        learned_from = set(texts[(parts != part) & (parts != "test")])
        sequences[part] = Sequences(
            review_ids=table["review_id"].to_numpy()[rows].astype(np.str_),
            token_ids=token_ids[rows],
            lengths=lengths[rows],
            labels=table["label"].to_numpy()[rows].astype(np.int8),
            groups=groups[rows],
            seen_in_train=np.array([text in learned_from for text in texts[rows]]),
        )
    return sequences, encoder


def learn_and_encode(
    train: Iterable[str], others: Iterable[str], params: PreprocessParams
) -> tuple[TextEncoder, NDArray[np.int32], NDArray[np.int32]]:
    """Return the encoder learned from the texts of `train`, and the ids of all: `int32 [B, T]`, lengths `int32 [B]`.

    Each text is tokenized once, both to learn from it and to encode it: tokenizing is most of the work.
    """
    tokenized = [list(map_in_threads(tokenize_all, in_blocks(texts))) for texts in (train, others)]
    encoder = TextEncoder.learn(tokenized[0], params.vocabulary_size, params.max_length, params.head_share)
    return encoder, *encoder.encode_tokens(chain(*tokenized))


def _read_labelled(reviews: Path) -> pd.DataFrame:
    batches = iterate_reviews(reviews, ["review_id", "split", "label", "group", "text"])
    labelled = [batch.filter(batch["label"].is_valid()) for batch in batches]
    if not sum(len(batch) for batch in labelled):
        raise ArtifactError(reviews, "no labelled review", "labels 0 and 1")
    table: pd.DataFrame = pa.Table.from_batches(labelled).to_pandas()
    return table.sort_values("review_id", ignore_index=True)
