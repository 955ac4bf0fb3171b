"""Behaviour: whether a classifier's labels are right on texts that turn, negate, understate or mix an opinion."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.labels import LABEL_NAMES, THRESHOLD
from imdb_sentiment.evaluation.behaviour_texts import HALVES, LabelledText, load_mixed, load_pairs, load_sentences
from imdb_sentiment.evaluation.metrics import expected_calibration_error, wilson_interval

Predict = Callable[[list[str]], NDArray[np.float64]]
REPORTED: Final = "held_out"  # the half on which nothing is chosen
_MISTAKES: Final = 10
_DRAWS: Final = 200


def measure_labels(predict: Predict) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the main rates, and all of them by half and kind.

    The main ones are the shares of texts whose label is right: of the half that is held out the edits of reviews, the
    reviews themselves, pairs of both, and sentences; of all mixed opinions; and the expected calibration error and mean
    confidence on the sentences of both halves. In the others, a share has its 95% interval and the number of texts, and
    the most confident mistakes are listed.
    """
    pairs, sentences, mixed = load_pairs(), load_sentences(), load_mixed()
    labels = np.array([pair.label for pair in pairs])
    review_right = (predict([pair.review for pair in pairs]) >= THRESHOLD) == labels
    edit_right = (predict([pair.edit for pair in pairs]) >= THRESHOLD) != labels
    y_true = np.array([sentence.label for sentence in sentences], np.int8)
    y_prob = predict([sentence.text for sentence in sentences])
    mixed_right = (predict([text.text for text in mixed]) >= THRESHOLD) == np.array([text.label for text in mixed])

    details: dict[str, Any] = {"mixed": _share(mixed_right)}
    for half in HALVES:
        of_pairs = np.array([pair.half == half for pair in pairs])
        of_sentences = np.array([sentence.half == half for sentence in sentences])
        kinds = [pair.kind for pair in pairs]
        details[half] = {
            "edits": _by_kind(edit_right, of_pairs, kinds),
            "reviews": _by_kind(review_right, of_pairs, kinds),
            "pairs": _by_kind(edit_right & review_right, of_pairs, kinds),
            "sentences": _by_kind((y_prob >= THRESHOLD) == y_true, of_sentences, [text.kind for text in sentences]),
            "sentences_confidence": _confidence(y_prob[of_sentences]),
            "sentences_calibration_error": expected_calibration_error(y_true[of_sentences], y_prob[of_sentences]),
        }
    details["all_sentences"] = {
        "calibration_error": expected_calibration_error(y_true, y_prob),
        "calibration_error_by_chance": _calibration_error_by_chance(y_prob),
        "confidence": _confidence(y_prob),
        "share_right": float(((y_prob >= THRESHOLD) == y_true).mean()),
        "texts": len(sentences),
    }
    details["confident_mistakes"] = _mistakes(sentences, y_prob)
    held_out = details[REPORTED]
    rates = {f"{name}_right": held_out[name]["all"]["share"] for name in ("edits", "reviews", "pairs", "sentences")}
    rates["mixed_right"] = details["mixed"]["share"]
    # Of the two halves together: a calibration error of a hundred texts is mostly chance.
    rates["sentences_calibration_error"] = details["all_sentences"]["calibration_error"]
    rates["sentences_confidence"] = details["all_sentences"]["confidence"]
    return rates, details


def _calibration_error_by_chance(y_prob: NDArray[np.float64]) -> float:
    """Return the mean expected calibration error of labels that are drawn by the probabilities `y_prob [B]` themselves.

    So much has a perfectly calibrated classifier on so few texts.
    """
    rng = np.random.default_rng(0)
    drawn = (rng.random((_DRAWS, len(y_prob))) < y_prob).astype(np.int8)
    return float(np.mean([expected_calibration_error(labels, y_prob) for labels in drawn]))


def _mistakes(sentences: Sequence[LabelledText], y_prob: NDArray[np.float64]) -> dict[str, Any]:
    """Return label and probability of the sentences held out whose label is wrong, the most confident first."""
    wrong = [
        (text, float(probability))
        for text, probability in zip(sentences, y_prob, strict=True)
        if text.half == REPORTED and (probability >= THRESHOLD) != text.label
    ]
    wrong.sort(key=lambda pair: -abs(pair[1] - THRESHOLD))
    # Not a list: DVC would draw it.
    return {
        text.text: {"label": LABEL_NAMES[text.label], "probability": probability}
        for text, probability in wrong[:_MISTAKES]
    }


def _by_kind(right: NDArray[np.bool_], chosen: NDArray[np.bool_], kinds: Sequence[str]) -> dict[str, Any]:
    """Return the share of `right bool [B]` among the `chosen bool [B]`, of all and of each kind."""
    named = np.array(kinds)
    shares = {"all": _share(right[chosen])}
    return shares | {kind: _share(right[chosen & (named == kind)]) for kind in sorted(set(named[chosen].tolist()))}


def _share(right: NDArray[np.bool_]) -> dict[str, float | int]:
    low, high = wilson_interval(int(right.sum()), len(right))
    return {"share": float(right.mean()), "low": low, "high": high, "texts": len(right)}


def _confidence(y_prob: NDArray[np.float64]) -> float:
    """Return the mean probability of the predicted label."""
    return float(np.maximum(y_prob, 1 - y_prob).mean())
