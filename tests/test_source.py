"""Reading the review files: what is in them must not depend on what they came in."""

import gc
import io
import tarfile
import tempfile
from collections import deque
from itertools import islice
from pathlib import Path

import pytest

from imdb_sentiment.corpus.archive import SourceFile, read_source
from imdb_sentiment.runtime.errors import SourceError
from tests.conftest import corpus_files, pack, snapshot, write_folder

COMPRESSIONS = ("", "gz", "bz2", "xz")


def _read(source: Path) -> dict[str, bytes]:
    files = list(read_source(source))
    assert len({file.path for file in files}) == len(files)
    return {file.path: file.content for file in files}


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_an_archive_of_any_compression_gives_every_file_as_it_is(tmp_path: Path, compression: str) -> None:
    files = corpus_files()

    # One name for all: the official archive's name may hold another compression.
    assert _read(pack(files, tmp_path / "aclImdb_v1.tar.gz", compression)) == files


def test_a_folder_gives_the_same_files_as_an_archive(tmp_path: Path, corpus: Path) -> None:
    assert _read(corpus) == _read(pack(corpus_files(), tmp_path / "corpus.tar.xz", "xz")) == corpus_files()


@pytest.mark.parametrize("prefix", ["", "./", "aclImdb/", "./aclImdb/", "some/where/aclImdb/", "/abs/aclImdb/"])
def test_the_folders_above_the_layout_do_not_matter(tmp_path: Path, prefix: str) -> None:
    files = corpus_files()

    assert _read(pack(files, tmp_path / "corpus.tar", "", prefix)) == files


def test_the_order_of_the_members_is_kept(tmp_path: Path) -> None:
    files = corpus_files()
    urls_first = dict(sorted(files.items(), key=lambda item: "urls" not in item[0]))
    urls_last = dict(sorted(files.items(), key=lambda item: "urls" in item[0]))

    for ordered in (urls_first, urls_last):
        archive = pack(ordered, tmp_path / "corpus.tar.gz")
        assert [file.path for file in read_source(archive)] == list(ordered)


def test_a_folder_is_read_in_the_same_order_each_time_whatever_order_it_was_written_in(tmp_path: Path) -> None:
    files = corpus_files()
    forwards = write_folder(tmp_path / "forwards", files)
    backwards = write_folder(tmp_path / "backwards", dict(reversed(files.items())))

    assert [file.path for file in read_source(forwards)] == [file.path for file in read_source(backwards)]


def test_the_urls_files_are_told_from_reviews() -> None:
    assert SourceFile("train", "urls_pos.txt", b"").is_urls
    assert not SourceFile("train/pos", "0_9.txt", b"").is_urls
    assert SourceFile("train/pos", "0_9.txt", b"").path == "train/pos/0_9.txt"


HIDDEN = ("train/pos/.DS_Store", "train/pos/._0_9.txt", "test/neg/.0_2.txt.swp", "train/._urls_pos.txt")


@pytest.mark.parametrize("as_folder", [True, False])
def test_what_a_desktop_leaves_behind_is_passed_over(tmp_path: Path, as_folder: bool) -> None:
    files = corpus_files()
    with_hidden = files | dict.fromkeys(HIDDEN, b"\x00\x05\x16\x07 not a review")
    source = write_folder(tmp_path / "c", with_hidden) if as_folder else pack(with_hidden, tmp_path / "c.tar")

    assert _read(source) == files


OTHERS = ("README", "imdb.vocab", "imdbEr.txt", "train/labeledBow.feat", "train/unsupBow.feat", "test/labeledBow.feat")


@pytest.mark.parametrize("as_folder", [True, False])
def test_what_else_the_dataset_has_is_passed_over(tmp_path: Path, as_folder: bool) -> None:
    files = corpus_files()
    with_others = dict.fromkeys(OTHERS, b"9 0:9 1:1 2:4") | files
    source = write_folder(tmp_path / "c", with_others) if as_folder else pack(with_others, tmp_path / "c.tar")

    assert _read(source) == files


def test_the_members_that_are_folders_are_passed_over(tmp_path: Path, corpus: Path) -> None:
    with tarfile.open(tmp_path / "corpus.tar.gz", "w:gz") as tar:
        tar.add(corpus, "aclImdb")
        assert "aclImdb/train/pos" in tar.getnames()

    assert _read(tmp_path / "corpus.tar.gz") == corpus_files()


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_of_tar_is_read_long_names_included(tmp_path: Path, tar_format: int) -> None:
    files = corpus_files()
    deep = "a-folder-with-a-long-name-" * 3  # two of them are more than the 100 bytes of the oldest header
    with tarfile.open(tmp_path / "corpus.tar", "w", format=tar_format) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{deep}/{deep}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))

    assert _read(tmp_path / "corpus.tar") == files


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_corpus_without_urls_files_and_unlabelled_reviews_is_whole(tmp_path: Path, as_folder: bool) -> None:
    labelled = {
        name: content for name, content in corpus_files().items() if "urls_" not in name and "unsup" not in name
    }
    source = write_folder(tmp_path / "c", labelled) if as_folder else pack(labelled, tmp_path / "c.tar")

    assert len(labelled) == 32
    assert _read(source) == labelled


@pytest.mark.parametrize("as_folder", [True, False])
@pytest.mark.parametrize("folder", ["train/pos", "train/neg", "test/pos", "test/neg"])
def test_a_corpus_without_a_labelled_folder_is_refused(tmp_path: Path, folder: str, as_folder: bool) -> None:
    rest = {name: content for name, content in corpus_files().items() if not name.startswith(folder)}
    source = write_folder(tmp_path / "c", rest) if as_folder else pack(rest, tmp_path / "c.tar")

    with pytest.raises(SourceError, match=folder):
        _read(source)


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_labelled_folder_without_a_review_is_refused(tmp_path: Path, as_folder: bool) -> None:
    rest = {name: content for name, content in corpus_files().items() if not name.startswith("test/neg/")}
    folder = write_folder(tmp_path / "c", rest)
    (folder / "test/neg").mkdir()
    with tarfile.open(tmp_path / "c.tar", "w") as tar:
        tar.add(folder, "aclImdb")

    with pytest.raises(SourceError, match="test/neg"):
        _read(folder if as_folder else tmp_path / "c.tar")


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_review_in_a_subfolder_is_refused(tmp_path: Path, as_folder: bool) -> None:
    files = corpus_files() | {"train/pos/more/8_9.txt": b"A fine film."}
    source = write_folder(tmp_path / "c", files) if as_folder else pack(files, tmp_path / "c.tar")

    with pytest.raises(SourceError, match="train/pos/more"):
        _read(source)


def test_nothing_is_unpacked_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(corpus_files(), tmp_path / "corpus.tar.xz", "xz")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.chdir(temporary)
    before = snapshot(tmp_path)

    for _ in read_source(archive):
        assert snapshot(tmp_path) == before


def test_reading_more_reviews_keeps_no_more_headers(tmp_path: Path) -> None:
    names = [f"{folder}.txt" for number in range(300) for folder in _four_folders(number)]
    reader = read_source(pack(dict.fromkeys(names, b"A film."), tmp_path / "corpus.tar", ""))
    deque(islice(reader, 100), maxlen=0)
    before = _headers()
    deque(islice(reader, 900), maxlen=0)  # not to the end, where all is given back
    # tarfile alone would keep the header of each: half a gigabyte for a million reviews.
    assert _headers() - before < 10


def _headers() -> int:
    gc.collect()
    return sum(isinstance(its, tarfile.TarInfo) for its in gc.get_objects())


def _four_folders(number: int) -> list[str]:
    return [f"{split}/{kind}" for split in ("train", "test") for kind in (f"pos/{number}_9", f"neg/{number}_2")]


@pytest.mark.parametrize("member", [0, 5])  # tarfile reads the first one, whatever it is
@pytest.mark.parametrize("size", [b"%011o\0", b"%011o ", b"%012o", b"%10o\0 ", b" %9o\0 "])
@pytest.mark.parametrize("checksum", [b"%06o\0 ", b" %5o\0 ", b"%06o \0", b"%06o\0\0"])
def test_a_header_written_another_way_is_read_as_tarfile_reads_it(
    tmp_path: Path, checksum: bytes, size: bytes, member: int
) -> None:
    files = corpus_files()
    content = bytearray(pack(files, tmp_path / "corpus.tar", "").read_bytes())
    name = list(files)[member]
    start = content.index(f"aclImdb/{name}\0".encode())
    header = content[start : start + 512]
    header[124:136] = size % len(files[name])
    header[148:156] = checksum % (sum(header[:148]) + sum(b" " * 8) + sum(header[156:]))
    content[start : start + 512] = header
    (tmp_path / "corpus.tar").write_bytes(content)

    assert _read(tmp_path / "corpus.tar") == files


def test_what_a_global_header_says_holds_for_every_member(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "corpus.tar", "w", format=tarfile.PAX_FORMAT, pax_headers={"size": "7"}) as tar:
        for name in corpus_files():
            member = tarfile.TarInfo(name)
            member.size = 6
            tar.addfile(member, io.BytesIO(b"A film"))
    content = (tmp_path / "corpus.tar").read_bytes().replace(b"A film\0", b"A film.")
    (tmp_path / "corpus.tar").write_bytes(content)

    assert set(_read(tmp_path / "corpus.tar").values()) == {b"A film."}


@pytest.mark.parametrize("is_first", [True, False])
def test_a_sparse_member_is_read_as_any_other(tmp_path: Path, is_first: bool) -> None:
    """GNU tar's `--sparse` on a file system that compresses: here one piece of 7 bytes, the rest a hole."""
    files = corpus_files()
    content = pack(files, tmp_path / "corpus.tar", "").read_bytes()
    member = tarfile.TarInfo("train/pos/8_9.txt")
    member.size = 512
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"%011o\0" % 7
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:410] = b"%011o\0%011o\0" % (0, 7)
    header[483:495] = b"%011o\0" % 512
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(b" " * 8) + sum(header[156:]))
    place = 0 if is_first else content.index(f"aclImdb/{list(files)[1]}\0".encode())
    sparse = bytes(header) + b"A film.".ljust(512, b"\0")
    (tmp_path / "corpus.tar").write_bytes(content[:place] + sparse + content[place:])

    assert _read(tmp_path / "corpus.tar") == files | {"train/pos/8_9.txt": b"A film.".ljust(512, b"\0")}
