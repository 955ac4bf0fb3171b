"""A file, compressed or not, decompressed by a thread of its own while another works on what it holds."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import repeat, takewhile
from pathlib import Path
from typing import BinaryIO, Final

from imdb_sentiment.runtime.threads import map_in_threads

# Each time that the thread comes back from the decompressor, a few times a block of whatever size, it waits up to 5 ms
# for the interpreter's lock, while the other thread works. With blocks of 1 MiB that took seconds.
BLOCK_BYTES: Final = 8 << 20
TAIL_BYTES: Final = 512


class _LargeReads(io.RawIOBase):
    """Reads more at once than it is asked for: LZMAFile and BZ2File ask for 8 KiB, and come back after each."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(max(size, BLOCK_BYTES // 4))


_READERS: Final[tuple[tuple[bytes, Callable[[BinaryIO], io.BufferedIOBase]], ...]] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"\xfd7zXZ\x00", lambda file: lzma.LZMAFile(_LargeReads(file))),  # type: ignore[arg-type]  # noqa: SIM115
    (b"BZh", lambda file: bz2.BZ2File(_LargeReads(file))),
)


class DecompressedStream:
    """The bytes of a sequence of blocks, as a file that is read forwards. Keeps the last TAIL_BYTES that it has had."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._ahead = b""
        self._place = 0  # in what is ahead
        self._position = 0  # in the file, where that begins
        self.tail = b""

    def tell(self) -> int:
        """Return how many bytes have been read or passed over."""
        return self._position + self._place

    def peek(self, size: int) -> bytes:
        """Return what `read` would, and stay."""
        content = self._ahead[self._place : self._place + size]
        return content if len(content) == size else self._fetch(size)

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, or as many as there are."""
        content = self.peek(size)
        self._place += len(content)
        return content

    def seek(self, offset: int) -> int:
        """Pass over the bytes before `offset`, or to the end. Raises UnsupportedOperation if it lies behind."""
        if offset < self.tell():
            raise io.UnsupportedOperation("a stream is read forwards")
        while offset > self._position + len(self._ahead) and (block := self._next_block()):
            self._position += len(self._ahead)
            self._ahead, self._place = block, 0
        self._place = min(offset - self._position, len(self._ahead))
        return self.tell()

    def _fetch(self, size: int) -> bytes:
        """Have `size` bytes ahead, or as many as there are, and return them."""
        parts = [self._ahead[self._place :]]
        missing = size - len(parts[0])
        while missing > 0 and (block := self._next_block()):
            parts.append(block)
            missing -= len(block)
        self._position += self._place
        self._ahead, self._place = b"".join(parts), 0
        return self._ahead[:size]

    def _next_block(self) -> bytes:
        block = next(self._blocks, b"")
        self.tail = (self.tail + block[-TAIL_BYTES:])[-TAIL_BYTES:]
        return block


@contextmanager
def decompressed(path: Path) -> Iterator[DecompressedStream]:
    """Open `path` by its first bytes: its name says nothing, the official name may hold an xz stream.

    A few blocks are in memory at a time. What the decompressor raises, the stream raises where it gets there.
    """
    with path.open("rb") as file:
        magic = file.read(8)
        file.seek(0)
        reader = next((make(file) for prefix, make in _READERS if magic.startswith(prefix)), file)
        with closing(map_in_threads(reader.read, repeat(BLOCK_BYTES), threads=1)) as blocks:
            yield DecompressedStream(takewhile(len, blocks))
