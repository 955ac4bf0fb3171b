"""Reading the files of a source: a tar archive of any compression, as a stream, a ZIP archive or a folder."""

import gzip
import io
import lzma
import stat
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, cast

from imdb_sentiment.corpus.layout import FOLDERS, SourceFile, check_size, locate
from imdb_sentiment.corpus.sources import inner_folder, is_layout_zip
from imdb_sentiment.corpus.zip_archive import read_zip
from imdb_sentiment.runtime.errors import SourceError, reason_of
from imdb_sentiment.tables.compression import open_bzip2, open_xz

# A member's header with all that extends it: long names, pax records, maps of sparse files. A path has at most 4,096
# bytes. tarfile calls itself for each extension, and takes time quadratic in the length of a pax header.
MAX_HEADER_BYTES: Final = 16_384
MAX_GLOBAL_RECORDS: Final = 100
# Of files that are not reviews: the official archive has 200 MB of them.
MAX_SKIPPED_BYTES: Final = 1 << 30

_OPENERS: Final = {
    b"\x1f\x8b": gzip.open,
    b"BZh": lambda archive: open_bzip2(archive.open("rb")),
    b"\xfd7zXZ\x00": lambda archive: open_xz(archive.open("rb")),
}
_BLOCK_BYTES: Final = 1 << 20
# tarfile raises the last three for numbers that are not numbers or too large, and for the cut map of a sparse file.
_DAMAGED: Final = (
    *(tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, OSError),
    *(ValueError, OverflowError, IndexError),
)


def read_source(source: Path) -> Iterator[SourceFile]:
    """Yield the review files and the `urls_*.txt` under `source`: an archive's in its order, a folder's sorted.

    The folder may have them in its only folder.

    Nothing is unpacked to disk, and one file is in memory at a time. What else the dataset has (README, imdb.vocab,
    bag-of-words files) is skipped, as are hidden files. Raises SourceError.
    """
    expected = "expected an archive, folder or table of reviews"
    try:
        mode = source.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: of a name that no file can have
        raise SourceError(f"{source}: found no such file or folder; {expected}") from error
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise SourceError(f"{source}: found a device or pipe; {expected}")
    found = set()
    if stat.S_ISDIR(mode):
        files = _read_folder(inner_folder(source))
    else:
        files = read_zip(source) if is_layout_zip(source) else _read_archive(source)
    for file in files:
        found.add(file.folder)
        yield file
    for folder in FOLDERS:
        if folder not in found and folder != "train/unsup":  # a corpus need not have unlabelled reviews
            raise SourceError(f"{source}: found no reviews in {folder}; expected {', '.join(FOLDERS)}")


def _read_folder(root: Path) -> Iterator[SourceFile]:
    for folder in ("train", "test", *FOLDERS):
        try:
            names = sorted(path.name for path in (root / folder).iterdir())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SourceError(f"{root / folder}: found {error.strerror}; expected a folder") from error
        for name in names:
            if locate(f"{folder}/{name}", root):
                yield _read_file(root / folder / name, folder)


def _read_file(path: Path, folder: str) -> SourceFile:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            found = f"a link to {path.readlink()}" if path.is_symlink() else "a folder, device or pipe"
            raise SourceError(f"{path}: found {found}; expected a regular file")
        check_size(str(path), folder, status.st_size)
        return SourceFile(str(path), folder, path.name, path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path}: found a file that cannot be read ({error.strerror}); expected text") from error


def _read_archive(archive: Path) -> Iterator[SourceFile]:
    try:
        with _open_stream(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            while member := _next_member(tar, stream):
                if place := locate(member.name, archive):
                    where = f"{archive}: {member.name}"
                    yield SourceFile(where, *place, _read_member(tar, stream, member, where, place[0]))
            stream.check_end()
    except _DAMAGED as error:
        raise SourceError(
            f"{archive}: found what is not a complete tar archive ({reason_of(error)}); "
            "expected one, plain or compressed by gzip, bzip2 or xz"
        ) from error


class _Stream(io.BufferedReader):
    """What an archive holds once decompressed, for tarfile: read forwards, and at most `budget` bytes at a time.

    tarfile alone would take any length that a header claims into memory, follow negative sizes backwards forever, and
    take a damaged header for the end of the archive.
    """

    budget = MAX_HEADER_BYTES
    _skipped = 0
    _last = b""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next `size` bytes, or as many as there are."""
        if size is None or not 0 <= size <= self.budget:
            raise tarfile.ReadError(f"a header of more than {MAX_HEADER_BYTES:,} bytes at byte {self.tell():,}")
        self.budget -= size
        self._last = super().read(size)
        return self._last

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Skip what lies before `offset`."""
        if offset < self.tell():
            raise tarfile.ReadError(f"a negative size before byte {self.tell():,}")
        self._skipped += offset - self.tell()
        if self._skipped > MAX_SKIPPED_BYTES:
            raise tarfile.ReadError(f"more than {MAX_SKIPPED_BYTES:,} bytes of files that are not reviews")
        return super().seek(offset, whence)

    def check_end(self) -> None:
        """Check that tarfile stopped at the end-of-archive mark, and read on, which checks the compressed stream."""
        if not self._last:
            raise tarfile.ReadError("no end-of-archive mark")
        if self._last.strip(tarfile.NUL):
            raise tarfile.ReadError(f"a damaged header at byte {self.tell() - len(self._last):,}")
        while block := self.read1():
            if block.strip(tarfile.NUL):
                raise tarfile.ReadError("data after the end-of-archive mark")


def _open_stream(archive: Path) -> _Stream:
    """Open by the first bytes, since the name says nothing: the official one may hold an xz stream."""
    with archive.open("rb") as file:
        start = file.read(6)
    opener: Any = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), io.FileIO)
    return _Stream(opener(archive), _BLOCK_BYTES)


def _next_member(tar: tarfile.TarFile, stream: _Stream) -> tarfile.TarInfo | None:
    tar.members.clear()  # type: ignore[attr-defined]  # or else it keeps every header that it has read
    stream.budget = MAX_HEADER_BYTES
    member = tar.next()
    if len(tar.pax_headers) > MAX_GLOBAL_RECORDS:  # they hold for all members to come, and are copied for each
        raise tarfile.ReadError(f"more than {MAX_GLOBAL_RECORDS} global pax records")
    return member


def _read_member(tar: tarfile.TarFile, stream: _Stream, member: tarfile.TarInfo, where: str, folder: str) -> bytes:
    if not member.isreg():
        is_link = member.issym() or member.islnk()
        found = f"a link to {member.linkname}" if is_link else "a folder, device or pipe"
        raise SourceError(f"{where}: found {found}; expected a regular file")
    check_size(where, folder, member.size)
    stream.budget = member.size
    return cast(IO[bytes], tar.extractfile(member)).read()
