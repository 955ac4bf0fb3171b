"""Pieces of reviews: whole sentences, with the polarity that they have in their review."""

import numpy as np
import pytest

from imdb_sentiment.artifacts.polarity import CHANNELS, PolarityTable, ngram_keys
from imdb_sentiment.artifacts.sequences import Sequences, pad
from imdb_sentiment.training.pieces import MOST_TOKENS, draw_piece, find_ends, join, split_sentences, take_pieces

END = 2
REVIEWS = [[3, 4, END, 5, 6, 7, END, END, 8], [9, 9, 3, 4]]
VOCABULARY_SIZE = 10


def make_table() -> PolarityTable:
    ids = pad([list(range(3, 10)), [6, 4, 5], *REVIEWS], 12)
    keys = tuple(
        np.unique(found[found >= 0]) for found in (ngram_keys(ids, n, VOCABULARY_SIZE) for n in (1, 2, 3, 1, 2, 3))
    )
    odds = tuple((np.arange(len(known)) + 1 + 100 * index).astype(np.float16) for index, known in enumerate(keys))
    return PolarityTable(VOCABULARY_SIZE, keys, odds)


def make_part(table: PolarityTable | None) -> Sequences:
    token_ids = pad(REVIEWS, 12)
    return Sequences(
        review_ids=np.array(["a", "b"]),
        token_ids=token_ids,
        lengths=np.array([len(ids) for ids in REVIEWS], np.int32),
        labels=np.array([1, 0], np.int8),
        groups=np.array([0, 1], np.int32),
        seen_in_train=np.array([False, True]),
        polarity=None if table is None else table.channels(token_ids),
    )


def test_sentences_end_where_their_marks_stand() -> None:
    assert split_sentences(REVIEWS[0], {END}) == [(0, 3), (3, 7), (7, 8), (8, 9)]
    assert split_sentences([], {END}) == []
    assert find_ends(["<pad>", "<unknown>", ".", "film", "?"]) == {2, 4}


def test_pieces_are_whole_sentences_of_bounded_length() -> None:
    rng = np.random.default_rng(0)
    starts = {draw_piece(REVIEWS[0], {END}, 1, rng)[1][0] for _ in range(50)}
    assert starts == {0, 3}  # not the second full stop, nor what follows it alone
    ids, places = draw_piece([3] * 500, {END}, 4, rng)
    assert (len(ids), places) == (MOST_TOKENS, list(range(MOST_TOKENS)))
    assert draw_piece([END], {END}, 1, rng) == ([END], [0])


def test_pieces_have_the_label_and_polarity_of_their_review() -> None:
    table = make_table()
    part = make_part(table)
    found = take_pieces(part, [0, 1], [([5, 6, 7, END], [3, 4, 5, 6]), ([9], [1])])
    assert found.labels.tolist() == [1, 0]
    assert found.lengths.tolist() == [4, 1]
    assert found.token_ids[0, :5].tolist() == [5, 6, 7, END, 0]
    # The same as looked up: no n-gram reaches over the beginning of the piece.
    assert found.polarity is not None
    np.testing.assert_array_equal(found.polarity, table.channels(found.token_ids))


def test_ngrams_that_the_review_does_not_have_are_looked_up() -> None:
    table = make_table()
    part = make_part(table)
    assert part.polarity is not None
    part.polarity[...] = 7  # what the review says, so that it differs from the table
    found = take_pieces(part, [0], [([5, 9, 7], [3, -1, 5])], table).polarity
    assert found is not None
    looked_up = table.channels(pad([[5, 9, 7]], 12))
    assert (found[0, [0, 2], 0] == 7).all()
    np.testing.assert_array_equal(found[0, 1], looked_up[0, 1])
    np.testing.assert_array_equal(found[0, 2, 1:3], looked_up[0, 2, 1:3])


@pytest.mark.parametrize("has_polarity", [True, False])
def test_joined_parts_have_the_rows_of_both(has_polarity: bool) -> None:
    part = make_part(make_table() if has_polarity else None)
    joined = join(part, take_pieces(part, [1], [([9, 9], [0, 1])]))
    assert len(joined) == 3
    assert joined.labels.tolist() == [1, 0, 0]
    assert joined.token_ids.shape == (3, 12)
    assert (joined.polarity.shape == (3, 12, CHANNELS)) if joined.polarity is not None else not has_polarity
