"""What the stage polarity writes: the table of n-grams, and the channels of every review."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.polarity import LARGEST_VOCABULARY, ORDERS, Halves, Keys, PolarityTable
from imdb_sentiment.artifacts.sequences import Sequences, load_sequences
from imdb_sentiment.ngrams.polarity import Table, learn_polarity, learn_unlabelled_polarity
from imdb_sentiment.ngrams.teacher import encode_unlabelled, read_teacher_labels, teach
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.params import PolarityParams
from imdb_sentiment.runtime.progress import Progress, no_progress
from imdb_sentiment.text.encoder import TextEncoder


def learn_channels(
    reviews: Path, sequences: Path, vocabulary: Path, params: PolarityParams, progress: Progress = no_progress
) -> tuple[PolarityTable, dict[str, Halves]]:
    """Return the polarity table, and the channels `float16 [B, T, 6]` of each part of the npz file `sequences`.

    The first three channels are counted in the train part, held out by film (see `learn_polarity`). With a
    `params.teacher` the others are counted in the unlabelled reviews of the Parquet table `reviews`; those are not held
    out: a single label has almost no effect on what the teacher says. Raises ArtifactError.
    """
    encoder = TextEncoder.load(vocabulary)
    if encoder.size > LARGEST_VOCABULARY:
        raise ArtifactError(vocabulary, f"{encoder.size} tokens", f"at most {LARGEST_VOCABULARY}")
    parts = load_sequences(sequences, encoder.size)
    tables, train_channels = learn_polarity(parts["train"], encoder.size, progress)
    keys = tuple(keys for keys, _ in tables)
    tables += _unlabelled_tables(
        reviews=reviews, encoder=encoder, params=params, train=parts["train"], keys=keys, progress=progress
    )
    table = PolarityTable(encoder.size, tuple(keys for keys, _ in tables), tuple(odds for _, odds in tables))
    channels = {name: table.channels(part.token_ids, progress) for name, part in parts.items()}
    channels["train"][..., : len(ORDERS)] = train_channels
    return table, channels


def _unlabelled_tables(
    *,
    reviews: Path,
    encoder: TextEncoder,
    params: PolarityParams,
    train: Sequences,
    keys: tuple[Keys, ...],
    progress: Progress,
) -> list[Table]:
    ids, token_ids = ([], None) if params.teacher == "none" else encode_unlabelled(reviews, encoder, progress)
    if token_ids is None or not ids:
        return [(np.zeros(0, np.int64), np.zeros(0, np.float16))] * len(ORDERS)
    y_prob: NDArray[np.float64]
    if params.teacher == "linear":
        with progress("Fitting the teacher", None, ""):
            y_prob = teach(train, token_ids, keys, encoder.size)
    else:
        y_prob = read_teacher_labels(Path(params.teacher), ids)
    return learn_unlabelled_polarity(token_ids, y_prob, encoder.size, progress)
