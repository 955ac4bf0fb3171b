"""The probability of one test review, from its text: the mean of ALONE of them, one after the other."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.contenders.prediction import fit_sklearn, load_keras, texts_to_classify
from benchmarks.setting import ALONE, Contend, Lap, Setting, timed
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.text.cleaning import clean_text

if TYPE_CHECKING:
    from imdb_sentiment.network.predict import TextClassifier


def _one_by_one(predict: Callable[[str], Any], setting: Setting) -> Lap:
    texts = texts_to_classify(setting, ALONE)
    for text in texts:
        predict(text)  # the first time compiles and fills caches
    measured = timed(lambda: [predict(text) for text in texts], len(texts))
    return Lap(measured.seconds / measured.amount, 1)


def ours(setting: Setting) -> Lap:
    """Ask the exported model, by ONNX Runtime."""
    model = SentimentModel.load(setting.data / "model")
    return _one_by_one(lambda text: model.predict([text]), setting)


def keras(setting: Setting, *, is_called: bool) -> Lap:
    """Ask the same model in Keras, on the review at its own length: by `predict_on_batch`, or called as a function.

    Keras's documentation has both for little input, and warns of `predict` for it.
    """
    classifier = load_keras(setting)
    predict = classifier.model if is_called else classifier.model.predict_on_batch
    return _one_by_one(lambda text: float(predict(_inputs(classifier, text))[0, 0]), setting)


def _inputs(classifier: "TextClassifier", text: str) -> dict[str, Any]:
    token_ids = np.array([classifier.encoder.encode(clean_text(text))], np.int32)
    inputs: dict[str, Any] = {"token_ids": token_ids}
    if classifier.table is not None:
        inputs["polarity"] = classifier.table.channels(token_ids).astype(np.float32)
    return inputs


def sklearn(setting: Setting) -> Lap:
    """Ask the linear model. About two points less accurate."""
    model = fit_sklearn(setting)
    return _one_by_one(lambda text: model.predict_proba([text]), setting)


CONTENDERS: Final[dict[str, Contend]] = {
    "ours": ours,
    "keras_on_batch": partial(keras, is_called=False),
    "keras_called": partial(keras, is_called=True),
    "sklearn": sklearn,
}
