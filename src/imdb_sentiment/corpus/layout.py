"""The layout of the dataset: which folders and files there are, and what their names say."""

import re
from pathlib import Path
from typing import Final, NamedTuple

from imdb_sentiment.runtime.errors import SourceError

# The longest review of the dataset has 14,282 bytes; a file seventy times as long is not a review.
MAX_REVIEW_BYTES: Final = 1_000_000
# urls_unsup.txt has 50,000 lines of 49 bytes. A million reviews still fit.
MAX_URLS_BYTES: Final = 50_000_000


class Folder(NamedTuple):
    """What the folder of a review says about it, and the file with the pages of its movies."""

    split: str
    label: int | None
    ratings: range
    urls: str


FOLDERS: Final = {
    "train/pos": Folder("train", 1, range(7, 11), "train/urls_pos.txt"),
    "train/neg": Folder("train", 0, range(1, 5), "train/urls_neg.txt"),
    "train/unsup": Folder("unsupervised", None, range(1), "train/urls_unsup.txt"),
    "test/pos": Folder("test", 1, range(7, 11), "test/urls_pos.txt"),
    "test/neg": Folder("test", 0, range(1, 5), "test/urls_neg.txt"),
}

_URLS: Final = frozenset(folder.urls for folder in FOLDERS.values())
_REVIEW_NAME: Final = re.compile(r"([0-9]{1,9})_([0-9]{1,2})\.txt")


class SourceFile(NamedTuple):
    """One file of the layout: `folder` is relative to its root, such as `train/pos`, `name` such as `0_9.txt`.

    `where` names it in messages: the archive and its member, or the path of the file.
    """

    where: str
    folder: str
    name: str
    content: bytes

    @property
    def path(self) -> str:
        """Return the path from the root, such as `train/pos/0_9.txt`."""
        return f"{self.folder}/{self.name}"

    @property
    def is_urls(self) -> bool:
        """Return whether it is one of the `urls_*.txt`, which lie beside the folders of reviews."""
        return self.folder not in FOLDERS

    def decode(self) -> str:
        """Return the text. Raises SourceError if it is empty or not UTF-8."""
        if not self.content:
            raise SourceError(f"{self.where}: found no bytes; expected text")
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"the byte 0x{self.content[error.start]:02x} at position {error.start}"
            raise SourceError(f"{self.where}: found {found}; expected UTF-8") from error

    def number_and_rating(self) -> tuple[int, int]:
        """Return what the name of a review says: `12_7.txt -> (12, 7)`. Raises SourceError."""
        match = _REVIEW_NAME.fullmatch(self.name)
        if match is None:
            raise SourceError(f"{self.where}: found this file name; expected ID_RATING.txt, such as 12_7.txt")
        number, rating = int(match[1]), int(match[2])
        allowed = FOLDERS[self.folder].ratings
        if rating not in allowed:
            expected = f"{allowed[0]} to {allowed[-1]}" if len(allowed) > 1 else f"{allowed[0]}"
            raise SourceError(f"{self.where}: found the rating {rating}; expected {expected} in {self.folder}")
        return number, rating


def locate(path: str, source: Path) -> tuple[str, str] | None:
    """Return folder and name, `./aclImdb/train/pos/0_9.txt -> ("train/pos", "0_9.txt")`.

    Returns None for what is not part of the layout, or hidden, as what desktops leave behind (.DS_Store, ._0_9.txt).
    Raises SourceError for a file in a subfolder of reviews.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    start = next((i for i, part in enumerate(parts) if part in ("train", "test")), len(parts))
    inner = "/".join(parts[start:])
    folder, _, name = inner.rpartition("/")
    if "/." in f"/{inner}":
        return None
    if folder in FOLDERS or inner in _URLS:
        return folder, name
    if known := next((known for known in FOLDERS if folder.startswith(f"{known}/")), None):
        raise SourceError(f"{source}: {path}: found a file in a subfolder; expected only review files in {known}")
    return None


def check_size(where: str, folder: str, size: int) -> None:
    """Raise SourceError if a file of `folder` is too large; `where` opens its message."""
    limit = MAX_REVIEW_BYTES if folder in FOLDERS else MAX_URLS_BYTES
    if size > limit:
        raise SourceError(f"{where}: found {size:,} bytes; expected at most {limit:,}")
