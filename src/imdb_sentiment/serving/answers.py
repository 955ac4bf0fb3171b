"""Answers in JSON: predictions with how sure the model is, and explanations."""

from collections.abc import Sequence
from typing import Any, Final

from imdb_sentiment.artifacts.vocabulary import UNKNOWN_ID
from imdb_sentiment.prediction.answers import Answer, Thresholds
from imdb_sentiment.prediction.explanation import explain
from imdb_sentiment.prediction.predictor import SentimentModel

# The probability of the label from which a phrase holds; the model is calibrated on whole reviews.
_CERTAINTY: Final = ((0.97, "almost certain"), (0.85, "fairly sure"), (0.65, "leaning this way"), (0.0, "undecided"))
FEW_WORDS: Final = 20


def predict_answers(model: SentimentModel, texts: Sequence[str]) -> list[Answer]:
    """Return the answer for each of `texts`."""
    (_, probabilities), is_known = model.predict_with_known(texts)
    return list(map(Thresholds().answer, probabilities.tolist(), is_known.tolist()))


def as_object(answer: Answer) -> dict[str, Any]:
    """Return `answer` with how sure it is in words: `{"label": "positive", …, "certainty": "fairly sure"}`."""
    return {**answer._asdict(), "certainty": describe_certainty(answer.probability)}


def describe_certainty(probability: float | None) -> str:
    """Return how sure a prediction is, in words: `describe_certainty(0.1) -> "fairly sure"`."""
    if probability is None:
        return "no word that the model knows"
    return next(phrase for least, phrase in _CERTAINTY if max(probability, 1 - probability) >= least)


def explain_text(model: SentimentModel, text: str) -> dict[str, Any]:
    """Return the answer for `text`, and what each of its words adds to it."""
    explanation = explain(model, text)
    ids = model.encoder.token_ids(explanation.text)
    is_known = [token_id != UNKNOWN_ID for token_id in ids]
    answer = Thresholds().answer(explanation.probability, any(is_known))
    words = [
        {
            "start": word.start,
            "end": word.end,
            "contribution": None if word.contribution is None else round(word.contribution, 4),
            "known": known,
        }
        for word, known in zip(explanation.words, is_known, strict=True)
    ]
    return {**as_object(answer), "text": explanation.text, "words": words, "short": len(words) < FEW_WORDS}
