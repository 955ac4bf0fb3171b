"""Answers: the words for a prediction, by the thresholds that the user chose."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from imdb_sentiment.artifacts.labels import LABEL_NAMES, THRESHOLD
from imdb_sentiment.runtime.errors import InputError

UNCERTAIN: Final = "uncertain"
UNKNOWN: Final = "unknown"  # the label of a text without any word that the model knows


class Answer(NamedTuple):
    """The answer for a text.

    label: positive, negative, uncertain or unknown, None for a row without a text; probability: of being positive, None
    where it means nothing.
    """

    label: str | None
    probability: float | None

    def describe(self) -> str:
        """Return the answer in words, such as `negative (probability of being positive: 0.250)`."""
        if self.probability is None:
            return f"{self.label} (no word that the model knows)"
        return f"{self.label} (probability of being positive: {self.probability:.3f})"


NO_ANSWER: Final = Answer(None, None)


@dataclass(frozen=True)
class Thresholds:
    """From which probability an answer is positive, and below which it is negative; between them it is uncertain."""

    negative_below: float = THRESHOLD
    positive_from: float = THRESHOLD

    @classmethod
    def choose(cls, threshold: float | None, uncertain: tuple[float, float] | None) -> "Thresholds":
        """Return the thresholds that two options name, of which one is given at most. Raises InputError."""
        if threshold is not None and uncertain is not None:
            raise InputError("--threshold: found --uncertain too; expected one of them")
        if uncertain is None:
            found = THRESHOLD if threshold is None else threshold
            low, high, option = found, found, f"--threshold {found}"
        else:
            (low, high), option = uncertain, f"--uncertain {uncertain[0]} {uncertain[1]}"
        if not 0 <= low <= high <= 1:
            raise InputError(f"{option}: found no such probabilities; expected 0 to 1, the lower one first")
        return cls(low, high)

    def answer(self, probability: float, is_known: bool) -> Answer:
        """Return the answer for a text of this probability, with or without a word that the model knows."""
        if not is_known:
            return Answer(UNKNOWN, None)
        label = UNCERTAIN
        if probability >= self.positive_from:
            label = LABEL_NAMES[1]
        elif probability < self.negative_below:
            label = LABEL_NAMES[0]
        return Answer(label, round(probability, 6))
