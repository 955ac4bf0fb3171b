"""Edited pieces: the opinion is turned round by rule, and only where the rule knows it."""

from dataclasses import replace

import numpy as np
import pytest

from imdb_sentiment.artifacts.sequences import Sequences, pad
from imdb_sentiment.artifacts.vocabulary import SPECIAL_TOKENS
from imdb_sentiment.text.tokenization import tokenize
from imdb_sentiment.training.augmentation import augment, edit
from imdb_sentiment.training.opposites import Opposites
from imdb_sentiment.training.pieces import MOST_TOKENS

WORDS = (
    ". ! the a it film plot and is isn't was wasn't did didn't not never love loved hated hate good bad poor great "
    "awful terrible boring bored dull tedious exciting gripping fascinating fun they talk recommend avoid skip very"
)
TOKENS = (*SPECIAL_TOKENS, *WORDS.split())
IDS = {token: index for index, token in enumerate(TOKENS)}
OPPOSITES = Opposites.of(TOKENS)


def ids_of(text: str) -> list[int]:
    return [IDS[token] for token in tokenize(text)]


def edits_of(text: str, label: int) -> set[str]:
    """Return all edits that 40 seeds make of `text`."""
    found = (edit(ids_of(text), label, OPPOSITES, np.random.default_rng(seed)) for seed in range(40))
    return {" ".join(TOKENS[index] for index in piece[0]) for piece in found if piece is not None}


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("they loved it .", 1, {"they hated it ."}),
        ("the plot is boring .", 0, {"the plot is not boring ."}),
        ("it is not good .", 0, {"it is good ."}),
        ("it isn't good .", 0, {"it is good ."}),
        ("the film is never dull .", 1, set()),
    ],
)
def test_words_or_negation_are_turned_round(text: str, label: int, expected: set[str]) -> None:
    found = edits_of(text, label)
    assert " ".join(tokenize(text)) not in found
    assert found >= expected
    assert all(len(set(edited.split()) ^ set(tokenize(text))) <= 2 for edited in found)


def test_both_ways_to_turn_an_opinion_are_used() -> None:
    found = edits_of("the film was good .", 1)
    assert found & {"the film was bad .", "the film was poor ."}
    assert found & {"the film was not good .", "the film wasn't good ."}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("they talk and talk .", 1),  # no opinion that the lexicon knows
        ("the plot is boring .", 1),  # not the opinion of the label
        ("the film is good and the plot is bad .", 1),  # one of each
        ("it is not good .", 1),
    ],
)
def test_text_without_the_opinion_of_its_label_is_not_edited(text: str, label: int) -> None:
    assert edits_of(text, label) == set()


def test_places_name_the_words_that_stayed() -> None:
    ids = ids_of("the film is good . they talk .")
    for seed in range(20):
        piece = edit(ids, 1, OPPOSITES, np.random.default_rng(seed))
        assert piece is not None
        for token, place in zip(*piece, strict=True):
            assert place == -1 or ids[place] == token
        assert -1 in piece[1]


def make_train(*texts: str) -> Sequences:
    encoded = [ids_of(text) for text in texts]
    count = len(texts)
    return Sequences(
        review_ids=np.array([str(number) for number in range(count)]),
        token_ids=pad(encoded, 240),
        lengths=np.array([len(ids) for ids in encoded], np.int32),
        labels=np.array([number % 2 for number in range(count)], np.int8),
        groups=np.arange(count, dtype=np.int32),
        seen_in_train=np.zeros(count, bool),
    )


TRAIN = make_train(
    "the film is bad . it is dull .", "the plot is great ! they loved it .", "they talk ." * 80, "it is good ."
)


def test_pieces_come_behind_the_reviews_and_keep_their_labels() -> None:
    found = augment(TRAIN, OPPOSITES, None, pieces=2.5, edited=0, seed=0)
    assert len(found) == 4 + 10
    np.testing.assert_array_equal(found.token_ids[:4], TRAIN.token_ids)
    reviews = dict(zip(TRAIN.review_ids, TRAIN.labels, strict=True))
    assert all(reviews[key] == label for key, label in zip(found.review_ids, found.labels, strict=True))
    assert found.lengths[4:].max() <= MOST_TOKENS


def test_edited_pieces_have_the_other_label() -> None:
    found = augment(TRAIN, OPPOSITES, None, pieces=0, edited=1, seed=0)
    assert found.review_ids[4:].tolist() == ["0", "1", "3"]  # the third has no opinion
    assert found.labels[4:].tolist() == [1, 0, 0]


def test_equal_seeds_give_equal_examples_and_other_seeds_others() -> None:
    first, same, other = (
        augment(TRAIN, OPPOSITES, None, pieces=3, edited=1, seed=seed).token_ids.tobytes() for seed in (1, 1, 2)
    )
    assert first == same != other


def test_without_pieces_the_reviews_are_all() -> None:
    assert augment(TRAIN, OPPOSITES, None, pieces=0, edited=0, seed=0) is TRAIN
    unknown = Opposites.of(SPECIAL_TOKENS)  # such as the words of another language
    assert augment(replace(TRAIN), unknown, None, pieces=0, edited=1, seed=0).labels.tolist() == TRAIN.labels.tolist()
