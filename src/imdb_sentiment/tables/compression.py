"""Reading what bzip2 and xz have compressed: to the last byte, and in bounded memory.

The standard library's files take a damaged stream for the end, where another stream stands before it: of a file that
`pbzip2` or `cat` put together, half may be missing, and nobody is told. xz also lets a file demand gigabytes.
"""

import bz2
import io
import lzma
from collections.abc import Callable
from typing import IO, Any, Final

# An xz file names the memory that its decompression takes: 65 MB for `xz -9`.
MAX_XZ_MEMORY: Final = 300_000_000
_BLOCK_BYTES: Final = 1 << 16


def open_bzip2(file: IO[bytes]) -> "StreamsReader":
    """Return a reader of the bzip2 streams in `file`."""
    return StreamsReader(file, bz2.BZ2Decompressor)


def open_xz(file: IO[bytes]) -> "StreamsReader":
    """Return a reader of the xz streams in `file`."""
    return StreamsReader(file, lambda: lzma.LZMADecompressor(memlimit=MAX_XZ_MEMORY))


class StreamsReader(io.RawIOBase):
    """What compressed streams hold, one behind the other, read forwards.

    Reading raises OSError, EOFError or lzma.LZMAError for anything else between two streams or at the end, but for
    zeros, with which a file may be filled up.
    """

    def __init__(self, file: IO[bytes], start: Callable[[], Any]) -> None:
        super().__init__()
        self._file, self._start = file, start
        self._decompressor = start()
        self._done = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True: forwards."""
        return True

    def tell(self) -> int:
        """Return how many bytes have been read."""
        return self._done

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Skip what lies before `offset`, counted from the start."""
        if whence != io.SEEK_SET or offset < self._done:
            raise io.UnsupportedOperation("a compressed file is read forwards")
        while self._done < offset and self.read(min(_BLOCK_BYTES, offset - self._done)):
            pass
        return self._done

    def readinto(self, buffer: Any) -> int:
        """Read into `buffer`."""
        block = self._read(len(buffer))
        buffer[: len(block)] = block
        self._done += len(block)
        return len(block)

    def _read(self, size: int) -> bytes:
        while size:
            if self._decompressor.eof:
                rest = self._decompressor.unused_data.lstrip(b"\0")
                while not rest:
                    more = self._file.read(_BLOCK_BYTES)
                    if not more:
                        return b""
                    rest = more.lstrip(b"\0")
                self._decompressor = self._start()
            else:
                rest = self._file.read(_BLOCK_BYTES) if self._decompressor.needs_input else b""
                if self._decompressor.needs_input and not rest:
                    raise EOFError("it ends before its last stream does")
            block: bytes = self._decompressor.decompress(rest, size)
            if block:
                return block
        return b""
