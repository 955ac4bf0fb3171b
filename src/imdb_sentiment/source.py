"""The review files as they come: a tar archive of any compression, read as a stream, or a folder."""

import bz2
import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import Any, Final

from imdb_sentiment.errors import SourceError

# The longest review of the dataset has 14,282 bytes; whatever is seventy times that is no review.
MAX_FILE_BYTES: Final = 1_000_000
# urls_unsup.txt has 50,000 lines of 49 bytes. A million reviews still fit.
MAX_URLS_BYTES: Final = 200_000_000

FOLDERS: Final = ("train/pos", "train/neg", "train/unsup", "test/pos", "test/neg")

_URLS_NAME = re.compile(r"urls_(?:pos|neg|unsup)\.txt")
_OPENERS: Final[tuple[tuple[bytes, Callable[[Path], BufferedIOBase]], ...]] = (
    (b"\x1f\x8b", gzip.GzipFile),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (b"BZh", bz2.BZ2File),
)


@dataclass(frozen=True)
class SourceFile:
    """One file of the layout: `path` is relative to its root, such as `train/pos/0_9.txt`."""

    path: str
    content: bytes

    @property
    def folder(self) -> str:
        """Where it lies, such as `train/pos`."""
        return self.path.rpartition("/")[0]

    @property
    def is_urls(self) -> bool:
        """Whether it is one of the `urls_*.txt` and no review."""
        return _URLS_NAME.fullmatch(self.path.rpartition("/")[2]) is not None


def read_source(source: Path) -> Iterator[SourceFile]:
    """Yield the review files and the `urls_*.txt` under `source`, in the order in which they lie there.

    Nothing is unpacked to disk, and one file is in memory at a time. What else the dataset has (README, imdb.vocab,
    bag-of-words files) is passed over. Raises SourceError.
    """
    if not source.exists():
        raise SourceError(f"{source}: found no such file or folder; expected an archive or folder of reviews")
    seen = set()
    for file in _read_folder(source) if source.is_dir() else _read_archive(source):
        seen.add(file.folder)
        yield file
    for folder in FOLDERS:
        if folder not in seen and folder != "train/unsup":
            raise SourceError(f"{source}: found no reviews in {folder}; expected {', '.join(FOLDERS)}")


def _read_folder(root: Path) -> Iterator[SourceFile]:
    for folder in FOLDERS:
        directory = root / folder
        if not directory.is_dir():
            if folder == "train/unsup":
                continue  # a corpus need not have unlabelled reviews
            raise SourceError(f"{root}: found no folder {folder}; expected {', '.join(FOLDERS)}")
        for path in _list(directory):
            if relevant := _relevant_path(path.relative_to(root), source=root):
                if not path.is_file():
                    raise SourceError(f"{path}: found what is not a file; expected only review files in {folder}")
                yield SourceFile(relevant, _read_file(path, relevant))
    for path in [*_list(root / "train"), *_list(root / "test")]:
        if path.is_file() and (relevant := _relevant_path(path.relative_to(root), source=root)):
            yield SourceFile(relevant, _read_file(path, relevant))


def _list(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError as error:
        raise SourceError(
            f"{directory}: found a folder that cannot be read ({error.strerror}); expected reviews"
        ) from error


def _read_file(path: Path, relevant: str) -> bytes:
    try:
        _check_size(str(path), relevant, path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: found a file that cannot be read ({error.strerror}); expected text") from error


def _read_archive(archive: Path) -> Iterator[SourceFile]:
    try:
        with _decompressed(archive) as stream:
            tail: Any = _Tail(stream)  # has of a file what tarfile reads by
            with tarfile.open(fileobj=tail, mode="r|") as tar:
                while (member := tar.next()) is not None:
                    tar.members.clear()  # type: ignore[attr-defined]  # or else it keeps every header that it has read
                    relevant = _relevant_path(PurePosixPath(member.name), source=archive)
                    if relevant is None or (member.isdir() and not relevant.endswith(".txt")):
                        continue
                    where = f"{archive}: {member.name}"
                    file = tar.extractfile(member) if member.isreg() else None
                    if file is None:
                        raise SourceError(f"{where}: found {_kind(member)}; expected a regular file")
                    _check_size(where, relevant, member.size)
                    yield SourceFile(relevant, file.read())
            # tarfile takes a stream that stops at a header for a complete one. Reading on to the end of the
            # compressed stream checks its length and checksum.
            while tail.read(1 << 20):
                pass
            if tail.block.strip(b"\0"):
                raise tarfile.ReadError("no end-of-archive mark")
    except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, OSError) as error:
        raise SourceError(
            f"{archive}: found what is no whole tar archive ({error}); "
            "expected one, plain or compressed by gzip, bzip2 or xz"
        ) from error


def _decompressed(archive: Path) -> BufferedIOBase:
    """Open `archive` by its first bytes: its name says nothing, the official name may hold an xz stream."""
    with archive.open("rb") as file:
        magic = file.read(8)
        for prefix, opener in _OPENERS:
            if magic.startswith(prefix):
                return opener(archive)
    return archive.open("rb")


class _Tail:
    """Passes a stream on, and keeps its last block: zeros in a whole archive, not in one cut between two members."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self.block = b""

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.block = (self.block + data)[-tarfile.BLOCKSIZE :]
        return data


def _relevant_path(path: PurePosixPath | Path, source: Path) -> str | None:
    """Return `path` from `train` or `test` on if it is part of the layout, else None."""
    parts = path.parts
    start = next((i for i, part in enumerate(parts) if part in ("train", "test")), None)
    if start is None or parts[-1].startswith("."):  # .DS_Store, ._0_9.txt: what desktops leave behind
        return None
    inner = parts[start:]
    relevant = "/".join(inner)
    if len(inner) == 2 and _URLS_NAME.fullmatch(inner[1]):
        return relevant
    if "/".join(inner[:2]) not in FOLDERS or len(inner) == 2:
        return None
    if len(inner) > 3:
        raise SourceError(f"{source}: found {path} in a subfolder; expected only review files in {'/'.join(inner[:2])}")
    return relevant


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return f"a link to {member.linkname}"
    return "a folder" if member.isdir() else "a device or pipe"


def _check_size(where: str, relevant: str, size: int) -> None:
    limit = MAX_URLS_BYTES if _URLS_NAME.fullmatch(relevant.rpartition("/")[2]) else MAX_FILE_BYTES
    if size > limit:
        raise SourceError(f"{where}: found {size:,} bytes; expected at most {limit:,}")


def decode(file: SourceFile, source: Path) -> str:
    """Return the text of a file. Raises SourceError if it is empty or no UTF-8."""
    if not file.content:
        raise SourceError(f"{source}: found no bytes in {file.path}; expected text")
    try:
        return file.content.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = file.content[error.start]
        raise SourceError(
            f"{source}: found the byte 0x{byte:02x} at position {error.start} of {file.path}; expected UTF-8"
        ) from error
