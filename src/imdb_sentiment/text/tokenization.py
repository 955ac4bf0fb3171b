"""From a review's text to its tokens."""

import re
import unicodedata
from functools import cache
from typing import Final

# A word with its inner apostrophes ("don't"), or one punctuation mark: "!" and "?" carry sentiment too.
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]|_")
CURLY_APOSTROPHE: Final = "\N{RIGHT SINGLE QUOTATION MARK}"


def tokenize(text: str) -> list[str]:
    """Return the lower-case tokens of `text`.

    `tokenize("I don't like it!") -> ["i", "don't", "like", "it", "!"]`
    """
    plain = _plain(text)
    shape = _shape(plain)
    if shape is plain:
        return _TOKEN.findall(plain)
    return [plain[match.start() : match.end()] for match in _TOKEN.finditer(shape)]


def token_spans(text: str) -> list[tuple[int, int]]:
    """Return where each token of `tokenize(text)` begins and ends in `text`.

    `token_spans("So good!") -> [(0, 2), (3, 7), (7, 8)]`
    """
    plain = _plain(text)
    spans = [match.span() for match in _TOKEN.finditer(_shape(plain))]
    if len(plain) == len(text):
        return spans
    # A few capitals become two characters in lower case: find where each character of the plain text comes from.
    origins = [index for index, character in enumerate(text) for _ in _plain(character)]
    return [(origins[start], origins[end - 1] + 1) for start, end in spans]


@cache
def is_part_of_word(character: str) -> bool:
    """Tell whether a character is a letter, a digit, or a mark on one, as which many scripts write vowels."""
    return character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")


def _plain(text: str) -> str:
    return text.lower().replace(CURLY_APOSTROPHE, "'")


def _shape(plain: str) -> str:
    """Return `plain` with a letter in place of each combining mark: Python's expressions know no marks."""
    if plain.isascii():
        return plain
    marks = [character for character in set(plain) if not character.isalnum() and is_part_of_word(character)]
    return plain.translate({ord(mark): "a" for mark in marks}) if marks else plain
