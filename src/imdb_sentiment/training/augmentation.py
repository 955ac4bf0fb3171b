"""Further training examples: pieces of reviews, and pieces whose opinion was turned round by rule, label too.

A model that has read whole reviews only can guess the label from many words that merely go with it, and has never seen
a sentence alone. Pieces show it short texts. Edited pieces differ from reviews in the words that carry the opinion, and
in little else (Wang, Culotta 2021, "Robustness to Spurious Correlations in Text Classification via Automatically
Generated Counterfactuals").
"""

from dataclasses import replace
from itertools import starmap
from typing import Final

import numpy as np

from imdb_sentiment.artifacts.polarity import PolarityTable
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.training.opposites import Opposites
from imdb_sentiment.training.pieces import Piece, draw_piece, join, split_sentences, take_pieces

_MEAN_SENTENCES: Final = 3
_TRIES: Final = 4  # pieces of a review that are drawn until one can be edited
_SCOPE: Final = 3  # words that a negation turns
_REACH: Final = 6  # words before an opinion where a negation is put in or taken out
_NEGATED_SHARE: Final = 0.4  # of the sentences with an opinion: their negation is changed, not their words


def augment(
    train: Sequences, words: Opposites, table: PolarityTable | None, *, pieces: float, edited: float, seed: int
) -> Sequences:
    """Return `train` and behind it `pieces` pieces, and up to `edited` edited ones, for each review on average.

    `table` has the polarity of n-grams that an edit makes; None if `train` has no polarity.
    """
    rng = np.random.default_rng(seed)
    reviews = [train.token_ids[row, : train.lengths[row]].tolist() for row in range(len(train))]
    rows = _draw_rows(len(reviews), pieces, rng)
    found = [draw_piece(reviews[row], words.ends, _MEAN_SENTENCES, rng) for row in rows]
    is_edited = [False] * len(rows)
    for row in _draw_rows(len(reviews), edited, rng):
        piece = _edited_piece(reviews[row], int(train.labels[row]), words, rng)
        if piece is not None:
            rows.append(row)
            found.append(piece)
            is_edited.append(True)
    if not rows:
        return train
    taken = take_pieces(train, rows, found, table)
    return join(train, replace(taken, labels=np.where(is_edited, 1 - taken.labels, taken.labels)))


def edit(ids: list[int], label: int, words: Opposites, rng: np.random.Generator) -> Piece | None:
    """Return a text with the opinion turned round, or None where its words do not all have the opinion of `label`.

    In each sentence the words of the lexicon are replaced by opposites, or a negation is put in or taken out.
    """
    opinions = _opinions(ids, words)
    if not opinions or set(opinions.values()) != {1 if label else -1}:
        return None
    edited: Piece = ([], [])
    for first, last in split_sentences(ids, words.ends):
        here = [index for index in opinions if first <= index < last]
        changed = {index: [_choose(words.opposites[ids[index]], rng)] for index in here}
        if here and rng.random() < _NEGATED_SHARE:
            changed = _change_negation(ids, first, here[0], words) or changed
        for index in range(first, last):
            new = changed.get(index, [ids[index]])
            edited[0].extend(new)
            edited[1].extend([index if token == ids[index] else -1 for token in new])
    return edited if edited[0] else None


def _edited_piece(ids: list[int], label: int, words: Opposites, rng: np.random.Generator) -> Piece | None:
    for _ in range(_TRIES):
        drawn, places = draw_piece(ids, words.ends, _MEAN_SENTENCES, rng)
        piece = edit(drawn, label, words, rng)
        if piece is not None:
            return piece[0], [places[0] + place if place >= 0 else -1 for place in piece[1]]
    return None


def _change_negation(ids: list[int], first: int, opinion: int, words: Opposites) -> dict[int, list[int]]:
    """Return what stands for a word so that the negation of the opinion changes; nothing where none can be changed.

    A negation between `first`, where the sentence begins, and the place of the opinion is taken out; if there is none,
    one is put in at the verb.
    """
    before = range(opinion - 1, max(first, opinion - _REACH) - 1, -1)
    for index in before:
        if ids[index] == words.not_id:
            return {index: []}
        if ids[index] in words.negations:
            return {index: [words.negated[ids[index]]]} if ids[index] in words.negated else {}
    for index in before:
        if ids[index] in words.links and words.not_id is not None:
            return {index: [ids[index], words.not_id]}
        if ids[index] in words.negated:
            return {index: [words.negated[ids[index]]]}
    return {}


def _opinions(ids: list[int], words: Opposites) -> dict[int, int]:
    """Return the polarity, 1 or -1, at each place of a word of the lexicon, turned by a negation before it."""

    def polarity(index: int, token: int) -> tuple[int, int]:
        is_negated = words.negations.intersection(ids[max(0, index - _SCOPE) : index])
        return index, words.polarity.get(token, 0) * (-1 if is_negated else 1)

    return {index: sign for index, sign in starmap(polarity, enumerate(ids)) if sign}


def _choose(others: tuple[int, ...], rng: np.random.Generator) -> int:
    return others[int(rng.integers(len(others)))]


def _draw_rows(count: int, share: float, rng: np.random.Generator) -> list[int]:
    """Return `share * count` rows: each equally often, and the rest at random."""
    whole = int(share)
    rest = rng.permutation(count)[: round((share - whole) * count)]
    return [*(list(range(count)) * whole), *np.sort(rest).tolist()]
