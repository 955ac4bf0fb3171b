"""Which texts can be classified, and reading one from a file or standard input."""

import reprlib
import sys
from pathlib import Path
from typing import Final

from imdb_sentiment.runtime.errors import InputError

MAX_CHARACTERS: Final = 1_000_000  # as for a review file of the corpus; the longest real review has 14,106


def problem_of(text: object) -> str | None:
    """Return why `text` cannot be classified, such as "an empty text", or None if it can."""
    if text is None:
        return "no text"
    if not isinstance(text, str):
        return f"{type(text).__name__} {reprlib.repr(text)}"
    if len(text) > MAX_CHARACTERS:
        return f"{len(text):,} characters (a review has at most {MAX_CHARACTERS:,})"
    if "\0" in text:
        return "a NUL byte"
    return None if text.strip() else "an empty text"


def read_text(path: Path | None) -> str:
    """Return the text in the UTF-8 file `path`, or on standard input for None. Raises InputError."""
    where = "standard input" if path is None else str(path)
    if path is None and sys.stdin is None:
        raise InputError(f"{where}: found it closed; expected a review")
    # A character has at most four bytes: a longer input is too long, and need not be read to its end.
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
    text, problem = decode_text(content)
    if problem:
        raise InputError(f"{where}: found {problem[0]}; expected {problem[1]}")
    return text


def decode_text(content: bytes) -> tuple[str, tuple[str, str] | None]:
    """Return the text, without a byte order mark, and what was found and expected if it is not in UTF-8."""
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        return "", (f"bytes that are not UTF-8 at byte {error.start + 1:,}", "text in UTF-8")
