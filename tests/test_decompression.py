"""A stream that a thread decompresses is the file that was compressed."""

import bz2
import gzip
import io
import lzma
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imdb_sentiment.corpus import decompression
from imdb_sentiment.corpus.decompression import DecompressedStream, decompressed

COMPRESS = {"plain": bytes, "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}
# Not to be compressed, and longer than the blocks that are read ahead.
CONTENT = np.random.default_rng(0).bytes(9_000_000)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompression, "BLOCK_BYTES", 1 << 20)


@pytest.mark.parametrize("compress", COMPRESS.values(), ids=COMPRESS)
def test_the_content_comes_out_whole(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    (tmp_path / "file").write_bytes(compress(CONTENT))
    with decompressed(tmp_path / "file") as stream:
        assert stream.read(len(CONTENT) + 1) == CONTENT
        assert stream.tail == CONTENT[-decompression.TAIL_BYTES :]
        assert stream.read(1) == b""


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_several_compressed_parts_are_one_file(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    (tmp_path / "file").write_bytes(compress(b"one, ") + compress(b"two"))
    with decompressed(tmp_path / "file") as stream:
        assert stream.read(99) == b"one, two"


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_damaged_file_raises_where_it_is_read(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    (tmp_path / "file").write_bytes(compress(CONTENT)[:-20])
    with decompressed(tmp_path / "file") as stream, pytest.raises((EOFError, OSError, lzma.LZMAError, zlib.error)):
        stream.read(len(CONTENT))


def test_a_reader_that_leaves_early_leaves_no_thread_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(gzip.compress(CONTENT))
    before = threading.active_count()
    with decompressed(tmp_path / "file") as stream:
        assert stream.read(10) == CONTENT[:10]
    assert threading.active_count() == before


def test_few_blocks_are_read_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(bytes(100))
    monkeypatch.setattr(decompression, "BLOCK_BYTES", 1)
    asked = []

    class Counted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size)
            return super().read(size)

    monkeypatch.setattr(decompression, "_READERS", ((b"\0", lambda file: Counted(file.read())),))
    with decompressed(tmp_path / "file") as stream:
        assert stream.read(1) == b"\0"
        assert len(asked) <= 4


def test_a_stream_goes_forwards_over_its_blocks() -> None:
    stream = DecompressedStream(iter([b"abc", b"defg", b"hi", b"j"]))
    assert (stream.read(2), stream.tell()) == (b"ab", 2)
    assert (stream.peek(3), stream.tell()) == (b"cde", 2)
    assert (stream.seek(5), stream.read(3)) == (5, b"fgh")
    assert (stream.seek(9), stream.peek(9), stream.tell()) == (9, b"j", 9)
    assert stream.seek(99) == stream.tell() == 10
    assert stream.peek(1) == stream.read(1) == b""
    assert stream.tail == b"abcdefghij"


def test_a_stream_passes_over_whole_blocks() -> None:
    stream = DecompressedStream(iter([b"abc", b"defg", b"hi", b"j"]))
    assert (stream.seek(8), stream.tell(), stream.read(9)) == (8, 8, b"ij")


def test_a_stream_does_not_go_backwards() -> None:
    stream = DecompressedStream(iter([b"abc"]))
    stream.read(2)
    with pytest.raises(io.UnsupportedOperation):
        stream.seek(1)
