"""The extras of the package: what is installed only where it is wanted, and one line where it is not."""

from collections.abc import Iterator
from contextlib import contextmanager

from imdb_sentiment.runtime.errors import InputError


def how_to_install(extra: str) -> str:
    """Return the commands that install an extra."""
    return f"pip install 'imdb-sentiment[{extra}]', or in a clone pip install -e '.[{extra}]'"


@contextmanager
def packages_of(extra: str, user: str) -> Iterator[None]:
    """Raise InputError if a package is missing that the block imports; `user` is what needs the extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("imdb_sentiment"):
            raise
        expected = f"those of {user}: {how_to_install(extra)}"
        raise InputError(f"found no package {error.name}; expected {expected}") from error


def has_arrow() -> bool:
    """Tell whether PyArrow is installed, which is larger than all that prediction needs together."""
    try:
        import pyarrow  # noqa: F401  # for whether it is there
    except ModuleNotFoundError:
        return False
    return True


def check_arrow(name: str) -> None:
    """Raise InputError if PyArrow is not installed; `name` is the file that needs it."""
    if not has_arrow():
        raise InputError(
            f"{name}: found no PyArrow, which Parquet and Zstandard need; expected it to be installed: "
            f"{how_to_install('parquet')}"
        )
