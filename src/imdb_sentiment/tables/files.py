"""The file of a table, plain or compressed, which can be opened any number of times."""

import gzip
import io
import lzma
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Final

from imdb_sentiment.runtime.errors import InputError, reason_of
from imdb_sentiment.runtime.extras import check_arrow
from imdb_sentiment.tables.compression import open_bzip2, open_xz
from imdb_sentiment.tables.rows import shorten
from imdb_sentiment.tables.zip_files import open_zip

# A file is refused once it has decompressed to more bytes than the first, and to more than the second times its own.
MAX_UNFOLDED_BYTES: Final = 16_000_000
MAX_UNFOLDING: Final = 200
COMPRESSED_SUFFIXES: Final = (".gz", ".bz2", ".xz", ".zst", ".zip")
_STARTS: Final = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}
# zlib, lzma and zipfile have no common base; a damaged bzip2 stream is an OSError or ends early.
_DAMAGED: Final = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)


@dataclass(frozen=True)
class TableFile:
    """A file with a table in it; `name` stands for it in messages."""

    path: Path
    name: str
    _holder: Any = None  # keeps a temporary file, which is deleted with it

    @cached_property
    def compression(self) -> str | None:
        """How the file is compressed, by its first bytes: its name may say something else."""
        with self.path.open("rb") as file:
            start = file.read(6)
        return next((kind for magic, kind in _STARTS.items() if start.startswith(magic)), None)

    @property
    def size(self) -> int:
        """The bytes of the file as it is."""
        return self.path.stat().st_size

    def inner_name(self) -> str:
        """Return the file's name without the ending of its compression, or the name of a ZIP file's only member."""
        if self.compression == "zip":
            with self._damage_named(), open_zip(self.path) as archive:
                return self._only_member(archive).filename
        path = Path(self.name)
        return path.stem if path.suffix.lower() in COMPRESSED_SUFFIXES else path.name

    @contextmanager
    def open(self) -> Iterator["Content"]:
        """Open what is in the file, decompressed. Raises InputError, also for a damaged file in the block."""
        with ExitStack() as stack:
            raw = stack.enter_context(self.path.open("rb"))
            with self._damage_named() if self.compression else ExitStack():
                plain = stack.enter_context(self._decompressed(raw))
                yield Content(raw, plain, self)

    def unpacked(self) -> "TableFile":
        """Return the decompressed content as a temporary file, for a format that is not read forwards."""
        spool = tempfile.NamedTemporaryFile(prefix="imdb-sentiment-")  # noqa: SIM115  # deleted with the table
        with self.open() as content:
            shutil.copyfileobj(content, spool)
        spool.flush()
        return TableFile(Path(spool.name), self.name, spool)

    def _decompressed(self, raw: IO[bytes]) -> Any:
        match self.compression:
            case "gzip":
                return gzip.GzipFile(fileobj=raw)
            case "bzip2":
                return open_bzip2(raw)
            case "xz":
                return open_xz(raw)
            case "zstd":
                check_arrow(self.name)
                import pyarrow as pa

                return pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")
            case "zip":
                archive = open_zip(raw)
                return archive.open(self._only_member(archive))
            case _:
                return raw

    def _only_member(self, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
        # Desktops add hidden files, and folders are members too.
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not member.filename.startswith("__MACOSX/") and "/." not in f"/{member.filename}"
        ]
        if len(members) != 1:
            names = ", ".join(shorten(member.filename) for member in members[:10]) or "nothing"
            raise InputError(f"{self.name}: found {len(members)} files in it ({names}); expected one table")
        if members[0].flag_bits & 1:
            raise InputError(f"{self.name}: found an encrypted file in it; expected one that can be read")
        return members[0]

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGED as error:
            found = f"a damaged {self.compression} file ({reason_of(error)})"
            raise InputError(f"{self.name}: found {found}; expected a complete one") from error


class Content(io.RawIOBase):
    """What is in a table's file, read forwards; a file that unfolds to far more than it has is refused."""

    def __init__(self, raw: IO[bytes], plain: Any, file: TableFile) -> None:
        super().__init__()
        self._raw, self._plain, self._file = raw, plain, file
        self._limit = max(MAX_UNFOLDED_BYTES, MAX_UNFOLDING * file.size) if file.compression else sys.maxsize
        self._done = 0
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into `buffer`. Raises InputError."""
        block = self._plain.read(len(buffer))
        buffer[: len(block)] = block
        self._done += len(block)
        self._position = self._raw.tell()
        if self._done > self._limit:
            found = f"{self._file.size:,} bytes that unfold to more than {self._limit:,}"
            expected = f"at most {MAX_UNFOLDING} times as many"
            raise InputError(f"{self._file.name}: found {found}; expected {expected}")
        return len(block)

    def position(self) -> int:
        """Return how many bytes of the file as it is have been read."""
        return self._position


@contextmanager
def spooled_standard_input() -> Iterator[TableFile]:
    """Copy standard input to a temporary file, since a table is read more than once. Raises InputError."""
    if sys.stdin is None:
        raise InputError("standard input: found it closed; expected a table")
    with tempfile.NamedTemporaryFile(prefix="imdb-sentiment-") as spool:
        try:
            shutil.copyfileobj(sys.stdin.buffer, spool)
            spool.flush()
        except OSError as error:
            raise InputError(
                f"standard input: found what cannot be read ({reason_of(error)}); expected a table"
            ) from error
        yield TableFile(Path(spool.name), "standard input")
