"""PyArrow, which prediction goes without where it is not installed: it is larger than all else together."""

from imdb_sentiment.runtime.errors import InputError


def has_arrow() -> bool:
    """Tell whether PyArrow is installed."""
    try:
        import pyarrow  # noqa: F401  (it is used by who asks)
    except ModuleNotFoundError:
        return False
    return True


def check_arrow(name: str) -> None:
    """Raise InputError if PyArrow is not installed; `name` is the file that needs it."""
    if not has_arrow():
        raise InputError(
            f"{name}: found no PyArrow, which Parquet and Zstandard need; expected it to be installed: "
            "pip install 'imdb-sentiment[parquet]'"
        )
