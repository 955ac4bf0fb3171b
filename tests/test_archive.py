"""Reading review files: what is in them must not depend on what they came in, and nothing harmful is followed."""

import bz2
import gzip
import lzma
import os
import tarfile
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imdb_sentiment.corpus import archive as archive_module
from imdb_sentiment.corpus.archive import read_source
from imdb_sentiment.runtime.errors import SourceError
from tests.factories import corpus_files, pack, snapshot, write_folder

COMPRESSIONS = {"": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
LABELLED = ("train/pos", "train/neg", "test/pos", "test/neg")
BLOCK = tarfile.BLOCKSIZE
Writer = Callable[[Mapping[str, bytes]], Path]


@pytest.fixture(params=["folder", "archive"])
def write_source(request: pytest.FixtureRequest, tmp_path: Path) -> Writer:
    """Return a function that writes files to a source: to a folder in one run of the test, to an archive in another."""
    write = write_folder if request.param == "folder" else lambda path, files: pack(files, path)
    return lambda files: write(tmp_path / "source", files)


def _read(source: Path) -> dict[str, bytes]:
    files = list(read_source(source))
    assert len({file.path for file in files}) == len(files)
    return {file.path: file.content for file in files}


def _assert_refused(source: Path, *parts: str) -> None:
    """Check that `source` is refused with an error that names it and has all of `parts` in it."""
    with pytest.raises(SourceError) as caught:
        _read(source)
    assert str(caught.value).startswith(str(source))
    for part in ("found", "expected", *parts):
        assert part in str(caught.value)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_archive_of_any_compression_and_order_holds_the_files_of_the_folder(
    tmp_path: Path, corpus: Path, compression: str
) -> None:
    files = dict(reversed(corpus_files().items()))

    # One name for all: the official archive's name may hold another compression.
    assert list(_read(pack(files, tmp_path / "aclImdb_v1.tar.gz", compression)).items()) == list(files.items())
    assert _read(corpus) == files


def test_folder_is_read_in_sorted_order(corpus: Path) -> None:
    (corpus / "train/pos/10_9.txt").write_bytes(b"A film.")

    names = [file.name for file in read_source(corpus) if file.folder == "train/pos"]
    assert names == sorted(names)


@pytest.mark.parametrize("prefix", ["", "./", "aclImdb/", "./aclImdb/", "some/where/aclImdb/", "/abs/aclImdb/"])
def test_folders_above_the_layout_do_not_matter(tmp_path: Path, prefix: str) -> None:
    assert _read(pack(corpus_files(), tmp_path / "corpus.tar", "", prefix)) == corpus_files()


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_tar_format_is_read_with_folders_and_long_names(tmp_path: Path, corpus: Path, tar_format: int) -> None:
    deep = "a-folder-with-a-long-name-" * 3  # two of them are more than the 100 bytes of the oldest header
    with tarfile.open(tmp_path / "corpus.tar", "w", format=tar_format) as tar:
        tar.add(corpus, f"{deep}/{deep}")

    assert _read(tmp_path / "corpus.tar") == corpus_files()


SKIPPED = (
    *("README", "imdb.vocab", "train/labeledBow.feat", "test/labeledBow.feat", "train/._urls_pos.txt"),
    *("train/pos/.DS_Store", "train/pos/._0_9.txt", "test/neg/.0_2.txt.swp", "train/pos/.AppleDouble/0_9.txt"),
)


def test_hidden_files_and_what_else_the_dataset_has_are_skipped(write_source: Writer) -> None:
    assert _read(write_source(dict.fromkeys(SKIPPED, b"\x00\x05\x16\x07") | corpus_files())) == corpus_files()


def test_urls_files_and_unlabelled_reviews_are_optional(write_source: Writer) -> None:
    files = {name: text for name, text in corpus_files().items() if "urls_" not in name and "unsup" not in name}

    assert _read(write_source(files)) == files


@pytest.mark.parametrize("folder", LABELLED)
def test_source_without_a_labelled_folder_is_refused(write_source: Writer, folder: str) -> None:
    files = {name: text for name, text in corpus_files().items() if not name.startswith(folder)}

    _assert_refused(write_source(files), f"no reviews in {folder}")


def test_review_in_a_subfolder_is_refused(write_source: Writer) -> None:
    _assert_refused(write_source(corpus_files() | {"train/pos/more/8_9.txt": b"A film."}), "train/pos/more", "folder")


def test_what_is_not_a_source_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "file", {"train": b"not a folder"})

    for name in ("nowhere", "long" * 99, "nul\0", "pipe", "empty", "file"):
        _assert_refused(tmp_path / name)


def test_nothing_is_unpacked_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(corpus_files(), tmp_path / "corpus.tar.xz", "xz")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = snapshot(tmp_path)

    for _ in read_source(archive):
        assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["train/pos/8_9.txt", "test/urls_pos.txt"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_link_or_device_in_an_archive_is_refused(tmp_path: Path, name: str, kind: bytes) -> None:
    member = tarfile.TarInfo(f"aclImdb/{name}")
    member.type, member.linkname = kind, "/etc/hostname"
    files = {path: content for path, content in corpus_files().items() if path != name}
    archive = pack(files, tmp_path / "corpus.tar", "")
    with tarfile.open(archive, "a") as tar:
        tar.addfile(member)

    found = "a link to /etc/hostname" if member.issym() or member.islnk() else "a folder, device or pipe"
    _assert_refused(archive, f"aclImdb/{name}", found, "a regular file")


@pytest.mark.parametrize("name", ["train/pos/8_9.txt", "test/urls_pos.txt"])
def test_link_or_device_in_a_folder_is_refused(corpus: Path, name: str) -> None:
    (corpus / name).unlink(missing_ok=True)
    for target in ("/etc/hostname", "nowhere"):
        (corpus / name).symlink_to(target)
        _assert_refused(corpus, name, f"a link to {target}", "a regular file")
        (corpus / name).unlink()
    os.mkfifo(corpus / name)
    _assert_refused(corpus, name, "pipe", "a regular file")


@contextmanager
def _little_memory(limit: int = 10_000_000) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("name", "limit"), [("train/pos/8_9.txt", 1_000_000), ("train/urls_pos.txt", 50_000_000)])
def test_too_large_a_file_is_refused_unread(tmp_path: Path, corpus: Path, name: str, limit: int) -> None:
    with (corpus / name).open("wb") as file:
        file.truncate(limit + 1)
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz", compresslevel=1) as tar:
        tar.add(corpus, "aclImdb")

    with _little_memory():
        for source in (corpus, tmp_path / "c.tar.gz"):
            _assert_refused(source, name, f"{limit + 1:,} bytes", f"at most {limit:,}")


def test_gigabytes_of_other_files_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_SKIPPED_BYTES", 1_000_000)
    files = {"train/labeledBow.feat": bytes(600_000), **corpus_files(), "test/labeledBow.feat": bytes(600_000)}
    _assert_refused(pack(files, tmp_path / "c.tar.gz"), "more than 1,000,000 bytes of files that are not reviews")


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_cut_compressed_archive_is_refused(tmp_path: Path, compression: str) -> None:
    archive = pack(corpus_files(), tmp_path / "corpus.tar", compression)
    whole = archive.read_bytes()

    for size in (*range(0, len(whole), len(whole) // 12), len(whole) - 9, len(whole) - 1):
        archive.write_bytes(whole[:size])
        _assert_refused(archive, "not a complete tar archive")


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_damaged_compressed_archive_is_refused(tmp_path: Path, compression: str) -> None:
    # More than is decompressed at once, so that it is not only tarfile that meets the damage.
    random = np.random.default_rng(0)
    large = {"train/urls_pos.txt": random.bytes(600_000).hex().encode()}
    archive = pack(corpus_files() | large, tmp_path / "corpus.tar", compression)
    whole = archive.read_bytes()

    for place in range(len(whole) // 2, len(whole) - 1000, len(whole) // 10):
        archive.write_bytes(whole[:place] + random.bytes(1000) + whole[place + 1000 :])
        _assert_refused(archive, "not a complete tar archive")


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_archive_without_its_end_is_refused(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    files = corpus_files()
    archive = pack(files, tmp_path / "corpus.tar", "")
    whole = archive.read_bytes()
    end = 2 * BLOCK * len(files)  # a block for the header of each, one for its text

    for size in (end, end - 100, end - BLOCK, end - BLOCK - 100, end - 2 * BLOCK):
        archive.write_bytes(compress(whole[:size]))
        _assert_refused(archive, "not a complete tar archive")


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_archive_compressed_in_parts_is_read_to_its_end(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    """Programs that compress on several cores (pbzip2, pigz) write such files."""
    archive = pack(corpus_files(), tmp_path / "corpus.tar", "")
    whole = archive.read_bytes()

    archive.write_bytes(compress(whole[:5000]) + compress(whole[5000:]))
    assert _read(archive) == corpus_files()
    archive.write_bytes(compress(whole) + compress(whole))
    _assert_refused(archive, "data after the end-of-archive mark")


@pytest.mark.parametrize(
    "content",
    [b"", b"<!DOCTYPE html>" + b" " * 20_000, b"\0" * 10_240, b"\x1f\x8b\x08 not gzip", b"BZh9 nor bzip2", b"PK\x05"],
)
def test_file_that_is_not_an_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "aclImdb_v1.tar.gz").write_bytes(content)

    _assert_refused(tmp_path / "aclImdb_v1.tar.gz")


def _with_checksum(header: bytearray) -> bytes:
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def _header(kind: bytes, size: int, changes: Mapping[int, bytes] | None = None) -> bytes:
    """Return the header of a member `train/pos/8_9.txt`, with other bytes at the offsets of `changes`."""
    member = tarfile.TarInfo("train/pos/8_9.txt")
    member.type, member.size = kind, size
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    for offset, value in (changes or {}).items():
        header[offset : offset + len(value)] = value
    return _with_checksum(header)


def _sparse_header(size: int, is_extended: bool = False) -> bytes:
    """Return an old GNU header of a file of `size` bytes, of which the archive has the first 7: the rest is a hole."""
    return _header(b"S", 7, {386: b"%011o\0%011o\0" % (0, 7), 482: bytes([is_extended]) + b"%011o\0" % size})


def test_sparse_member_is_read_as_any_other_of_its_size(tmp_path: Path) -> None:
    """GNU tar's `--sparse` on a file system that compresses writes small files so."""
    archive = pack(corpus_files(), tmp_path / "corpus.tar", "")
    whole = archive.read_bytes()
    content = b"A film.".ljust(BLOCK, b"\0")

    archive.write_bytes(_sparse_header(BLOCK) + content + whole)
    assert _read(archive) == corpus_files() | {"train/pos/8_9.txt": content}
    archive.write_bytes(_sparse_header(2 << 30) + content + whole)
    with _little_memory():
        _assert_refused(archive, "train/pos/8_9.txt", "2,147,483,648 bytes")


@pytest.mark.parametrize("record", [b"22 GNU.sparse.map=x,y\n", b"99999999999999999999 a=b\n"])
def test_pax_record_with_a_wrong_number_is_refused(tmp_path: Path, record: bytes) -> None:
    archive = pack(corpus_files(), tmp_path / "corpus.tar", "")
    archive.write_bytes(_header(b"x", len(record)) + record.ljust(BLOCK, b"\0") + archive.read_bytes())

    _assert_refused(archive, "not a complete tar archive")


def test_cut_map_of_a_sparse_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus.tar").write_bytes(_sparse_header(BLOCK, is_extended=True))

    _assert_refused(tmp_path / "corpus.tar", "not a complete tar archive")


def test_memory_does_not_grow_with_the_number_of_members(tmp_path: Path) -> None:
    files = {f"train/pos/{number}_9.txt": b"A film." for number in range(5000)}
    reader = read_source(pack(files, tmp_path / "corpus.tar", ""))
    next(reader)

    with _little_memory(limit=2_000_000), pytest.raises(SourceError):  # tarfile alone would keep every header
        list(map(len, reader))


_PAX_SPARSE = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
HUGE = 100_000_000
# The header, and what is repeated after it.
HUGE_HEADERS = {
    "long name": (_header(b"L", HUGE), b"\0"),
    "long link": (_header(b"K", HUGE), b"\0"),
    "chain of long names": (b"", _header(b"L", 0)),
    "pax header": (_header(b"x", HUGE), b"\0"),
    "global pax header": (_header(b"g", HUGE), b"\0"),
    "map of a sparse file": (_sparse_header(512, is_extended=True), b"0"),
    "pax map of a sparse file": (
        _header(b"x", len(_PAX_SPARSE)) + _PAX_SPARSE.ljust(BLOCK, b"\0") + _header(b"0", HUGE),
        b"99999999\n" + b"1\n" * 999,
    ),
}


@pytest.mark.parametrize("case", HUGE_HEADERS)
def test_header_of_100_mb_is_refused_unread(tmp_path: Path, case: str) -> None:
    header, body = HUGE_HEADERS[case]
    with gzip.open(tmp_path / "corpus.tar", "wb", compresslevel=1) as file:
        file.write(header)
        for _ in range(100):
            file.write(body * (HUGE // 100 // len(body)))

    with _little_memory():
        _assert_refused(tmp_path / "corpus.tar", "a header of more than")


def test_global_pax_records_are_bounded_over_the_whole_archive(tmp_path: Path) -> None:
    members = []
    for number in range(200):
        record = b"12 key%03d=x\n" % number
        members += [_header(b"g", len(record)), record.ljust(BLOCK, b"\0"), _header(b"0", 0, {0: b"README\0"})]
    (tmp_path / "corpus.tar").write_bytes(b"".join(members) + bytes(2 * BLOCK))

    _assert_refused(tmp_path / "corpus.tar", "100 global pax records")


def test_negative_size_is_refused(tmp_path: Path) -> None:
    """tarfile alone goes back by it, and reads the same member again and again."""
    whole = pack(corpus_files(), tmp_path / "corpus.tar", "").read_bytes()
    header = _header(b"0", 0, {0: b"README\0", 124: (-2 * BLOCK).to_bytes(12, "big", signed=True)})
    (tmp_path / "corpus.tar").write_bytes(whole[: 4 * BLOCK] + header + whole[4 * BLOCK :])

    _assert_refused(tmp_path / "corpus.tar", "a negative size")


SMALL = {f"{folder}/0_{rating}.txt": b"A film." for folder, rating in zip(LABELLED, (9, 2, 9, 2), strict=True)}
many = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
mutations = st.lists(st.tuples(st.integers(0, 10_239), st.binary(min_size=1, max_size=12)), min_size=1, max_size=3)


def _mutate(content: bytes, changes: list[tuple[int, bytes]]) -> bytearray:
    mutated = bytearray(content)
    for place, value in changes:
        start = place % len(content)
        mutated[start : start + len(value)] = value
    return mutated


@many
@given(st.sampled_from(["gz", "bz2", "xz"]), mutations)
def test_mutated_compressed_archive_has_the_same_reviews_or_is_refused(
    tmp_path: Path, compression: str, changes: list[tuple[int, bytes]]
) -> None:
    archive = pack(SMALL, tmp_path / "corpus.tar", compression)
    archive.write_bytes(_mutate(archive.read_bytes(), changes))

    with suppress(SourceError):
        assert _read(archive) == SMALL


@many
@given(st.integers(0, 3), st.integers(0, BLOCK - 1), st.integers(1, 255))
def test_archive_with_a_changed_byte_in_a_header_has_the_same_reviews_or_is_refused(
    tmp_path: Path, member: int, place: int, change: int
) -> None:
    archive = pack(SMALL, tmp_path / "corpus.tar", "")
    content = bytearray(archive.read_bytes())
    content[2 * BLOCK * member + place] ^= change
    archive.write_bytes(content)

    with suppress(SourceError):
        assert _read(archive) == SMALL


@many
@given(st.integers(0, 3), st.sampled_from(b"LKxgXSV0123457\0"), st.binary(max_size=BLOCK), mutations)
def test_mutated_archive_with_right_checksums_is_read_or_refused(
    tmp_path: Path, member: int, kind: int, body: bytes, changes: list[tuple[int, bytes]]
) -> None:
    archive = pack(SMALL, tmp_path / "corpus.tar", "")
    content = _mutate(archive.read_bytes(), changes)
    start = 2 * BLOCK * member
    content[start + 156] = kind
    content[start + BLOCK : start + BLOCK + len(body)] = body
    for place in range(0, 2 * BLOCK * len(SMALL), 2 * BLOCK):
        content[place : place + BLOCK] = _with_checksum(content[place : place + BLOCK])
    archive.write_bytes(content)

    with suppress(SourceError):
        list(read_source(archive))
