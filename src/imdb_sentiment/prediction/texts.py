"""Which texts are reviews that can be classified, for whoever hands one in."""

import sys
from pathlib import Path
from typing import Final

from imdb_sentiment.runtime.errors import InputError

MAX_CHARACTERS: Final = 1_000_000  # as of a review file; the longest real review has 14,106


def problem_of(text: object) -> str | None:
    """Return what keeps `text` from being a review, or None."""
    if text is None:
        return "no text"
    if not isinstance(text, str):
        return f"{type(text).__name__} {text!r}"
    if len(text) > MAX_CHARACTERS:
        return f"{len(text):,} characters (a review has at most {MAX_CHARACTERS:,})"
    if "\0" in text:
        return "a NUL byte"
    return None if text.strip() else "an empty text"


def read_text(path: Path | None) -> str:
    """Return the one text in the file `path`, or on standard input. Raises InputError."""
    where = "standard input" if path is None else str(path)
    # A character has at most four bytes: what does not fit is too long, and need not be read to its end.
    limit = 4 * MAX_CHARACTERS + 1
    try:
        if path is None:
            content = sys.stdin.buffer.read(limit)
        else:
            with path.open("rb") as file:
                content = file.read(limit)
    except OSError as error:
        raise InputError(f"{where}: found what cannot be read ({error.strerror}); expected a review") from error
    if len(content) == limit:
        raise InputError(
            f"{where}: found more than {limit - 1:,} bytes; expected at most {MAX_CHARACTERS:,} characters"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{where}: found bytes that are not UTF-8 at {error.start:,}; expected text in UTF-8"
        ) from error
