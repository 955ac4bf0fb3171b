"""The polarity channels of every review, beside the token ids: the work of the stage `polarity`, and its npz file."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.sequences import Sequences, load_sequences
from imdb_sentiment.ngrams.polarity import (
    CHANNELS,
    LARGEST_VOCABULARY,
    ORDERS,
    PolarityTable,
    learn_polarity,
    learn_unlabelled_polarity,
)
from imdb_sentiment.ngrams.teacher import encode_unlabelled, read_opinions, teach
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_npz, write_npz, written_together
from imdb_sentiment.runtime.params import PolarityParams
from imdb_sentiment.runtime.progress import Progress, no_progress
from imdb_sentiment.text.encoder import PAD_ID, TextEncoder


def write_polarity(
    reviews: Path,
    sequences: Path,
    vocabulary: Path,
    *,
    params: PolarityParams,
    table: Path,
    channels: Path,
    progress: Progress = no_progress,
) -> None:
    """Learn the polarity of n-grams from the train part of the npz file `sequences`.

    With a `params.teacher` also from the unlabelled reviews of the Parquet table `reviews`, where it has any. Written
    to the npz file `table`, and to `channels` as each part's reviews see it (see `learn_polarity` for those of the
    train part; what the unlabelled reviews say is not held out by movie: there a label tells only through the teacher,
    whom it taught among many). Raises ArtifactError or OutputError.
    """
    encoder = TextEncoder.load(vocabulary)
    size = encoder.vocabulary_size
    if size > LARGEST_VOCABULARY:
        raise ArtifactError(vocabulary, f"{size} tokens", f"at most {LARGEST_VOCABULARY}")
    parts = load_sequences(sequences, size)
    tables, of_train = learn_polarity(parts["train"], size, progress)
    keys = tuple(its for its, _ in tables)
    ids, unlabelled = ([], None) if params.teacher == "none" else encode_unlabelled(reviews, encoder, progress)
    if unlabelled is None or not ids:
        tables += [(np.zeros(0, np.int64), np.zeros(0, np.float16))] * len(ORDERS)
    else:
        if params.teacher == "linear":
            with progress("Fitting the teacher", None, ""):
                y_prob = teach(parts["train"], unlabelled, keys, size)
        else:
            y_prob = read_opinions(Path(params.teacher), ids)
        tables += learn_unlabelled_polarity(unlabelled, y_prob, size, progress)
    learnt = PolarityTable(size, tuple(its for its, _ in tables), tuple(its for _, its in tables))
    seen = {part: learnt.channels(its.token_ids, progress) for part, its in parts.items()}
    seen["train"][..., : len(ORDERS)] = of_train
    with written_together(table, channels) as (partial_table, partial_channels):
        learnt.save(partial_table)
        write_npz(seen, partial_channels)


def load_channels(path: Path, parts: Mapping[str, Sequences]) -> dict[str, NDArray[np.float16]]:
    """Return the channels `float16 [B, T, 6]` of each part. Raises ArtifactError if they are not those of `parts`."""
    arrays = read_npz(path)
    for part, its in parts.items():
        expected = (*its.token_ids.shape, CHANNELS)
        found = arrays.get(part)
        if found is None or found.shape != expected or found.dtype != np.float16:
            shape = "nothing" if found is None else f"{found.dtype} of shape {found.shape}"
            raise ArtifactError(path, f"{shape} for {part}", f"float16 of shape {expected}, that of the token ids")
        if not np.isfinite(found).all() or found[its.token_ids == PAD_ID].any():
            raise ArtifactError(path, f"polarity of padding in {part}, or no numbers", "finite numbers, 0 for padding")
    return {part: arrays[part] for part in parts}
