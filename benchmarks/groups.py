"""Who is measured beside whom: the names, and what they need. The work is in `contenders/`, a module a group.

Nothing heavy is imported here: whoever only asks for help would wait for it.
"""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.setting import Setting

REVIEW: Final = "A wonderful film, and the ending made me cry."


class Contender(NamedTuple):
    """One way to do a group's work: a process of `benchmarks.contender`, or a whole `command` timed from outside."""

    name: str
    library: str | None = None  # the module without which it is left out
    command: Callable[[Setting], list[str]] | None = None

    @property
    def is_installed(self) -> bool:
        """Whether its library is."""
        return self.library is None or find_spec(self.library) is not None


class Group(NamedTuple):
    """Contenders for the same work, whose speed is in `unit`s a second; the first is ours, the measure of the others.

    Unless `compares` is off: then they stand side by side, and none is a peer of another.
    """

    name: str
    title: str
    unit: str
    contenders: tuple[Contender, ...]
    compares: bool = True


def _python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def _installed(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).parent / "imdb-sentiment"), *arguments]


def _ingest(setting: Setting) -> list[str]:
    assert setting.loose is not None
    outputs = (str(setting.loose.parent / name) for name in ("reviews.parquet", "data.json"))
    return _python("-m", "stages.ingest", str(setting.archive), *outputs)


def _predict_by_keras(setting: Setting) -> list[str]:
    """Import Keras, load the trained model and predict once: no more than anyone would have to do."""
    code = (
        "import sys; from pathlib import Path; from imdb_sentiment.network.predict import TextClassifier; "
        "trained, vocabulary, polarity = map(Path, sys.argv[1:4]); "
        "print(TextClassifier.load(trained, vocabulary, polarity).predict([sys.argv[4]])[0])"
    )
    paths = (str(setting.data / name) for name in ("trained", "vocabulary.json", "polarity.npz"))
    return _python("-c", code, *paths, REVIEW)


_TRAINING: Final = (
    Contender("ours", "keras"),
    Contender("swapped", "keras"),
    Contender("stock", "keras"),
    Contender("whole", "keras"),
    Contender("torch_padded", "torch"),
    Contender("torch_grouped", "torch"),
)

GROUPS: Final = (
    Group(
        "ingest",
        "ingest: from the archive or its loose files to texts",
        "reviews",
        (
            Contender("ours", command=_ingest),
            Contender("decompression"),
            Contender("keras", "keras"),
            Contender("sklearn", "sklearn"),
        ),
    ),
    Group(
        "preprocess",
        "preprocess: from texts to a vocabulary and padded token ids",
        "reviews",
        (Contender("ours"), Contender("regex"), Contender("keras", "keras"), Contender("sklearn", "sklearn")),
    ),
    Group(
        "vectors",
        "vectors: from token ids to word vectors",
        "tokens",
        (Contender("ours", "sklearn"), Contender("gensim", "gensim"), Contender("gensim_all_cores", "gensim")),
    ),
    Group("training", "training: one pass by the default params", "tokens", _TRAINING),
    # Its LSTM reads whole reviews anyway: `stock` is `whole`.
    Group(
        "training_plain",
        "training: one pass by the params of variants/plain.yaml",
        "tokens",
        tuple(its for its in _TRAINING if its.name != "whole"),
    ),
    Group(
        "prediction",
        "prediction: the test reviews' probabilities",
        "reviews",
        (
            Contender("ours"),
            Contender("keras_from_text", "keras"),
            Contender("keras_from_ids", "keras"),
            Contender("keras_stock", "keras"),
            Contender("sklearn", "sklearn"),
        ),
    ),
    Group(
        "one_prediction",
        "one prediction: a review alone, from its text",
        "reviews",
        (
            Contender("ours"),
            Contender("keras_on_batch", "keras"),
            Contender("keras_called", "keras"),
            Contender("sklearn", "sklearn"),
        ),
    ),
    Group(
        "cold_start",
        "cold start: a process that predicts once",
        "reviews",
        (
            Contender("ours", command=lambda its: _installed("predict", REVIEW, "--model", str(its.data / "model"))),
            Contender("keras", "keras", command=_predict_by_keras),
        ),
    ),
    Group(
        "help",
        "help: a process that says how it is called",
        "starts",
        (
            Contender("imdb-sentiment", command=lambda _: _installed("--help")),
            Contender("stages.train", command=lambda _: _python("-m", "stages.train", "--help")),
        ),
        compares=False,
    ),
    Group(
        "dvc",
        "dvc: nothing to do",
        "runs",
        (
            Contender("repro", command=lambda _: _python("-m", "dvc", "repro")),
            Contender("status", command=lambda _: _python("-m", "dvc", "status")),
        ),
        compares=False,
    ),
)
