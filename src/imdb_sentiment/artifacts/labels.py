"""The two classes, and the probability that separates them."""

from typing import Final

LABEL_NAMES: Final = ("negative", "positive")  # by label: 0 and 1
THRESHOLD: Final = 0.5  # a review of this probability or more is called positive


def label_name(probability: float) -> str:
    """Return the label of a review of this probability."""
    return LABEL_NAMES[int(probability >= THRESHOLD)]


def describe(probability: float) -> str:
    """Return label and probability in words: `describe(0.25) -> "negative (probability of being positive: 0.250)"`."""
    return f"{label_name(probability)} (probability of being positive: {probability:.3f})"
