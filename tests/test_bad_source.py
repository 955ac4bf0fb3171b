"""The archive or folder of reviews is not what it should be."""

import bz2
import errno
import functools
import gzip
import io
import lzma
import os
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imdb_sentiment.corpus import decompression
from tests.conftest import (
    assert_refused,
    corpus_files,
    pack,
    write_folder,
)
from tests.refusal import assert_refused_untouched, assert_source_refused, run_ingest


def _cuts(size: int) -> list[int]:
    return sorted({size * step // 12 for step in range(1, 12)} | {size - 1, size - 5, size - 9})


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_a_compressed_archive_cut_short_anywhere_is_refused(tmp_path: Path, compression: str) -> None:
    whole = pack(corpus_files(), tmp_path / "whole", compression).read_bytes()
    archive, out = tmp_path / "corpus.tar", tmp_path / "out"
    out.mkdir()

    for size in _cuts(len(whole)):
        archive.write_bytes(whole[:size])
        assert_refused_untouched(functools.partial(run_ingest, archive), out, str(archive), "found", "expected")


def test_a_plain_archive_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    files = corpus_files()
    whole = pack(files, tmp_path / "whole", "").read_bytes()
    archive, out = tmp_path / "corpus.tar", tmp_path / "out"
    out.mkdir()
    end_of_members = 2 * 512 * len(files)  # a block for the header of each, one for its text

    for size in [512 * block for block in range(1, len(files), 7)] + [end_of_members, end_of_members - 100]:
        archive.write_bytes(whole[:size])
        assert_refused_untouched(functools.partial(run_ingest, archive), out, str(archive), "found", "expected")


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_an_archive_cut_between_two_compressed_parts_is_refused(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    """Programs that compress on several cores (pbzip2, pigz) write parts, each of them whole."""
    files = corpus_files()
    whole = pack(files, tmp_path / "whole", "").read_bytes()
    archive = tmp_path / "corpus.tar"
    archive.write_bytes(compress(whole[: 2 * 512 * (len(files) - 1)]))  # all members but the last

    assert_source_refused(archive, tmp_path, "found", "expected")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Not an archive.",
        b"<!DOCTYPE html>" + b" " * 20_000,
        bytes(range(256)) * 100,
        b"\0" * 10_240,
        gzip.compress(b"Not an archive.", mtime=0),  # the names of the tests must not tell the time
        lzma.compress(b"Not an archive." * 1000),
        b"\x1f\x8b\x08 not gzip either",
        b"BZh9 nor bzip2",
        b"PK\x05\x06" + b"\0" * 18,
    ],
)
def test_what_is_not_an_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "aclImdb_v1.tar.gz"
    archive.write_bytes(content)

    assert_source_refused(archive, tmp_path, "found", "expected")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    archive = pack(corpus_files(), tmp_path / "corpus.tar.xz", "xz")
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)

    assert_source_refused(archive, tmp_path, "found", "expected")


@pytest.mark.parametrize(("byte", "change"), [(0, 1), (20, 1), (124, 1), (134, 8), (148, 1), (148, 8), (156, 1)])
def test_a_damaged_header_amid_the_archive_is_refused(tmp_path: Path, byte: int, change: int) -> None:
    archive = pack(corpus_files(), tmp_path / "corpus.tar", "")
    content = bytearray(archive.read_bytes())
    header = content.index(b"aclImdb/test/neg/3_")
    content[header + byte] ^= change
    archive.write_bytes(content)

    assert_source_refused(archive, tmp_path, "corpus.tar", f"a damaged header at byte {header:,}")


def test_a_source_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert_source_refused(tmp_path / "nowhere.tar.gz", tmp_path, "no such file")


@pytest.mark.parametrize("as_folder", [True, False])
@pytest.mark.parametrize("missing", ["train/pos", "train/neg", "test/pos", "test/neg"])
def test_a_source_without_a_labelled_folder_is_refused(tmp_path: Path, missing: str, as_folder: bool) -> None:
    files = {name: content for name, content in corpus_files().items() if not name.startswith(f"{missing}/")}
    source = write_folder(tmp_path / "c", files) if as_folder else pack(files, tmp_path / "c.tar")

    assert_source_refused(source, tmp_path, missing)


def test_a_folder_whose_folders_are_all_empty_is_refused(tmp_path: Path) -> None:
    for folder in ("train/pos", "train/neg", "test/pos", "test/neg"):
        (tmp_path / "corpus" / folder).mkdir(parents=True)

    assert_source_refused(tmp_path / "corpus", tmp_path, "train/pos")


NO_REVIEW_NAMES = [
    "review.txt",
    "8.txt",
    "8_9.html",
    "8_9",
    "8-9.txt",
    "_9.txt",
    "8_.txt",
    "-8_9.txt",
    "8_9_1.txt",
    "8_9.txt.txt",
    "8_9 .txt",
    "8.5_9.txt",
    "eight_9.txt",
    "8_100.txt",
    "12345678901_9.txt",
    "urls_pos.txt",
    "\N{ARABIC-INDIC DIGIT EIGHT}_9.txt",
]


@pytest.mark.parametrize("as_folder", [True, False])
@pytest.mark.parametrize("name", NO_REVIEW_NAMES)
def test_a_file_name_that_is_not_id_rating_is_refused(tmp_path: Path, name: str, as_folder: bool) -> None:
    files = corpus_files() | {f"train/pos/{name}": b"A fine film."}
    source = write_folder(tmp_path / "c", files) if as_folder else pack(files, tmp_path / "c.tar")

    assert_source_refused(source, tmp_path, f"train/pos/{name}", "ID_RATING.txt")


@pytest.mark.parametrize("name", ["8_9\n.txt", "8_\udcff9.txt"])
def test_a_file_name_that_cannot_be_printed_as_it_is_still_makes_one_line(tmp_path: Path, name: str) -> None:
    archive = pack(corpus_files() | {f"train/pos/{name}": b"A fine film."}, tmp_path / "corpus.tar")

    assert_source_refused(archive, tmp_path, "train/pos/8_", "ID_RATING.txt")


@pytest.mark.parametrize("as_folder", [True, False])
@pytest.mark.parametrize(
    ("folder", "rating", "allowed"),
    [
        ("train/pos", 4, "7 to 10"),
        ("train/pos", 6, "7 to 10"),
        ("test/pos", 11, "7 to 10"),
        ("test/pos", 0, "7 to 10"),
        ("train/neg", 7, "1 to 4"),
        ("train/neg", 0, "1 to 4"),
        ("test/neg", 5, "1 to 4"),
        ("train/unsup", 7, "0"),
    ],
)
def test_a_rating_that_contradicts_its_folder_is_refused(
    tmp_path: Path, folder: str, rating: int, allowed: str, as_folder: bool
) -> None:
    name = f"{folder}/8_{rating}.txt"
    files = corpus_files() | {name: b"A film."}
    source = write_folder(tmp_path / "c", files) if as_folder else pack(files, tmp_path / "c.tar")

    assert_source_refused(source, tmp_path, name, f"rating {rating}", f"expected {allowed} in {folder}")


@pytest.mark.parametrize("name", ["test/neg/7_4.txt", "train/unsup/7_0.txt", "train/urls_pos.txt"])
@pytest.mark.parametrize(
    ("content", "byte", "position"),
    [
        ("Un café.".encode("latin-1"), "0xe9", 6),
        ("\ufeffA film.".encode("utf-16"), "0xff", 0),
        ("A café".encode()[:-1], "0xc3", 5),
    ],
)
def test_bytes_that_are_not_utf8_are_refused(
    tmp_path: Path, name: str, content: bytes, byte: str, position: int
) -> None:
    source = pack(corpus_files() | {name: content}, tmp_path / "corpus.tar")

    assert_source_refused(source, tmp_path, name, byte, f"position {position}", "UTF-8")


@pytest.mark.parametrize("as_folder", [True, False])
@pytest.mark.parametrize("name", ["train/pos/3_10.txt", "train/unsup/3_0.txt", "test/urls_neg.txt"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str, as_folder: bool) -> None:
    files = corpus_files()
    assert name in files
    files[name] = b""
    source = write_folder(tmp_path / "c", files) if as_folder else pack(files, tmp_path / "c.tar")

    assert_source_refused(source, tmp_path, name, "expected")


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_review_of_100_mb_is_refused_unread(tmp_path: Path, as_folder: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompression, "BLOCK_BYTES", 1 << 20)  # a few of them are read ahead
    name, size = "train/pos/8_9.txt", 100_000_000
    if as_folder:
        source = write_folder(tmp_path / "corpus", corpus_files())
        with (source / name).open("wb") as file:
            file.truncate(size)  # a hole, which takes no room on the disk
    else:
        source = tmp_path / "corpus.tar"
        member = tarfile.TarInfo(name)
        member.size = size
        with source.open("wb") as file:
            file.write(member.tobuf())
            file.seek(-(-size // 512) * 512, io.SEEK_CUR)
            file.write(pack(corpus_files(), tmp_path / "rest.tar", "").read_bytes())

    tracemalloc.start()
    try:
        assert_source_refused(source, tmp_path, name, "100,000,000 bytes", "1,000,000")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


def test_a_urls_file_of_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "corpus", corpus_files())
    with (source / "train/urls_pos.txt").open("wb") as file:
        file.truncate(1_000_000_000)

    assert_source_refused(source, tmp_path, "train/urls_pos.txt", "1,000,000,000 bytes")


@pytest.mark.parametrize("name", ["train/pos/8_9.txt", "test/urls_pos.txt"])
@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (tarfile.SYMTYPE, "a link to /etc/hostname"),
        (tarfile.LNKTYPE, "a link to /etc/hostname"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "pipe"),
        (tarfile.DIRTYPE, "a folder"),
    ],
)
def test_a_link_or_device_in_the_archive_is_refused(tmp_path: Path, name: str, kind: bytes, found: str) -> None:
    files = corpus_files()
    files.pop(name, None)
    member = tarfile.TarInfo(f"aclImdb/{name}")
    member.type, member.linkname = kind, "/etc/hostname"
    archive = pack(files, tmp_path / "corpus.tar", "")
    with tarfile.open(archive, "a") as tar:
        tar.addfile(member)

    assert_source_refused(archive, tmp_path, f"aclImdb/{name}", found, "expected a regular file")


def test_a_pipe_or_a_link_to_nothing_in_a_folder_is_refused(tmp_path: Path) -> None:
    for number, make in enumerate((os.mkfifo, lambda path: Path(path).symlink_to("nowhere"))):
        source = write_folder(tmp_path / f"corpus{number}", corpus_files())
        make(source / "train/pos/8_9.txt")
        (tmp_path / f"{number}").mkdir()

        assert_source_refused(source, tmp_path / f"{number}", "train/pos/8_9.txt", "not a file")


@pytest.mark.parametrize("again", ["0_8.txt", "00_7.txt"])
def test_a_review_id_twice_is_refused(tmp_path: Path, again: str) -> None:
    files = corpus_files()
    assert "train/pos/0_7.txt" in files
    source = write_folder(tmp_path / "corpus", files | {f"train/pos/{again}": b"Again."})

    assert_source_refused(source, tmp_path, "train/pos/0", "twice")


def test_a_file_twice_in_the_archive_is_refused(tmp_path: Path) -> None:
    archive = pack(corpus_files(), tmp_path / "corpus.tar", "")
    with tarfile.open(archive, "a") as tar:
        tar.addfile(tarfile.TarInfo("aclImdb/test/neg/7_4.txt"))

    assert_source_refused(archive, tmp_path, "test/neg/7", "twice")


@pytest.mark.parametrize("first", [True, False])
def test_a_urls_file_too_short_is_refused(tmp_path: Path, first: bool) -> None:
    urls = {"test/urls_pos.txt": b"http://www.imdb.com/title/tt1/usercomments\n" * 7}
    rest = {name: content for name, content in corpus_files().items() if name not in urls}
    source = pack(urls | rest if first else rest | urls, tmp_path / "corpus.tar")

    assert_source_refused(source, tmp_path, "7 lines in test/urls_pos.txt", "review 7")


def test_a_folder_that_cannot_be_listed_is_refused(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No real folder refuses the superuser, as whom the tests may run.
    def refuse(folder: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)

    result = run_ingest(corpus, tmp_path)

    monkeypatch.undo()
    assert_refused(result, str(corpus / "train/pos"), "cannot be read (Permission denied)")
