"""Opening ZIP files in bounded memory."""

import os
import struct
import zipfile
from pathlib import Path
from typing import IO, Final

# zipfile reads the whole list of members, and takes ten times its bytes: 8 MB list 100,000 reviews.
MAX_LIST_BYTES: Final = 50_000_000
_END: Final = b"PK\x05\x06"  # begins the record of 22 bytes that ends the file, before a comment
_END_BYTES: Final = 22
_END_64: Final = b"PK\x06\x06"  # of large files, before that record
_MAX_COMMENT: Final = 65_535


def open_zip(file: Path | IO[bytes]) -> zipfile.ZipFile:
    """Return the ZIP file `file`. Raises zipfile.BadZipFile, also for one whose list of members is too long."""
    if isinstance(file, Path):
        with file.open("rb") as opened:
            _check_list(opened)
    else:
        _check_list(file)
    return zipfile.ZipFile(file)


def _check_list(file: IO[bytes]) -> None:
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _END_BYTES - _MAX_COMMENT - 100)
    file.seek(start)
    tail = file.read()
    file.seek(0)
    # zipfile looks for a record without a comment first.
    ends = {len(tail) - _END_BYTES, tail.rfind(_END)}
    found = [struct.unpack_from("<I", tail, end + 12)[0] for end in ends if _is_end(tail, end)]
    if (end_64 := tail.rfind(_END_64)) >= 0 and len(tail) >= end_64 + 48:
        found.append(struct.unpack_from("<Q", tail, end_64 + 40)[0])
        found = [length for length in found if length != 0xFFFFFFFF]  # where the other record says it
    if any(length > MAX_LIST_BYTES for length in found):
        raise zipfile.BadZipFile(f"a list of members of more than {MAX_LIST_BYTES:,} bytes")


def _is_end(tail: bytes, place: int) -> bool:
    return place >= 0 and tail[place : place + 4] == _END and len(tail) >= place + _END_BYTES
