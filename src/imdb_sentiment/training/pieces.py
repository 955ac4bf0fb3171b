"""Pieces of reviews, some sentences each, as examples of their own."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.polarity import CHANNELS, ORDERS, PolarityTable
from imdb_sentiment.artifacts.sequences import Sequences, pad

SENTENCE_ENDS: Final = (".", "!", "?")
MOST_TOKENS: Final = 96  # of a piece

# The token ids of a piece, and the place of each in its review; -1 for one that the review does not have there.
Piece = tuple[list[int], list[int]]


def find_ends(tokens: Sequence[str]) -> frozenset[int]:
    """Return the ids of what ends a sentence, in a vocabulary by id."""
    return frozenset(index for index, token in enumerate(tokens) if token in SENTENCE_ENDS)


def split_sentences(ids: Sequence[int], ends: Collection[int]) -> list[tuple[int, int]]:
    """Return where each sentence begins and ends.

    `split_sentences([7, 8, 2, 9], {2}) -> [(0, 3), (3, 4)]`
    """
    bounds = sorted({0, len(ids), *(index + 1 for index, token in enumerate(ids) if token in ends)})
    return list(pairwise(bounds))


def draw_piece(ids: list[int], ends: Collection[int], mean_sentences: float, rng: np.random.Generator) -> Piece:
    """Return some sentences of a review, one at least and `mean_sentences` on average; MOST_TOKENS tokens at most."""
    # A second full stop ends nothing.
    sentences = [(first, last) for first, last in split_sentences(ids, ends) if last - first > 1] or [(0, len(ids))]
    first = int(rng.integers(len(sentences)))
    last = min(len(sentences), first + int(rng.geometric(1 / mean_sentences))) - 1
    start, end = sentences[first][0], min(sentences[last][1], sentences[first][0] + MOST_TOKENS)
    return ids[start:end], list(range(start, end))


def take_pieces(
    part: Sequences, rows: Sequence[int], pieces: Sequence[Piece], table: PolarityTable | None = None
) -> Sequences:
    """Return N `pieces` of the reviews `rows` of a part, with the labels of these.

    The polarity of an n-gram that a piece shares with its review is the review's, which in the train part does not
    count its own film. That of a new one is looked up in `table`; without a table, it is 0.
    """
    of = np.asarray(rows, np.int64)
    width = part.token_ids.shape[1]
    kept = [(ids[:width], places[:width]) for ids, places in pieces]
    token_ids = pad([ids for ids, _ in kept], width)
    lengths = np.array([len(ids) for ids, _ in kept], np.int32)
    polarity = None
    if part.polarity is not None:
        longest = int(lengths.max(initial=1))
        places = np.full((len(kept), longest), -1, np.int64)
        for row, (_, origins) in zip(places, kept, strict=True):
            row[: len(origins)] = origins
        polarity = np.zeros((len(kept), width, CHANNELS), np.float16)
        polarity[:, :longest] = _polarity(token_ids[:, :longest], of, places, part.polarity, table)
    return Sequences(
        part.review_ids[of],
        token_ids,
        lengths,
        part.labels[of],
        part.groups[of],
        part.seen_in_train[of],
        polarity,
    )


def join(first: Sequences, second: Sequences) -> Sequences:
    """Return the rows of `first` and behind them those of `second`."""
    fields = ("review_ids", "token_ids", "lengths", "labels", "groups", "seen_in_train")
    joined = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in fields}
    if first.polarity is not None and second.polarity is not None:
        joined["polarity"] = np.concatenate([first.polarity, second.polarity])
    return replace(first, **joined)


def _polarity(
    token_ids: NDArray[np.int32],
    rows: NDArray[np.int64],
    places: NDArray[np.int64],
    polarity: NDArray[np.float16],
    table: PolarityTable | None,
) -> NDArray[np.float16]:
    """Return the channels `float16 [N, T, 6]` of pieces `int32 [N, T]`, whose words stand at `places int64 [N, T]`."""
    channels = np.zeros((*token_ids.shape, CHANNELS), np.float16) if table is None else table.channels(token_ids)
    from_review = polarity[rows[:, None], np.maximum(places, 0)]
    for index in range(CHANNELS):
        order = ORDERS[index % len(ORDERS)]
        is_shared = places >= 0
        is_shared[:, : order - 1] = False
        for back in range(1, order):
            is_shared[:, back:] &= places[:, back:] - places[:, :-back] == back
        channels[..., index] = np.where(is_shared, from_review[..., index], channels[..., index])
    return channels
