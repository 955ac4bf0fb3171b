"""From a review's text to its tokens."""

import re

# A word with its inner apostrophes ("don't"), or one punctuation mark: "!" and "?" tell of sentiment too.
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]|_")
_CURLY_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"


def tokenize(text: str) -> list[str]:
    """Return the lower-case tokens of `text`.

    `tokenize("I don't like it!") -> ["i", "don't", "like", "it", "!"]`
    """
    return _TOKEN.findall(text.lower().replace(_CURLY_APOSTROPHE, "'"))
