"""Reading the review files of a ZIP archive in the dataset's layout."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from imdb_sentiment.corpus.layout import SourceFile, check_size, locate
from imdb_sentiment.runtime.errors import SourceError, reason_of
from imdb_sentiment.tables.zip_files import open_zip

# What zipfile raises for damage, for a method of compression that it does not know, and for a password.
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


def read_zip(path: Path) -> Iterator[SourceFile]:
    """Yield the review files and the `urls_*.txt` of a ZIP archive, in its order. Raises SourceError."""
    try:
        with open_zip(path) as archive:
            for member in archive.infolist():
                place = None if member.is_dir() else locate(member.filename, path)
                if place:
                    yield _read_member(archive, member, f"{path}: {member.filename}", place)
    except _DAMAGED as error:
        raise SourceError(
            f"{path}: found what is not a complete ZIP archive ({reason_of(error)}); expected one"
        ) from error


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str, place: tuple[str, str]) -> SourceFile:
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise SourceError(f"{where}: found a link, device or pipe; expected a regular file")
    check_size(where, place[0], member.file_size)  # zipfile reads no more, whatever the compressed bytes unfold to
    return SourceFile(where, *place, archive.read(member))
