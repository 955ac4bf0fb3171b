"""From files to texts. Ours is no function here but the command `python -m stages.ingest`, imports and all.

It decompresses the archive, and cleans, checks, counts, fingerprints and writes what it reads. The others do less, and
find the files unpacked and in the page cache.
"""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.loose_files import LABELLED
from benchmarks.setting import Contend, Lap, Setting, timed
from imdb_sentiment.runtime.errors import InputError

_OPENERS: Final[tuple[tuple[bytes, Callable[[Path], Any]], ...]] = (
    (b"\xfd7zXZ\x00", lzma.open),
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
)
_BLOCK: Final = 1 << 20


def decompression(setting: Setting) -> Lap:
    """Read the archive to its end by Python's own decompressor, and nothing more: what no reader of it can undercut."""
    with setting.archive.open("rb") as file:
        magic = file.read(8)
    opener = next((its for prefix, its in _OPENERS if magic.startswith(prefix)), lambda path: path.open("rb"))

    def work() -> None:
        with opener(setting.archive) as file:
            while file.read(_BLOCK):
                pass

    return timed(work, setting.loose_reviews)


def keras(setting: Setting) -> Lap:
    """Go once through `text_dataset_from_directory`, as Keras's example of this dataset reads it.

    Only the labelled reviews: the example deletes the unlabelled ones first. No cleaning.
    """
    import keras

    loose = _loose(setting)
    keras.ops.zeros(1)

    amount = sum(1 for name in LABELLED for _ in (loose / "labelled" / name).iterdir())

    def work() -> None:
        for part in ("train", "test"):
            dataset = keras.utils.text_dataset_from_directory(
                loose / "labelled" / part, batch_size=256, follow_links=True, verbose=False
            )
            for texts, _ in dataset:
                texts.numpy()

    return timed(work, amount)


def sklearn(setting: Setting) -> Lap:
    """Read all reviews by `load_files`, decoded. No cleaning."""
    from sklearn.datasets import load_files

    loose = _loose(setting)
    work = lambda: [load_files(loose / "all" / part, encoding="utf-8") for part in ("train", "test")]  # noqa: E731
    return timed(work, setting.loose_reviews)


def _loose(setting: Setting) -> Path:
    if setting.loose is None:
        raise InputError("--loose: found nothing; expected the folder that benchmarks.loose_files made")
    return setting.loose


CONTENDERS: Final[dict[str, Contend]] = {"decompression": decompression, "keras": keras, "sklearn": sklearn}
