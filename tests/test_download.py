"""Fetch, against a web server on this machine: the archive is right and whole, or not there."""

import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from imdb_sentiment.corpus import download
from imdb_sentiment.corpus.download import fetch_archive
from imdb_sentiment.corpus.fingerprint import fingerprint
from imdb_sentiment.runtime.errors import DownloadError, OutputError
from imdb_sentiment.runtime.progress import Task
from tests.conftest import Website, corpus_files, pack, snapshot

# More than one chunk of the download, and no multiple of it.
ARCHIVE = bytes(range(256)) * 900 + b"end"
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.fixture
def refusing() -> Iterator[str]:
    """Give an address at which nothing listens; it is held meanwhile, so that nobody else takes it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/archive"


def _fetch(folder: Path, *urls: str) -> Path:
    archive = folder / "raw" / "archive.tar.gz"
    fetch_archive(archive, urls, SHA256)
    return archive


def test_the_archive_is_fetched_byte_for_byte_into_a_folder_that_is_made(tmp_path: Path, website: Website) -> None:
    archive = _fetch(tmp_path, website.serve("archive", ARCHIVE))

    assert snapshot(tmp_path) == {"raw": None, "raw/archive.tar.gz": ARCHIVE}
    assert archive.read_bytes() == ARCHIVE
    assert website.requests == ["/archive"]


def test_the_bytes_that_came_are_counted_as_progress(tmp_path: Path, website: Website) -> None:
    steps: list[int] = []
    opened: list[tuple[str, int | None, str]] = []

    class Counting:
        def advance(self, amount: int = 1, note: str = "") -> None:
            del note
            steps.append(amount)

    @contextmanager
    def progress(description: str, total: int | None, unit: str) -> Iterator[Task]:
        opened.append((description, total, unit))
        yield Counting()

    fetch_archive(tmp_path / "archive", (website.serve("archive", ARCHIVE),), SHA256, progress)

    assert sum(steps) == len(ARCHIVE)
    assert len(steps) > 1
    assert [unit for _, _, unit in opened] == ["bytes"]


def test_another_file_than_the_archive_is_refused(tmp_path: Path, website: Website) -> None:
    url = website.serve("archive", ARCHIVE[:-1] + b"!")

    with pytest.raises(DownloadError, match=f"{url} .*another file"):
        _fetch(tmp_path, url)

    assert snapshot(tmp_path) == {"raw": None}


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_an_answer_that_is_an_error_is_reported_with_its_number(tmp_path: Path, website: Website, status: int) -> None:
    url = website.serve("archive", b"not here", status)

    with pytest.raises(DownloadError, match=f"{url} .*{status}"):
        _fetch(tmp_path, url)

    assert snapshot(tmp_path) == {"raw": None}


def test_a_body_that_breaks_off_leaves_nothing(tmp_path: Path, website: Website) -> None:
    url = website.serve("archive", ARCHIVE[: len(ARCHIVE) // 2], claimed=len(ARCHIVE))

    with pytest.raises(DownloadError, match=url):
        _fetch(tmp_path, url)

    assert snapshot(tmp_path) == {"raw": None}


def test_a_host_that_refuses_is_reported_as_one_without_a_connection(tmp_path: Path, refusing: str) -> None:
    with pytest.raises(DownloadError, match=f"{refusing} .*Connection"):
        _fetch(tmp_path, refusing)

    assert snapshot(tmp_path) == {"raw": None}


def test_the_second_address_is_used_when_the_first_fails(tmp_path: Path, website: Website, refusing: str) -> None:
    absent, broken = f"{website.address}/absent", website.serve("broken", ARCHIVE[:100], claimed=len(ARCHIVE))
    other, right = website.serve("other", b"<html>Please log in</html>"), website.serve("right", ARCHIVE)

    archive = _fetch(tmp_path, refusing, absent, broken, other, right)

    assert archive.read_bytes() == ARCHIVE
    assert website.requests == ["/absent", "/broken", "/other", "/right"]
    assert snapshot(tmp_path).keys() == {"raw", "raw/archive.tar.gz"}


def test_the_second_address_is_left_alone_when_the_first_works(tmp_path: Path, website: Website) -> None:
    _fetch(tmp_path, website.serve("first", ARCHIVE), website.serve("second", ARCHIVE))

    assert website.requests == ["/first"]


def test_without_a_network_the_message_lists_what_was_tried_and_three_ways_on(
    tmp_path: Path, refusing: str, website: Website
) -> None:
    absent = f"{website.address}/absent"

    with pytest.raises(DownloadError) as caught:
        _fetch(tmp_path, refusing, absent)

    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/raw/archive.tar.gz: ")
    for part in (
        refusing,
        absent,
        "404",
        f"put the archive at {tmp_path}/raw/archive.tar.gz",
        "data.source",
        "make demo",
    ):
        assert part in message
    assert "\n" not in message


def test_the_archive_that_is_there_already_is_taken_without_a_request(tmp_path: Path, website: Website) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "archive.tar.gz").write_bytes(ARCHIVE)

    _fetch(tmp_path, website.serve("archive", ARCHIVE))

    assert website.requests == []
    assert snapshot(tmp_path) == {"raw": None, "raw/archive.tar.gz": ARCHIVE}


@pytest.mark.parametrize("content", [b"", b"no archive at all", ARCHIVE[:-1]])
def test_another_file_that_is_there_already_is_refused_and_kept(
    tmp_path: Path, website: Website, content: bytes
) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "archive.tar.gz").write_bytes(content)

    with pytest.raises(DownloadError, match=r"archive\.tar\.gz.*found.*expected.*data\.source"):
        _fetch(tmp_path, website.serve("archive", ARCHIVE))

    assert website.requests == []
    assert snapshot(tmp_path) == {"raw": None, "raw/archive.tar.gz": content}


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_the_known_reviews_are_taken_whatever_they_are_compressed_by(
    tmp_path: Path, website: Website, monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    files = corpus_files()
    reviews = [(name, content) for name, content in files.items() if "urls" not in name]
    monkeypatch.setitem(download.KNOWN_FINGERPRINTS, fingerprint(reviews), "these")
    archive = pack(files, tmp_path / "archive.tar.gz", compression)
    before = snapshot(tmp_path)

    fetch_archive(archive, (website.serve("archive", ARCHIVE),), SHA256)

    assert website.requests == []
    assert snapshot(tmp_path) == before


def test_other_reviews_that_are_there_already_are_refused_and_kept(tmp_path: Path, website: Website) -> None:
    files = corpus_files()
    found = fingerprint((name, content) for name, content in files.items() if "urls" not in name)
    archive = pack(files, tmp_path / "archive.tar.gz")
    before = snapshot(tmp_path)

    with pytest.raises(DownloadError, match=f"archive.tar.gz: found reviews of fingerprint {found}; expected"):
        fetch_archive(archive, (website.serve("archive", ARCHIVE),), SHA256)

    assert website.requests == []
    assert snapshot(tmp_path) == before


def test_a_folder_at_the_archives_place_is_refused_and_kept(tmp_path: Path, website: Website) -> None:
    (tmp_path / "raw" / "archive.tar.gz").mkdir(parents=True)

    with pytest.raises(DownloadError, match=r"archive\.tar\.gz"):
        _fetch(tmp_path, website.serve("archive", ARCHIVE))

    assert website.requests == []
    assert snapshot(tmp_path) == {"raw": None, "raw/archive.tar.gz": None}


def test_a_place_that_cannot_be_written_to_is_no_fault_of_the_addresses(tmp_path: Path, website: Website) -> None:
    (tmp_path / "raw").write_bytes(b"a file where the folder should be")

    with pytest.raises(OutputError, match=r"raw/archive\.tar\.gz"):
        _fetch(tmp_path, website.serve("archive", ARCHIVE))

    assert snapshot(tmp_path) == {"raw": b"a file where the folder should be"}


def test_the_official_addresses_are_tried_in_their_order_and_checked_against_the_official_checksum() -> None:
    assert [url.split("/")[2] for url in download.ARCHIVE_URLS] == ["ai.stanford.edu", "dataset.bj.bcebos.com"]
    assert all(url.startswith("https://") for url in download.ARCHIVE_URLS)
    assert fetch_archive.__defaults__ is not None
    assert fetch_archive.__defaults__[:2] == (download.ARCHIVE_URLS, download.ARCHIVE_SHA256)
    assert download.ARCHIVE_SHA256 == "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"
