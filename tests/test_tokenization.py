"""Tokens: every character but white space ends up in exactly one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment.text.tokenization import tokenize

# Ordinary text rarely comes out of all of Unicode by chance: letters, apostrophes and marks close together do more.
TEXTS = st.one_of(st.text(), st.text(alphabet="aBé'_-!. \n\u20199\u0130"))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I don't like it!", ["i", "don't", "like", "it", "!"]),
        ("", []),
        (" \n\t", []),
        ("GREAT film", ["great", "film"]),
        ("'tis the season", ["'", "tis", "the", "season"]),
        ("the boys' film", ["the", "boys", "'", "film"]),
        ("rock 'n' roll", ["rock", "'", "n", "'", "roll"]),
        ("fo'c's'le", ["fo'c's'le"]),
        ("a''b", ["a", "'", "'", "b"]),
        ("what?!...", ["what", "?", "!", ".", ".", "."]),
        ("well-made", ["well", "-", "made"]),
        ("snake_case __", ["snake", "_", "case", "_", "_"]),
        ("8/10 in 1999", ["8", "/", "10", "in", "1999"]),
        ("café NAÏVE", ["café", "naïve"]),
        ("<pad> <unknown>", ["<", "pad", ">", "<", "unknown", ">"]),
    ],
)
def test_a_text_becomes_its_words_and_marks(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


def test_a_curly_apostrophe_is_an_apostrophe() -> None:
    assert tokenize("don\N{RIGHT SINGLE QUOTATION MARK}t") == tokenize("don't") == ["don't"]


@settings(deadline=None)
@given(TEXTS)
def test_nothing_but_white_space_is_lost(text: str) -> None:
    kept = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()
    assert "".join(tokenize(text)) == "".join(kept)


@settings(deadline=None)
@given(TEXTS)
def test_tokens_joined_by_spaces_give_the_same_tokens_again(text: str) -> None:
    assert tokenize(" ".join(tokenize(text))) == tokenize(text)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_white_space_separates_tokens(left: str, right: str) -> None:
    # A final sigma is lower-cased by what stands beside it, so each side is lower-case before they meet.
    left, right = left.lower(), right.lower()
    assert tokenize(f"{left} {right}") == tokenize(left) + tokenize(right)


@settings(deadline=None)
@given(TEXTS)
def test_a_token_is_a_word_or_one_mark(text: str) -> None:
    for token in tokenize(text):
        assert token
        assert not any(character.isspace() for character in token)
        assert len(token) == 1 or all(part.isalnum() for part in token.split("'"))
