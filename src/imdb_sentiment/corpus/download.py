"""Fetch: the official archive, checked before it is taken."""

import hashlib
from pathlib import Path
from typing import Final

import requests

from imdb_sentiment.corpus.archive import read_source
from imdb_sentiment.corpus.fingerprint import KNOWN_FINGERPRINTS, fingerprint
from imdb_sentiment.runtime.errors import DownloadError, SourceError
from imdb_sentiment.runtime.files import written_beside
from imdb_sentiment.runtime.progress import Progress, no_progress, track

ARCHIVE_URLS: Final = (
    "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    "https://dataset.bj.bcebos.com/imdb%2FaclImdb_v1.tar.gz",
)
ARCHIVE_SHA256: Final = "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"
ARCHIVE_BYTES: Final = 84_125_825
_TIMEOUT_SECONDS: Final = 30
_CHUNK_BYTES: Final = 1 << 16


def fetch_archive(
    archive: Path,
    urls: tuple[str, ...] = ARCHIVE_URLS,
    sha256: str = ARCHIVE_SHA256,
    progress: Progress = no_progress,
) -> None:
    """Leave the Large Movie Review Dataset's archive at `archive`.

    A file that is there already stays if it is the official one, or holds the same reviews in another compression.
    Otherwise each of `urls` is tried in turn. Raises DownloadError, and then leaves `archive` as it was.
    """
    if archive.exists():
        _accept(archive, sha256, progress)
        return
    failures = []
    for url in urls:
        try:
            with written_beside(archive) as partial:
                _download(url, partial, sha256, progress)
            return
        except _AddressError as error:
            failures.append(f"{url} ({error})")
    raise DownloadError(
        f"{archive}: found none of its addresses to work: {'; '.join(failures)}; "
        f"expected one. Three ways on: put the archive at {archive}, "
        "set data.source in params.yaml to an archive or folder of the same layout, or `make demo`"
    )


def _accept(archive: Path, sha256: str, progress: Progress) -> None:
    try:
        with archive.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                return
    except OSError as error:
        raise DownloadError(f"{archive}: found what cannot be read ({error.strerror}); expected an archive") from error
    ways_on = "remove it to download the official one, or set data.source to it to use it all the same"
    try:
        files = track(progress, read_source(archive), "Checking the archive", None, "files")
        found = fingerprint((file.path, file.content) for file in files if not file.is_urls)
    except SourceError as error:
        raise DownloadError(f"{error}. Three ways on: put a whole archive there, or {ways_on}") from error
    if found not in KNOWN_FINGERPRINTS:
        raise DownloadError(
            f"{archive}: found reviews of fingerprint {found}; expected the Large Movie Review Dataset v1: {ways_on}"
        )


class _AddressError(Exception):
    """One address did not give the archive."""


def _download(url: str, path: Path, sha256: str, progress: Progress) -> None:
    digest = hashlib.sha256()
    try:
        with (
            requests.get(url, stream=True, timeout=_TIMEOUT_SECONDS) as response,
            progress("Downloading", ARCHIVE_BYTES, "bytes") as task,
            path.open("wb") as file,
        ):
            response.raise_for_status()
            for chunk in response.iter_content(_CHUNK_BYTES):
                file.write(chunk)
                digest.update(chunk)
                task.advance(len(chunk))
    except requests.RequestException as error:
        status = f" {error.response.status_code}" if error.response is not None else ""
        raise _AddressError(f"{type(error).__name__}{status}") from error
    if digest.hexdigest() != sha256:
        raise _AddressError("another file than expected")
