"""Reviews beside their edits: what the model answers to both, and which words made the difference."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple

from imdb_sentiment.artifacts.labels import THRESHOLD
from imdb_sentiment.evaluation.behaviour_labels import REPORTED
from imdb_sentiment.evaluation.behaviour_texts import Pair, load_pairs
from imdb_sentiment.prediction.explanation import Explanation, explain
from imdb_sentiment.prediction.predictor import SentimentModel


class Change(NamedTuple):
    """Words of the review, those of the edit in their place, and what each add to the log-odds of being positive."""

    before: str
    before_contribution: float
    after: str
    after_contribution: float


@dataclass(frozen=True)
class ExplainedPair:
    """A review and its edit with what each word contributes, and the changed words."""

    pair: Pair
    review: Explanation
    edit: Explanation
    changes: list[Change]

    @property
    def is_edit_right(self) -> bool:
        """Whether the edit gets the label that the review does not have."""
        return (self.edit.probability >= THRESHOLD) != (self.pair.label == 1)


def explain_pairs(model: SentimentModel) -> list[ExplainedPair]:
    """Return the first pair of each kind among those held out, whatever the model answers."""
    first: dict[str, Pair] = {}
    for pair in load_pairs():
        if pair.half == REPORTED:
            first.setdefault(pair.kind, pair)
    return [_explain_pair(model, pair) for pair in first.values()]


def find_changes(review: Explanation, edit: Explanation) -> list[Change]:
    """Return where the words of two texts differ, from their beginning to their end."""
    words = [[text.text[word.start : word.end].lower() for word in text.words] for text in (review, edit)]
    operations = SequenceMatcher(a=words[0], b=words[1], autojunk=False).get_opcodes()
    return [
        Change(*_describe(review, start, end), *_describe(edit, other_start, other_end))
        for name, start, end, other_start, other_end in operations
        if name != "equal"
    ]


def _explain_pair(model: SentimentModel, pair: Pair) -> ExplainedPair:
    review, edit = explain(model, pair.review), explain(model, pair.edit)
    return ExplainedPair(pair, review, edit, find_changes(review, edit))


def _describe(text: Explanation, start: int, end: int) -> tuple[str, float]:
    words = text.words[start:end]
    if not words:
        return "", 0.0
    return text.text[words[0].start : words[-1].end], sum(word.contribution or 0.0 for word in words)
