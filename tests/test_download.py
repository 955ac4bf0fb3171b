"""Fetch, against a web server on this machine: the archive is right and whole, or not there."""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imdb_sentiment.corpus.download import fetch_archive
from imdb_sentiment.corpus.fingerprint import KNOWN_FINGERPRINTS, Fingerprint
from imdb_sentiment.runtime.errors import DownloadError, OutputError
from tests.conftest import Website
from tests.factories import corpus_files, pack, snapshot, write_folder

# More than one chunk of the download, and no multiple of it.
ARCHIVE = bytes(range(256)) * 900 + b"end"
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.fixture
def refusing() -> Iterator[str]:
    """Return an address at which nothing listens; it is held meanwhile, so that no other program takes it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/archive"


@pytest.fixture
def dripping() -> Iterator[str]:
    """Return an address that sends a byte every 20 ms, and never ends."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            while not stopped.wait(0.02):
                try:
                    connection.sendall(b"x")
                except OSError:  # the other side has gone
                    return

    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/archive"
        stopped.set()
        thread.join()


def _fetch(folder: Path, *urls: str, max_bytes: int = len(ARCHIVE), max_seconds: float = 60) -> bytes:
    archive = folder / "raw" / "archive.tar.gz"
    fetch_archive(archive, urls, SHA256, max_bytes=max_bytes, max_seconds=max_seconds)
    return archive.read_bytes()


def test_fetch_writes_the_archive_into_a_new_folder_and_asks_no_second_address(
    tmp_path: Path, website: Website
) -> None:
    _fetch(tmp_path, website.serve("archive", ARCHIVE), website.serve("second", ARCHIVE))

    assert snapshot(tmp_path) == {"raw": None, "raw/archive.tar.gz": ARCHIVE}
    assert website.requests == ["/archive"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (ARCHIVE[:-1] + b"!", 200, "another file"),
        (ARCHIVE[:1000], 200, "IncompleteRead|ProtocolError"),  # the connection breaks off
        (ARCHIVE + b"!" * 1_000_000, 200, f"more than {len(ARCHIVE):,} bytes"),
        (ARCHIVE, 404, "404"),
        (ARCHIVE, 503, "503"),
    ],
)
def test_fetch_leaves_nothing_of_a_wrong_answer(
    tmp_path: Path, website: Website, body: bytes, status: int, reason: str
) -> None:
    url = website.serve("archive", body, status, claimed=max(len(body), len(ARCHIVE)))

    with pytest.raises(DownloadError, match=rf"{url} \(.*({reason})"):
        _fetch(tmp_path, url)

    assert snapshot(tmp_path) == {"raw": None}


def test_fetch_stops_at_an_answer_that_is_too_slow(tmp_path: Path, dripping: str) -> None:
    start = time.monotonic()

    with pytest.raises(DownloadError, match=f"{dripping} .*in 0.2 seconds"):
        _fetch(tmp_path, dripping, max_seconds=0.2)

    assert time.monotonic() - start < 5
    assert snapshot(tmp_path) == {"raw": None}


def test_fetch_goes_on_to_the_address_that_works(tmp_path: Path, website: Website, refusing: str) -> None:
    absent, broken = f"{website.address}/absent", website.serve("broken", ARCHIVE[:100], claimed=len(ARCHIVE))
    other, right = website.serve("other", b"<html>Please log in</html>"), website.serve("right", ARCHIVE)

    assert _fetch(tmp_path, refusing, absent, broken, other, right) == ARCHIVE
    assert website.requests == ["/absent", "/broken", "/other", "/right"]
    assert snapshot(tmp_path).keys() == {"raw", "raw/archive.tar.gz"}


def test_fetch_without_a_network_lists_what_was_tried_and_the_ways_to_go_on(
    tmp_path: Path, refusing: str, website: Website
) -> None:
    absent = f"{website.address}/absent"

    with pytest.raises(DownloadError) as caught:
        _fetch(tmp_path, refusing, absent)

    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/raw/archive.tar.gz: ")
    for part in (refusing, "Connection", absent, "put the archive at", "data.source", "make demo"):
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"", b"not an archive", ARCHIVE[:-1]])
def test_fetch_refuses_and_keeps_what_is_not_the_archive(tmp_path: Path, website: Website, content: bytes) -> None:
    write_folder(tmp_path, {"raw/archive.tar.gz": content})

    with pytest.raises(DownloadError, match=r"archive\.tar\.gz.*found.*expected"):
        _fetch(tmp_path, website.serve("archive", ARCHIVE))

    assert website.requests == []
    assert snapshot(tmp_path) == {"raw": None, "raw/archive.tar.gz": content}


def test_fetch_keeps_the_archive_that_is_there(tmp_path: Path, website: Website) -> None:
    write_folder(tmp_path, {"raw/archive.tar.gz": ARCHIVE})

    assert _fetch(tmp_path, website.serve("archive", ARCHIVE)) == ARCHIVE
    assert website.requests == []


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_fetch_keeps_the_known_reviews_in_any_compression_and_refuses_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    fingerprint = Fingerprint()
    for name, content in corpus_files().items():
        if "urls" not in name:
            fingerprint.add(name, content)
    archive = pack(corpus_files(), tmp_path / "archive.tar.gz", compression)
    before = snapshot(tmp_path)

    with pytest.raises(DownloadError, match=f"fingerprint {fingerprint.hexdigest()}; expected .*data.source"):
        fetch_archive(archive, ())
    monkeypatch.setitem(KNOWN_FINGERPRINTS, fingerprint.hexdigest(), "these")
    fetch_archive(archive, ())

    assert snapshot(tmp_path) == before


def test_fetch_into_a_place_that_cannot_be_written_to_blames_no_address(tmp_path: Path, website: Website) -> None:
    (tmp_path / "raw").write_bytes(b"a file where the folder should be")

    with pytest.raises(OutputError, match=r"raw/archive\.tar\.gz"):
        _fetch(tmp_path, website.serve("archive", ARCHIVE))
