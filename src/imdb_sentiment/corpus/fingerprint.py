"""A fingerprint of the review files' contents, whatever container they came in."""

import hashlib
from typing import Final

# Of the Large Movie Review Dataset v1.
KNOWN_FINGERPRINTS: Final = {
    "551863487606624db7b4f59f48d07649056a48285afd0a7cf0010ff6929bc56e": "Large Movie Review Dataset v1",
    "108f214da2e21c4e47f932d5c174961ed7c33625a0189983e0d2e12041ab1d88": "Large Movie Review Dataset v1, labelled",
}

_DIGEST_SIZE = hashlib.sha256().digest_size


class Fingerprint:
    r"""SHA-256 over `path + "\n" + hex(sha256(content)) + "\n"` of all files, sorted by path in byte order."""

    def __init__(self) -> None:
        # One bytes object a file, path and digest together, is half the memory of a tuple of two.
        self._files: list[bytes] = []

    def add(self, path: str, content: bytes) -> None:
        """Add the file at `path`, such as `train/pos/0_9.txt`."""
        # "\n" sorts before every character of a path, so the joined bytes sort as the paths alone would.
        self._files.append(path.encode() + b"\n" + hashlib.sha256(content).digest())

    def hexdigest(self) -> str:
        """Return the fingerprint of the files so far, in any order."""
        total = hashlib.sha256()
        for file in sorted(self._files):
            total.update(file[:-_DIGEST_SIZE] + file[-_DIGEST_SIZE:].hex().encode() + b"\n")
        return total.hexdigest()
