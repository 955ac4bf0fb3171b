"""The probabilities of many test reviews, all handed over at once."""

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.contenders.texts import read_split
from benchmarks.setting import Contend, Lap, Setting, timed
from imdb_sentiment.prediction.predictor import SentimentModel

if TYPE_CHECKING:
    from imdb_sentiment.network.predict import TextClassifier

BATCH_SIZE: Final = 256  # of Keras's `predict`
WARM_UP: Final = 512  # reviews: what is compiled at the first is not the work


def texts_to_classify(setting: Setting, most: int | None = None) -> list[str]:
    """Return the test reviews, or `most` of them."""
    return read_split(setting.data / "reviews.parquet", "test", most or setting.reviews).texts


def load_keras(setting: Setting) -> "TextClassifier":
    """Return the trained model in Keras, with what turns a text into its inputs."""
    from imdb_sentiment.network.predict import TextClassifier

    paths = (setting.data / name for name in ("trained", "vocabulary.json", "polarity.npz"))
    return TextClassifier.load(*paths)


def fit_sklearn(setting: Setting) -> Any:
    """Return TF-IDF of 1- and 2-grams with logistic regression, what a person would use instead, fitted to train.

    The peak memory is that of fitting.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    train = read_split(setting.data / "reviews.parquet", "train")
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = make_pipeline(vectorizer, LogisticRegression(C=30, solver="liblinear"))
    return model.fit(train.texts, train.labels)


def ours(setting: Setting) -> Lap:
    """Ask the exported model, from text, by ONNX Runtime."""
    texts, model = texts_to_classify(setting), SentimentModel.load(setting.data / "model")
    model.predict(texts[:WARM_UP])
    return timed(lambda: model.predict(texts), len(texts))


def keras_from_text(setting: Setting) -> Lap:
    """Ask the same model in Keras, from text, in batches of like length: this project's own path before export."""
    texts, classifier = texts_to_classify(setting), load_keras(setting)
    classifier.predict(texts[:WARM_UP])
    return timed(lambda: classifier.predict(texts), len(texts))


def keras_from_ids(setting: Setting, *, stock: bool) -> Lap:
    """Ask the same model by Keras's own `predict`, on arrays ready made and padded to max_length: no text is read.

    With `stock`, by Keras's LSTM layers, which hold the weights: what people would have without this project's layer.
    """
    texts, classifier = texts_to_classify(setting), load_keras(setting)
    if stock:
        _read_by_stock_layers(classifier.model)
    token_ids, _ = classifier.encoder.encode_all(texts)
    inputs: dict[str, Any] = {"token_ids": token_ids}
    if classifier.table is not None:
        inputs["polarity"] = classifier.table.channels(token_ids).astype(np.float32)

    def predict(rows: int) -> Any:
        its = {name: array[:rows] for name, array in inputs.items()}
        return classifier.model.predict(its, batch_size=BATCH_SIZE, verbose=0)

    predict(WARM_UP + len(texts) % BATCH_SIZE)  # both sizes of batch, since each may be compiled
    return timed(lambda: predict(len(texts)), len(texts))


def _read_by_stock_layers(model: Any) -> None:
    from imdb_sentiment.network.lstm import RowwiseLSTM

    for layer in model._flatten_layers():
        if isinstance(layer, RowwiseLSTM):
            layer.is_fast, layer.supports_jit = False, True


def sklearn(setting: Setting) -> Lap:
    """Ask the linear model, from text. About two points less accurate."""
    texts, model = texts_to_classify(setting), fit_sklearn(setting)
    model.predict_proba(texts[:WARM_UP])
    return timed(lambda: model.predict_proba(texts), len(texts))


CONTENDERS: Final[dict[str, Contend]] = {
    "ours": ours,
    "keras_from_text": keras_from_text,
    "keras_from_ids": partial(keras_from_ids, stock=False),
    "keras_stock": partial(keras_from_ids, stock=True),
    "sklearn": sklearn,
}
