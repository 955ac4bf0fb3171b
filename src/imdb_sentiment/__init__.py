"""Sentiment of film reviews with LSTM networks: the work behind the stages of `dvc.yaml`, and their model at work."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imdb_sentiment.prediction.predictor import Prediction, SentimentModel

__all__ = ["Prediction", "SentimentModel"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return find_version()
    # Not imported before it is asked for: a stage that predicts nothing must not depend on what predicts.
    if name in __all__:
        return getattr(import_module("imdb_sentiment.prediction.predictor"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def find_version() -> str:
    """Return the version of the installed package, "unknown" for code that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("imdb-sentiment")
    except PackageNotFoundError:
        return "unknown"
