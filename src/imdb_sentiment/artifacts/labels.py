"""The two classes, and where one ends and the other begins."""

from typing import Final

LABEL_NAMES: Final = ("negative", "positive")  # by label: 0 and 1
THRESHOLD: Final = 0.5  # a review of this probability, or a larger one, is called positive


def label_name(probability: float) -> str:
    """Return what a review of this probability is called."""
    return LABEL_NAMES[int(probability >= THRESHOLD)]


def describe(probability: float) -> str:
    """Say label and probability: `describe(0.25) -> "negative (probability of being positive: 0.250)"`."""
    return f"{label_name(probability)} (probability of being positive: {probability:.3f})"
