"""Claim: the exported model predicts several times as fast as Keras's own LSTM layers, without TensorFlow.

    python -m benchmarks.prediction

Two comparisons: many test reviews at once, and 50 reviews one after the other.

- ours: SentimentModel, by ONNX Runtime, from text.
- keras_grouped: the same model in Keras with this project's LSTM layer, in batches of similar length. Its token ids are
  ready, as those of all that follow: 1 s of work less for 25,000 reviews.
- keras_from_ids: the same by Keras's `predict` on arrays padded to max_length; keras_lstm: and by Keras's LSTM layers.
- keras_on_batch, keras_called: a review at its own length, by the two ways that Keras's documentation has for one.
- sklearn: TF-IDF of 1- and 2-grams with logistic regression, from text, another model: about two points less accurate.
  Its peak memory is that of fitting.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.fitting import load_parts
from benchmarks.harness import Contender, Setting, function, speed_app, timed
from benchmarks.reviews import read_split
from imdb_sentiment.artifacts.batches import take_batch
from imdb_sentiment.artifacts.sequences import Sequences

ALONE: Final = 50  # reviews that are classified one after the other
WARM_UP: Final = 512  # reviews that compile
KERAS_BATCH: Final = 256


def ours(data: str, reviews: int | None, alone: bool = False) -> dict[str, Any]:
    """Predict by the exported model."""
    from imdb_sentiment.prediction.predictor import SentimentModel

    return _measure(SentimentModel.load(Path(data) / "model").predict, data, reviews, alone)


def sklearn(data: str, reviews: int | None, alone: bool = False) -> dict[str, Any]:
    """Predict by a linear model, fitted to the train split."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = make_pipeline(vectorizer, LogisticRegression(C=30, solver="liblinear"))
    return _measure(model.fit(*read_split(data, "train")).predict_proba, data, reviews, alone)


def _measure(predict: Callable[[list[str]], Any], data: str, reviews: int | None, alone: bool) -> dict[str, Any]:
    texts = read_split(data, "test", min(ALONE, reviews or ALONE) if alone else reviews)[0]
    if not alone:
        predict(texts[:WARM_UP])
        return timed(lambda: predict(texts), len(texts))
    for text in texts:  # the first time fills caches
        predict([text])
    return timed(lambda: [predict([text]) for text in texts], len(texts))


def keras_grouped(data: str, reviews: int | None) -> dict[str, Any]:
    """Predict in batches of similar length, as the stage evaluate does."""
    model, part = _load_keras(data, reviews)
    model.predict(_take(part, WARM_UP))
    return timed(lambda: model.predict(part), len(part))


def keras_from_ids(data: str, reviews: int | None, keras_lstm: bool = False) -> dict[str, Any]:
    """Predict by Keras's `predict`."""
    from imdb_sentiment.network.lstm import RowwiseLSTM

    saved, part = _load_keras(data, reviews)
    model, (inputs, _) = saved.as_single_model(), take_batch(part, np.arange(len(part)), trim=False)
    for layer in model._flatten_layers():
        if isinstance(layer, RowwiseLSTM) and keras_lstm:
            layer.is_fast, layer.supports_jit = False, True

    def predict(rows: int) -> Any:
        return model.predict({name: array[:rows] for name, array in inputs.items()}, KERAS_BATCH, verbose=0)

    predict(WARM_UP + len(part) % KERAS_BATCH)  # both sizes of batch, since each may be compiled
    return timed(lambda: predict(len(part)), len(part))


def keras_on_batch(data: str, reviews: int | None, called: bool = False) -> dict[str, Any]:
    """Predict one review after the other, with `called` by calling the model."""
    saved, part = _load_keras(data, min(ALONE, reviews or ALONE))
    model = saved.as_single_model()
    run = model if called else model.predict_on_batch
    batches = [take_batch(part, np.array([row]))[0] for row in range(len(part))]

    def predict() -> list[float]:
        return [float(run(inputs)[0, 0]) for inputs in batches]

    predict()  # each length is compiled
    return timed(predict, len(part))


def _load_keras(data: str, reviews: int | None) -> tuple[Any, Sequences]:
    from imdb_sentiment.network.saved_model import load_model

    saved = load_model(Path(data) / "trained")
    return saved, _take(load_parts(Path(data), saved.params).parts["test"], reviews)


def _take(part: Sequences, reviews: int | None) -> Sequences:
    """Return `reviews` of a part, evenly spread over it, or all."""
    taken = np.arange(0, len(part), max(1, len(part) // reviews) if reviews else 1)[:reviews]
    polarity = None if part.polarity is None else part.polarity[taken]
    ids = part.token_ids[taken]
    return replace(part, token_ids=ids, lengths=part.lengths[taken], labels=part.labels[taken], polarity=polarity)


def contenders(setting: Setting) -> dict[str, list[Contender]]:
    """Return ways to classify many reviews, and ways to classify one."""
    task: dict[str, Any] = {"data": setting.data, "reviews": setting.reviews}
    linear: dict[str, Any] = {**task, "needs": "sklearn", "note": "another model: about two points less accurate"}
    return {
        "prediction: many test reviews at once": [
            function(ours, **task),
            function(keras_grouped, needs="keras", **task),
            function(keras_from_ids, needs="keras", **task),
            function(keras_from_ids, "keras_lstm", "keras", **task, keras_lstm=True),
            function(sklearn, **linear),
        ],
        "prediction: one review after the other": [
            function(ours, **task, alone=True),
            function(keras_on_batch, needs="keras", **task),
            function(keras_on_batch, "keras_called", "keras", **task, called=True),
            function(sklearn, **linear, alone=True),
        ],
    }


app = speed_app("prediction", "reviews", contenders)

if __name__ == "__main__":
    app()
