"""How much each word of a review counted: what the probability would be without it.

Erasure (Li, Monroe, Jurafsky 2016, "Understanding Neural Networks through Representation Erasure", section 3): each
word is taken out once, and the model reads what is left. It asks nothing of the model but its answers, and what it says
is what happened, not what a gradient makes likely. `measure_faithfulness` checks that by taking out several at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.artifacts.vocabulary import UNKNOWN_ID
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.runtime.progress import Progress, no_progress, track
from imdb_sentiment.text.cleaning import clean_text
from imdb_sentiment.text.encoder import keep_ends
from imdb_sentiment.text.tokenization import token_spans

_CERTAIN = 1e-7  # the nearest to 0 or 1 that single precision tells from it


@dataclass(frozen=True)
class Word:
    """One token: where it stands in the text, and what it adds to the log-odds of a positive review.

    contribution: above 0 where the word speaks for a positive review; None in the middle of a long one, which the model
    does not read.
    """

    start: int
    end: int
    contribution: float | None


@dataclass(frozen=True)
class Explanation:
    """A review as it was read, the probability that it is positive, and its words in their order."""

    text: str
    probability: float
    words: list[Word]

    def strongest(self, count: int) -> list[tuple[str, float]]:
        """Return the words that counted most, each with its contribution, the strongest first."""
        read = [(self.text[its.start : its.end], its.contribution) for its in self.words if its.contribution]
        return sorted(read, key=lambda its: -abs(its[1]))[:count]


def explain(model: SentimentModel, text: str) -> Explanation:
    """Return how much each word of `text` counted."""
    cleaned = clean_text(text)
    spans = token_spans(cleaned)
    ids = np.array(model.encoder.encode(cleaned), np.int32)
    read = keep_ends(list(range(len(spans))), model.encoder.max_length, model.encoder.head_share)
    probability = _predict(model, [ids])[0]
    contributions = dict(zip(read, contributions_of(model, ids).tolist(), strict=False))
    words = [Word(start, end, contributions.get(index)) for index, (start, end) in enumerate(spans)]
    return Explanation(cleaned, float(probability), words)


def contributions_of(model: SentimentModel, ids: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return what each of the token ids `int32 [T]` adds to the log-odds, `float64 [T]`."""
    count = len(ids)
    if count == 1:
        return _log_odds(_predict(model, [ids])) - _log_odds(_predict(model, [ids[:0]]))
    others = np.broadcast_to(ids, (count, count))[~np.eye(count, dtype=bool)].reshape(count, count - 1)
    without = model.predict_encoded(others, np.full(count, count - 1, np.int32))
    return _log_odds(_predict(model, [ids])) - _log_odds(without)


def measure_faithfulness(
    model: SentimentModel, texts: Sequence[str], share: float = 0.1, seed: int = 0, progress: Progress = no_progress
) -> dict[str, float | int]:
    """Take the `share` of words that speak most for what the model says of a review out of it, and as many at random.

    Returns by how much that lowers the probability of what it said, on average: comprehensiveness (DeYoung et al.
    2020, "ERASER", section 4), and how often the former lowers it more.
    """
    rng = np.random.default_rng(seed)
    drops: list[tuple[float, float]] = []
    for text in track(progress, texts, "Explaining", len(texts), "reviews"):
        ids = np.array(model.encoder.encode(clean_text(text)), np.int32)
        count = max(1, round(share * len(ids)))
        before = _predict(model, [ids])[0]
        sign = 1 if before >= 0.5 else -1
        top = np.argsort(-sign * contributions_of(model, ids), kind="stable")[:count]
        chosen = rng.choice(len(ids), count, replace=False)
        after = _predict(model, [np.delete(ids, top), np.delete(ids, chosen)])
        drops.append((float(sign * (before - after[0])), float(sign * (before - after[1]))))
    top_drops, random_drops = np.array(drops).T
    return {
        "reviews": len(texts),
        "share_of_words": share,
        "drop_by_top_words": float(top_drops.mean()),
        "drop_by_random_words": float(random_drops.mean()),
        "top_words_drop_more": float((top_drops > random_drops).mean()),
    }


def _predict(model: SentimentModel, texts: Sequence[NDArray[np.int32]]) -> NDArray[np.float64]:
    # As the encoder does it: nothing is one unknown word.
    filled = [ids.tolist() or [UNKNOWN_ID] for ids in texts]
    lengths = np.array([len(ids) for ids in filled], np.int32)
    return model.predict_encoded(pad(filled, model.encoder.max_length), lengths)


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    finite = np.clip(probabilities, _CERTAIN, 1 - _CERTAIN)
    odds: NDArray[np.float64] = np.log(finite) - np.log1p(-finite)
    return odds
