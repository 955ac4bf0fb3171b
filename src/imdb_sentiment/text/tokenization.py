"""From a review's text to its tokens."""

import re
from typing import Final

# A word with its inner apostrophes ("don't"), or one punctuation mark: "!" and "?" carry sentiment too.
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]|_")
CURLY_APOSTROPHE: Final = "\N{RIGHT SINGLE QUOTATION MARK}"


def tokenize(text: str) -> list[str]:
    """Return the lower-case tokens of `text`.

    `tokenize("I don't like it!") -> ["i", "don't", "like", "it", "!"]`
    """
    return _TOKEN.findall(_plain(text))


def token_spans(text: str) -> list[tuple[int, int]]:
    """Return where each token of `tokenize(text)` begins and ends in `text`.

    `token_spans("So good!") -> [(0, 2), (3, 7), (7, 8)]`
    """
    plain = _plain(text)
    spans = [match.span() for match in _TOKEN.finditer(plain)]
    if len(plain) == len(text):
        return spans
    # A few capitals become two characters in lower case: find where each character of the plain text comes from.
    origins = [index for index, character in enumerate(text) for _ in _plain(character)]
    return [(origins[start], origins[end - 1] + 1) for start, end in spans]


def _plain(text: str) -> str:
    return text.lower().replace(CURLY_APOSTROPHE, "'")
