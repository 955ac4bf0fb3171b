"""The review files as they come: a tar archive of any compression, read as a stream, or a folder."""

import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

from imdb_sentiment.corpus.decompression import BLOCK_BYTES, DecompressedStream, decompressed
from imdb_sentiment.runtime.errors import SourceError

# The longest review of the dataset has 14,282 bytes; whatever is seventy times that is no review.
MAX_FILE_BYTES: Final = 1_000_000
# urls_unsup.txt has 50,000 lines of 49 bytes. A million reviews still fit.
MAX_URLS_BYTES: Final = 200_000_000

FOLDERS: Final = ("train/pos", "train/neg", "train/unsup", "test/pos", "test/neg")

_URLS_NAME = re.compile(r"urls_(?:pos|neg|unsup)\.txt")
# The size of a member and the checksum of its header, as tar writes them for a review.
_SIZE_AND_CHECKSUM = re.compile(rb"([0-7]{11})[\0 ]([0-7]{6})")


class SourceFile(NamedTuple):
    """One file of the layout: `folder` is relative to its root, such as `train/pos`, `name` such as `0_9.txt`."""

    folder: str
    name: str
    content: bytes

    @property
    def path(self) -> str:
        """Where it lies, such as `train/pos/0_9.txt`."""
        return f"{self.folder}/{self.name}"

    @property
    def is_urls(self) -> bool:
        """Whether it is one of the `urls_*.txt`, which lie beside the folders of reviews."""
        return self.folder not in FOLDERS


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
            if place := _place(path.relative_to(root).as_posix(), source=root):
                if not path.is_file():
                    raise SourceError(f"{path}: found what is not a file; expected only review files in {folder}")
                yield _read_file(path, *place)
    for path in [*_list(root / "train"), *_list(root / "test")]:
        if path.is_file() and (place := _place(path.relative_to(root).as_posix(), source=root)):
            yield _read_file(path, *place)


def _list(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError as error:
        raise SourceError(
            f"{directory}: found a folder that cannot be read ({error.strerror}); expected reviews"
        ) from error


def _read_file(path: Path, folder: str, name: str) -> SourceFile:
    try:
        _check_size(str(path), folder, path.stat().st_size)
        return SourceFile(folder, name, path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path}: found a file that cannot be read ({error.strerror}); expected text") from error


def _read_archive(archive: Path) -> Iterator[SourceFile]:
    try:
        with decompressed(archive) as stream:
            with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as tar:
                for member in _members(tar, stream):
                    place = _place(member.name, source=archive)
                    if place is None or (member.isdir() and not place[1].endswith(".txt")):
                        continue
                    where = f"{archive}: {member.name}"
                    if not member.isreg():
                        raise SourceError(f"{where}: found {_kind(member)}; expected a regular file")
                    _check_size(where, place[0], member.size)
                    yield SourceFile(*place, _read_member(tar, stream, member))
            # tarfile takes a stream that stops at a header for a complete one. Reading on to the end of the
            # compressed stream checks its length and checksum; the last block of a whole archive is zeros.
            while stream.read(BLOCK_BYTES):
                pass
            if stream.tail.strip(tarfile.NUL):
                raise tarfile.ReadError("no end-of-archive mark")
    # ValueError: tarfile's, of a damaged map of a sparse file.
    except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, OSError, ValueError) as error:
        raise SourceError(
            f"{archive}: found what is no whole tar archive ({error}); "
            "expected one, plain or compressed by gzip, bzip2 or xz"
        ) from error


def _members(tar: tarfile.TarFile, stream: DecompressedStream) -> Iterator[tarfile.TarInfo]:
    """Yield each member, with `stream` where its content begins."""
    member = tar.next()
    while member is not None:
        yield member
        member = _next_member(tar, stream)


def _next_member(tar: tarfile.TarFile, stream: DecompressedStream) -> tarfile.TarInfo | None:
    """Return what `tar.next` would, and leave `stream` where its content begins.

    tarfile needs as long for a header as all else does for a review: a plain one is read here, all others there.
    """
    begin = stream.seek(tar.offset)
    header = stream.peek(tarfile.BLOCKSIZE)
    # What a global header says holds for all members: tarfile applies it.
    member = None if tar.pax_headers else _plain_member(header)
    if member is None:
        tar.members.clear()  # type: ignore[attr-defined]  # or else it keeps every header that it has read
        member = tar.next()
        if member is None and header.strip(tarfile.NUL):  # tarfile takes a damaged header for the end
            raise tarfile.ReadError(f"a damaged header at byte {begin:,}")
        return member
    content = stream.seek(begin + tarfile.BLOCKSIZE)
    tar.offset = content + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    return member


def _plain_member(header: bytes) -> tarfile.TarInfo | None:
    """Return a member's name and size, or None where its header is not as plain as a review's."""
    # The fields of POSIX's ustar header.
    numbers = _SIZE_AND_CHECKSUM.fullmatch(header[124:136] + header[148:154])
    kind, prefix = header[156:157], header[345:346]
    if numbers is None or kind != tarfile.REGTYPE or prefix != tarfile.NUL:
        return None
    # The checksum is the sum of all bytes, its own taken for spaces. The low half of Adler-32 is 1 and that sum, modulo
    # 65,521 (RFC 1950, section 8.2), which 512 bytes of ASCII do not reach.
    found = zlib.adler32(header[:148] + b" " * 8 + header[156:]) & 0xFFFF
    if found != int(numbers[2], 8) + 1:
        return None
    name = header[:100].partition(tarfile.NUL)[0]
    member = tarfile.TarInfo(name.decode(tarfile.ENCODING, "surrogateescape"))
    member.size = int(numbers[1], 8)
    return member


def _read_member(tar: tarfile.TarFile, stream: DecompressedStream, member: tarfile.TarInfo) -> bytes:
    """Return the content of the member whose header has just been read."""
    if member.issparse():
        return cast(IO[bytes], tar.extractfile(member)).read()
    content = stream.read(member.size)
    if len(content) < member.size:
        raise tarfile.ReadError("unexpected end of data")
    return content


@lru_cache
def _layout_folder(folder: str) -> str:
    """Return `folder` from `train` or `test` on, nothing if it is in neither: `./aclImdb/train/pos -> train/pos`."""
    parts = [part for part in folder.split("/") if part not in ("", ".")]
    start = next((i for i, part in enumerate(parts) if part in ("train", "test")), len(parts))
    return "/".join(parts[start:])


def _place(path: str, source: Path) -> tuple[str, str] | None:
    """Return the folder, from `train` or `test` on, and the name of `path` if it is part of the layout, else None."""
    outer, _, name = path.rstrip("/").rpartition("/")
    folder = _layout_folder(outer)
    if name.startswith("."):  # .DS_Store, ._0_9.txt: what desktops leave behind
        return None
    if folder in FOLDERS or (folder in ("train", "test") and _URLS_NAME.fullmatch(name)):
        return folder, name
    for known in FOLDERS:
        if folder.startswith(f"{known}/"):
            raise SourceError(f"{source}: found {path} in a subfolder; expected only review files in {known}")
    return None


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return f"a link to {member.linkname}"
    return "a folder" if member.isdir() else "a device or pipe"


def _check_size(where: str, folder: str, size: int) -> None:
    limit = MAX_FILE_BYTES if folder in FOLDERS else MAX_URLS_BYTES
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
