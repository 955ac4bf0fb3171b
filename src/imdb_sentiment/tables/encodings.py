"""Which encoding a text file has."""

import codecs
from typing import Final

from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.tables.files import TableFile

_BLOCK_BYTES: Final = 1 << 20
# UTF-8's mark keeps its own name: an output gets one too, by which Excel knows the encoding.
_MARKS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FALLBACK: Final = "cp1252"


def find_encoding(file: TableFile, named: str | None) -> str:
    """Return the encoding of a text file: `named`, or what its byte order mark says, or UTF-8.

    A file without a mark in which no character beyond ASCII is UTF-8, but some byte is not ASCII, is taken for
    Windows-1252, which the caller has to say. One with both is UTF-8 with damaged rows. Raises InputError for an
    unknown encoding.
    """
    with file.open() as content:
        start = content.read(4) or b""
        mark = next((mark for mark in _MARKS if start.startswith(mark)), None)
        if named is not None:
            encoding = _checked(named)
            return _MARKS[mark] if mark is not None and _MARKS[mark].startswith(encoding) else encoding
        if mark is not None:
            return _MARKS[mark]
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        is_fallback = False
        block = start
        while block:
            text = decoder.decode(block)
            if not text.isascii():
                if any("\x7f" < character < "\udc80" or character > "\udcff" for character in text):
                    return "utf-8"
                is_fallback = True
            block = content.read(_BLOCK_BYTES) or b""
    return FALLBACK if is_fallback else "utf-8"


def _checked(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError as error:
        raise InputError(
            f"--encoding {encoding}: found no such encoding; expected one such as utf-8, utf-16 or cp1252"
        ) from error
    return codecs.lookup(encoding).name
