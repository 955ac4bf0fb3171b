"""Opposites of words that carry an opinion: a lexicon written for this project, as token ids of a vocabulary."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from imdb_sentiment.training.pieces import find_ends

# Verbs that "not" follows, and their negated forms as one token.
NEGATED: Final = {
    "is": "isn't",
    "was": "wasn't",
    "are": "aren't",
    "were": "weren't",
    "do": "don't",
    "does": "doesn't",
    "did": "didn't",
    "can": "can't",
    "could": "couldn't",
    "will": "won't",
    "would": "wouldn't",
    "has": "hasn't",
    "have": "haven't",
    "should": "shouldn't",
}
NEGATIONS: Final = ("not", "never", "no", "nothing", "hardly", "barely", "without", *NEGATED.values())
LINKS: Final = ("is", "was", "are", "were", "it's")  # after which "not" may stand


@dataclass(frozen=True)
class Opposites:
    """What `edit` needs to know of the words, by their ids.

    opposites: the words that may replace a word; polarity: 1 for a word of praise, -1 for one of blame; negated: the
    verb of each negated form and the reverse; negations, ends: the words that turn what follows, and those that end a
    sentence; links, not_id: the verbs after which "not" may stand, and "not" itself, where the vocabulary has it.
    """

    opposites: dict[int, tuple[int, ...]]
    polarity: dict[int, int]
    negated: dict[int, int]
    negations: frozenset[int]
    links: frozenset[int]
    ends: frozenset[int]
    not_id: int | None

    @classmethod
    def of(cls, tokens: Sequence[str]) -> "Opposites":
        """Return the words of the lexicon that `tokens`, the vocabulary by id, has."""
        ids = {token: index for index, token in enumerate(tokens)}
        opposites: dict[int, list[int]] = {}
        polarity: dict[int, int] = {}
        for good, bad in _pairs():
            if good in ids and bad in ids:
                opposites.setdefault(ids[good], []).append(ids[bad])
                opposites.setdefault(ids[bad], []).append(ids[good])
                polarity[ids[good]], polarity[ids[bad]] = 1, -1
        plain = {ids[verb]: ids[form] for verb, form in NEGATED.items() if verb in ids and form in ids}

        def known(words: Sequence[str]) -> frozenset[int]:
            return frozenset(ids[word] for word in words if word in ids)

        return cls(
            {word: tuple(others) for word, others in opposites.items()},
            polarity,
            plain | {form: verb for verb, form in plain.items()},
            known(NEGATIONS),
            known(LINKS),
            find_ends(tokens),
            ids.get("not"),
        )


def _pairs() -> list[tuple[str, str]]:
    text = files("imdb_sentiment.training").joinpath("opposites.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return [(good, bad) for goods, bads in rows for good in goods.split() for bad in bads.split()]
