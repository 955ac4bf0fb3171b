"""Download of the official archive, which is checked before it is accepted."""

import hashlib
import time
from pathlib import Path
from typing import Final

import requests
import urllib3

from imdb_sentiment.corpus.archive import read_source
from imdb_sentiment.corpus.fingerprint import KNOWN_FINGERPRINTS, Fingerprint
from imdb_sentiment.runtime.errors import DownloadError, SourceError
from imdb_sentiment.runtime.files import written_beside
from imdb_sentiment.runtime.progress import Progress, no_progress, track

ARCHIVE_URLS: Final = (
    "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    "https://dataset.bj.bcebos.com/imdb%2FaclImdb_v1.tar.gz",
)
ARCHIVE_SHA256: Final = "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"
ARCHIVE_BYTES: Final = 84_125_825
MAX_SECONDS: Final = 3600  # for each address: 24 kB/s are fast enough
_TIMEOUT_SECONDS: Final = 30  # without a byte
_CHUNK_BYTES: Final = 1 << 16


def fetch_archive(
    archive: Path,
    urls: tuple[str, ...] = ARCHIVE_URLS,
    sha256: str = ARCHIVE_SHA256,
    progress: Progress = no_progress,
    *,
    max_bytes: int = ARCHIVE_BYTES,
    max_seconds: float = MAX_SECONDS,
) -> None:
    """Leave the Large Movie Review Dataset's archive at `archive`.

    A file that is there already stays if it is the official one, or holds the same reviews in another compression.
    Otherwise each of `urls` is tried in turn, and given up once it has sent more than `max_bytes` or its body takes
    longer than `max_seconds`. Raises DownloadError, and then leaves `archive` as it was.
    """
    if archive.exists():
        _accept(archive, sha256, progress)
        return
    failures = []
    for url in urls:
        try:
            with written_beside(archive) as partial:
                if _download(url, partial, progress, max_bytes, max_seconds) != sha256:
                    raise _AddressError("another file than expected")
            return
        except _AddressError as error:
            failures.append(f"{url} ({error})")
    raise DownloadError(
        f"{archive}: found no address that works: {'; '.join(failures)}; "
        f"expected one. Three ways to go on: put the archive at {archive}, "
        "set data.source in params.yaml to an archive or folder of the same layout, or `make demo`"
    )


def _accept(archive: Path, sha256: str, progress: Progress) -> None:
    try:
        with archive.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                return
    except OSError as error:
        raise DownloadError(f"{archive}: found what cannot be read ({error.strerror}); expected an archive") from error
    ways_on = "remove it to download the official one, or set data.source to it to use it anyway"
    fingerprint = Fingerprint()
    try:
        for part in track(progress, read_source(archive), "Checking the archive", None, "files"):
            if not part.is_urls:
                fingerprint.add(part.path, part.content)
    except SourceError as error:
        raise DownloadError(f"{error}. Three ways to go on: put a complete archive there, or {ways_on}") from error
    if (found := fingerprint.hexdigest()) not in KNOWN_FINGERPRINTS:
        expected = "the Large Movie Review Dataset v1"
        raise DownloadError(f"{archive}: found reviews of fingerprint {found}; expected {expected}: {ways_on}")


class _AddressError(Exception):
    """One address did not give the archive."""


def _download(url: str, path: Path, progress: Progress, max_bytes: int, max_seconds: float) -> str:
    """Write what `url` sends to `path`, and return its SHA-256. Raises _AddressError."""
    digest = hashlib.sha256()
    size = 0
    try:
        with (
            requests.get(url, stream=True, timeout=_TIMEOUT_SECONDS, headers={"Accept-Encoding": "identity"}) as answer,
            progress("Downloading", max_bytes, "bytes") as task,
            path.open("wb") as file,
        ):
            if answer.status_code != requests.codes.ok:
                raise _AddressError(f"status {answer.status_code}")
            deadline = time.monotonic() + max_seconds
            # read1 returns what has arrived: an answer that arrives byte by byte does not outlast the deadline.
            while chunk := answer.raw.read1(_CHUNK_BYTES):
                size += len(chunk)
                if size > max_bytes:
                    raise _AddressError(f"more than {max_bytes:,} bytes")
                if time.monotonic() > deadline:
                    raise _AddressError(f"only {size:,} bytes in {max_seconds:,} seconds")
                file.write(chunk)
                digest.update(chunk)
                task.advance(len(chunk))
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _AddressError(type(error).__name__) from error
    return digest.hexdigest()
