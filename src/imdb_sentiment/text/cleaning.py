"""Cleaning: markup, entities and odd characters leave a review; its words stay."""

import html
import re
import unicodedata
from typing import Final

# The reviews were scraped from HTML pages: line breaks stand as tags (`<br /><br />`), now and then emphasis too.
# They would become tokens ("br" is among the hundred most frequent words). A space takes their place, since words
# on either side often touch them. Other `<...>` stays: writers type "<3" and "<sigh>".
_TAG = re.compile(r"</?(?:br|p|hr|i|b|u|em|strong|spoiler)\s*/?>", re.IGNORECASE)

# Some pages mixed up Windows-1252 and Latin-1: their dashes and curly quotes arrived as control characters
# U+0080-U+009F. Where Windows-1252 leaves a code unused, a space takes its place.
_CONTROL = re.compile(r"[\x80-\x9f]")
_WINDOWS_1252 = {
    chr(code): bytes([code]).decode("cp1252", errors="replace").replace("\ufffd", " ") for code in range(128, 160)
}

# html.unescape fails on a number with more digits than Python converts (4,300). No character has such a number.
_LONG_NUMBER = re.compile("&#[0-9]{100,};?")

# NFC sorts the combining marks of a letter, in a time that grows with the square of their number. A letter keeps no
# more than Unicode's Stream-Safe Text Format allows (UAX #15, section 13); no writing has as many.
MOST_MARKS: Final = 30
_PERHAPS_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{MOST_MARKS + 1},}}")

# What str.split takes for white space, besides the space.
_ASCII_WHITE_SPACE = "\t\n\v\f\r\x1c\x1d\x1e\x1f"


def clean_text(text: str) -> str:
    """Return `text` without markup, entities and odd white space; words, case and punctuation stay.

    Takes time in proportion to the length of any text.
    `clean_text("Good.<br /><br />Bad &amp; ugly.") -> "Good. Bad & ugly."`
    """
    text = text.replace("<br /><br />", " ")  # nine of ten tags are of that pair
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "&" in text:
        text = html.unescape(_LONG_NUMBER.sub("\ufffd", text))
    if not text.isascii():
        text = text.replace("\ufeff", "")  # a byte order mark, which editors leave at the head of a file
        text = _CONTROL.sub(lambda match: _WINDOWS_1252[match[0]], text)
        # NFC: an accented letter and its two-part spelling should be one word.
        text = unicodedata.normalize("NFC", _PERHAPS_MARKS.sub(_drop_marks, text))
    # In ASCII nine searches are faster than `isprintable`; in other text, no white space but the space is printable.
    if any(map(text.__contains__, _ASCII_WHITE_SPACE)) if text.isascii() else not text.isprintable():
        return " ".join(text.split())
    while "  " in text:  # as above, without making a string of every word
        text = text.replace("  ", " ")
    return text.strip(" ")


def _drop_marks(run: re.Match[str]) -> str:
    """Return characters that are neither ASCII nor letters, with at most MOST_MARKS combining marks in a row."""
    kept = []
    marks = 0
    for character in run[0]:
        decomposed = unicodedata.normalize("NFD", character)  # a few marks stand for two
        marks = marks + len(decomposed) if unicodedata.combining(decomposed[0]) else 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)
