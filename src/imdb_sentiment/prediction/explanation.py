"""How much each word of a review adds to the prediction, found by removing it.

Erasure (Li, Monroe, Jurafsky 2016, "Understanding Neural Networks through Representation Erasure", section 3): each
word is removed once, and the model classifies the rest. This needs only the model's predictions, and it measures what
really happens without the word, where a gradient only estimates it. `measure_faithfulness` checks the result by
removing several words at once.
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

# Tokens that are read to explain a text, some seconds of work: one of T tokens is read once for each removal. Of more
# than 1,414 tokens, neighbours are removed together, or the time would grow with the square of the length.
MOST_READ = 2_000_000
_ROWS_AT_ONCE = 512  # a review of T tokens is read T times: all at once, they would take memory in proportion to T * T
_SMALLEST_PROBABILITY = 1e-7  # nearer to 0 or 1, single precision cannot tell the difference


@dataclass(frozen=True)
class Word:
    """One token: its place in the text, and what it adds to the log-odds of a positive review.

    contribution: above 0 where the word makes a positive prediction more likely; None for words in the middle of a
    long review, which the model does not read.
    """

    start: int
    end: int
    contribution: float | None


@dataclass(frozen=True)
class Explanation:
    """A cleaned review, the probability that it is positive, and its words in order."""

    text: str
    probability: float
    words: list[Word]

    def strongest(self, count: int) -> list[tuple[str, float]]:
        """Return the `count` words that add or subtract most, strongest first, each with its contribution."""
        read = [(self.text[word.start : word.end], word.contribution) for word in self.words if word.contribution]
        return sorted(read, key=lambda item: -abs(item[1]))[:count]


def explain(model: SentimentModel, text: str) -> Explanation:
    """Return the prediction for `text` and what each word adds to it."""
    cleaned = clean_text(text)
    spans = token_spans(cleaned)
    ids = np.array(model.encoder.encode(cleaned), np.int32)
    read = keep_ends(list(range(len(spans))), model.encoder.max_length, model.encoder.head_share)
    probability = _predict(model, [ids])[0]
    # Not strict: a text without words is encoded as one unknown token.
    contributions = dict(zip(read, token_contributions(model, ids).tolist(), strict=False))
    words = [Word(start, end, contributions.get(index)) for index, (start, end) in enumerate(spans)]
    return Explanation(cleaned, float(probability), words)


def token_contributions(model: SentimentModel, ids: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return what each of the token ids `int32 [T]` adds to the log-odds, `float64 [T]`.

    Where this would read more than MOST_READ tokens, neighbours are removed together, and share what they add.
    """
    count = len(ids)
    if count == 1:
        return _log_odds(_predict(model, [ids])) - _log_odds(_predict(model, [ids[:0]]))
    together = -(-count * count // MOST_READ)
    starts = range(0, count, together)
    without = np.empty(len(starts), np.float64)
    rows_at_once = max(1, _ROWS_AT_ONCE // together)
    for first in range(0, len(starts), rows_at_once):
        others = [np.delete(ids, slice(start, start + together)) for start in starts[first : first + rows_at_once]]
        without[first : first + len(others)] = _predict(model, others)
    added = _log_odds(_predict(model, [ids])) - _log_odds(without)
    sizes = np.minimum(together, count - np.array(starts))
    return np.repeat(added / sizes, sizes)


def measure_faithfulness(
    model: SentimentModel, texts: Sequence[str], share: float = 0.1, seed: int = 0, progress: Progress = no_progress
) -> dict[str, float | int]:
    """Remove the `share` of words that most support each prediction, and compare with removing as many at random.

    Returns how much each lowers the probability of the predicted label on average (comprehensiveness; DeYoung et al.
    2020, "ERASER", section 4), and how often the top words lower it more than the random ones.
    """
    rng = np.random.default_rng(seed)
    drops: list[tuple[float, float]] = []
    for text in track(progress, texts, "Explaining", len(texts), "reviews"):
        ids = np.array(model.encoder.encode(clean_text(text)), np.int32)
        count = max(1, round(share * len(ids)))
        before = _predict(model, [ids])[0]
        sign = 1 if before >= 0.5 else -1
        top = np.argsort(-sign * token_contributions(model, ids), kind="stable")[:count]
        random = rng.choice(len(ids), count, replace=False)
        after = _predict(model, [np.delete(ids, top), np.delete(ids, random)])
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
    # Like the encoder, replace a text without words by one unknown token.
    filled = [ids.tolist() or [UNKNOWN_ID] for ids in texts]
    lengths = np.array([len(ids) for ids in filled], np.int32)
    return model.predict_encoded(pad(filled, model.encoder.max_length), lengths)


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    finite = np.clip(probabilities, _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    odds: NDArray[np.float64] = np.log(finite) - np.log1p(-finite)
    return odds
