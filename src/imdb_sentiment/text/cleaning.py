"""Cleaning: what a review's file holds besides the words its writer meant."""

import html
import re
import unicodedata

# The reviews were scraped from HTML pages: line breaks stand as tags (`<br /><br />`), now and then emphasis too.
# They would become tokens ("br" is among the hundred most frequent words). A space takes their place, since words
# on either side often touch them. Other `<...>` stays: "<3" and "<sigh>" are the writer's.
_TAG = re.compile(r"</?(?:br|p|hr|i|b|u|em|strong|spoiler)\s*/?>", re.IGNORECASE)

# Some pages mixed up Windows-1252 and Latin-1: their dashes and curly quotes arrived as control characters
# U+0080-U+009F. Where Windows-1252 leaves a code unused, a space takes its place.
_CONTROL = re.compile(r"[\x80-\x9f]")
_WINDOWS_1252 = {
    chr(code): bytes([code]).decode("cp1252", errors="replace").replace("\ufffd", " ") for code in range(128, 160)
}

# What str.split takes for white space, besides the space.
_ASCII_WHITE_SPACE = "\t\n\v\f\r\x1c\x1d\x1e\x1f"


def clean_text(text: str) -> str:
    """Return `text` without markup, entities and odd white space; words, case and punctuation stay.

    `clean_text("Good.<br /><br />Bad &amp; ugly.") -> "Good. Bad & ugly."`
    """
    text = text.replace("<br /><br />", " ")  # nine of ten tags are of that pair
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "&" in text:
        text = html.unescape(text)
    if not text.isascii():
        text = _CONTROL.sub(lambda match: _WINDOWS_1252[match[0]], text)
        # NFC: an accented letter and its two-part spelling should be one word.
        text = unicodedata.normalize("NFC", text)
    # In ASCII nine searches are faster than `isprintable`; in other text, no white space but the space is printable.
    if any(map(text.__contains__, _ASCII_WHITE_SPACE)) if text.isascii() else not text.isprintable():
        return " ".join(text.split())
    while "  " in text:  # as above, without making a string of every word
        text = text.replace("  ", " ")
    return text.strip(" ")
