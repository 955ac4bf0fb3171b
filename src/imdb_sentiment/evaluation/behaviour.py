"""Behaviour: whether a classifier is right about changed texts, and how much its probabilities change with them.

After CheckList (Ribeiro et al. 2020, section 2): its minimum functionality tests, which have labels, are in
`behaviour_labels`; the invariance and directional tests here use no label. Any function from texts to the probabilities
of the positive class, `float64 [B]`, can be measured.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.labels import THRESHOLD
from imdb_sentiment.artifacts.reviews import iterate_reviews
from imdb_sentiment.evaluation.behaviour_labels import Predict, measure_labels
from imdb_sentiment.evaluation.behaviour_texts import load_templates
from imdb_sentiment.runtime.errors import ArtifactError

# What stands for `{}` in the templates of each kind of name.
NAMES: Final = {
    "film": ("The Long Harbour", "Glass Orchard", "Seven Winters", "Nora's Boat", "Ashes in June", "Second Violin"),
    "actor": ("Maria Lindgren", "Tom Okafor", "Yuki Tanabe", "Elena Rossi", "Samuel Price", "Priya Raman"),
    "country": ("France", "Nigeria", "Japan", "Brazil", "Poland", "India", "Iran", "Canada"),
    "gender": ("a man", "a woman", "a boy", "a girl"),
}
_SUBJECTS: Final = (
    "The film", "The story", "The acting", "The ending", "The music", "The script", "The cast", "The camera work"
)  # fmt: skip
_GOOD: Final = ("good", "great", "funny", "interesting", "convincing")
_BAD: Final = ("bad", "boring", "terrible", "awful", "disappointing")
_TURNS: Final = (
    ("I expected to hate it, but {0}.", ("I loved it", "it is wonderful", "it won me over", "I had a great time")),
    ("I expected to love it, but {0}.", ("I hated it", "it is terrible", "it lost me soon", "I was bored to tears")),
)
_NEUTRAL: Final = "I saw it on a Tuesday with my brother."
_WORDS_TO_AN_ERROR: Final = 20
_SAMPLE: Final = 500


def sample_reviews(reviews: Path, test_ids: Iterable[str]) -> list[str]:
    """Return the texts of at most 500 of the reviews `test_ids`, evenly spread over their ids.

    Raises ArtifactError.
    """
    wanted = set(test_ids)
    texts: dict[str, str] = {}
    for batch in iterate_reviews(reviews, ["review_id", "text"]):
        rows = batch.to_pylist()
        texts |= {row["review_id"]: row["text"] for row in rows if row["review_id"] in wanted}
    if not texts:
        raise ArtifactError(reviews, "no test review", "some, to change their texts")
    ids = sorted(texts)
    return [texts[ids[at]] for at in np.unique(np.linspace(0, len(ids) - 1, _SAMPLE).astype(int))]


def measure_behaviour(predict: Predict, reviews: Sequence[str]) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the rates of `measure_labels` and behind them those of `measure_changes`, and the details of the first."""
    rates, details = measure_labels(predict)
    return rates | measure_changes(predict, reviews), details


def measure_changes(predict: Predict, reviews: Sequence[str], seed: int = 0) -> dict[str, float]:
    """Return the rates: shares of pairs in the right order, mean changes of the probability, shares of flips.

    A prediction flips if it goes from positive to negative or back (`..._other_side`). Names, negation and turns are
    measured on sentences written for it; typing errors, capitals and an added sentence on `reviews`.
    """
    hated_first, loved_first = (predict([start.format(end) for end in ends]) for start, ends in _TURNS)
    before = predict(list(reviews))
    rates = {
        f"{kind}_name_change": _mean_change(
            predict([text.format(name) for text, name in product(texts, NAMES[kind])]).reshape(len(texts), -1)
        )
        for kind, texts in load_templates().items()
    }
    rates |= {
        "not_good_below_good": float((_negated(predict, _GOOD) < 0).mean()),
        "not_bad_over_bad": float((_negated(predict, _BAD) > 0).mean()),
        "turned_over": float(np.mean([*(hated_first >= THRESHOLD), *(loved_first < THRESHOLD)])),
    }
    rng = np.random.default_rng(seed)
    changes = {
        "neutral_sentence": [f"{review} {_NEUTRAL}" for review in reviews],
        "typing_errors": [with_typing_errors(review, rng) for review in reviews],
        "capitals": [review.upper() for review in reviews],
    }
    for name, changed in changes.items():
        after = predict(changed)
        rates[f"{name}_change"] = float(np.abs(after - before).mean())
        rates[f"{name}_other_side"] = float(((after >= THRESHOLD) != (before >= THRESHOLD)).mean())
    return rates


def with_typing_errors(text: str, rng: np.random.Generator) -> str:
    """Return `text` with two neighbouring inner letters exchanged in about every twentieth word of four or more."""
    words = text.split(" ")
    for index in np.flatnonzero(rng.random(len(words)) < 1 / _WORDS_TO_AN_ERROR):
        word = words[index]
        if len(word) >= 4 and word.isalpha():
            at = int(rng.integers(1, len(word) - 2))
            words[index] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _negated(predict: Predict, words: Sequence[str]) -> NDArray[np.float64]:
    """Return how much "not" adds to the probability, for each subject and word."""
    plain, negated = (
        predict([f"{subject} is {given}{word}." for subject, word in product(_SUBJECTS, words)])
        for given in ("", "not ")
    )
    return negated - plain


def _mean_change(probabilities: NDArray[np.float64]) -> float:
    """Return the mean difference of two probabilities in the same row of `probabilities float64 [texts, names]`."""
    names = probabilities.shape[1]
    distances = np.abs(probabilities[:, :, None] - probabilities[:, None, :])
    return float(distances.sum() / (len(probabilities) * names * (names - 1)))
