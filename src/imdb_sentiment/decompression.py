"""A file, compressed or not, decompressed by a thread of its own while another works on what it holds."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import repeat, takewhile
from pathlib import Path
from typing import Any, BinaryIO, Final

from imdb_sentiment.threads import map_in_threads

BLOCK_BYTES: Final = 1 << 20
TAIL_BYTES: Final = 512


class _LargeReads(io.RawIOBase):
    """Reads more at once than it is asked for.

    LZMAFile and BZ2File ask for 8 KiB, and wait after each for the lock that the interpreter's threads share.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(max(size, BLOCK_BYTES // 4))


_READERS: Final[tuple[tuple[bytes, Callable[[BinaryIO], io.BufferedIOBase]], ...]] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"\xfd7zXZ\x00", lambda file: lzma.LZMAFile(_LargeReads(file))),  # type: ignore[arg-type]  # noqa: SIM115
    (b"BZh", lambda file: bz2.BZ2File(_LargeReads(file))),
)


class DecompressedStream(io.RawIOBase):
    """The bytes of a sequence of blocks, as a file that is read forwards. Keeps the last TAIL_BYTES that it has had."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")
        self._position = 0
        self.tail = b""

    def readable(self) -> bool:
        """Return True: that is what it is for."""
        return True

    def seekable(self) -> bool:
        """Return True, though only what lies ahead can be sought."""
        return True

    def tell(self) -> int:
        """Return how many bytes have been read or passed over."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Pass over the bytes before `offset`."""
        if whence != io.SEEK_SET or offset < self._position:
            raise io.UnsupportedOperation("a stream is read forwards")
        while self._position < offset and self._has_more():
            self._take(offset - self._position)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` from one block, and return how many bytes that were: 0 at the end."""
        taken = self._take(len(buffer)) if self._has_more() else b""
        buffer[: len(taken)] = taken
        return len(taken)

    def _has_more(self) -> bool:
        if not self._rest:
            block = next(self._blocks, b"")
            self.tail = (self.tail + block[-TAIL_BYTES:])[-TAIL_BYTES:]
            self._rest = memoryview(block)
        return len(self._rest) > 0

    def _take(self, size: int) -> memoryview:
        taken, self._rest = self._rest[:size], self._rest[size:]
        self._position += len(taken)
        return taken


@contextmanager
def decompressed(path: Path) -> Iterator[DecompressedStream]:
    """Open `path` by its first bytes: its name says nothing, the official name may hold an xz stream.

    A few blocks are in memory at a time. What the decompressor raises, the stream's `read` raises.
    """
    with path.open("rb") as file:
        magic = file.read(8)
        file.seek(0)
        reader = next((make(file) for prefix, make in _READERS if magic.startswith(prefix)), file)
        with closing(map_in_threads(reader.read, repeat(BLOCK_BYTES), threads=1)) as blocks:
            yield DecompressedStream(takewhile(len, blocks))
