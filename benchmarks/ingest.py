"""Claim: ingest takes two to three times as long as decompressing the archive, `data.source` of the params.

    python -m benchmarks.ingest

- ours: the command `python -m stages.ingest`, imports and all: it decompresses, checks, cleans, counts and writes.
- decompression: reading the archive to its end by Python's own decompressor, and nothing more.
- keras: text_dataset_from_directory, as Keras's example of this dataset reads it; sklearn: load_files. They find the
  files unpacked and in the page cache, and clean nothing.
"""

import bz2
import gzip
import lzma
import sys
import tarfile
from pathlib import Path
from typing import Any, Final

from benchmarks.harness import Contender, Setting, function, speed_app, timed
from benchmarks.reviews import LABELLED
from imdb_sentiment.runtime.console import console_progress
from imdb_sentiment.runtime.errors import PipelineError

_OPENERS: Final[dict[bytes, Any]] = {b"\xfd7zXZ\x00": lzma.open, b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"": open}
_BLOCK: Final = 1 << 20


def decompression(archive: str, reviews: int) -> dict[str, Any]:
    """Read the archive block by block."""
    with Path(archive).open("rb") as file:
        magic = file.read(8)
    opener = next(opener for prefix, opener in _OPENERS.items() if magic.startswith(prefix))

    def work() -> None:
        with opener(archive, "rb") as file:
            while file.read(_BLOCK):
                pass

    return timed(work, reviews)


def keras(folder: str, reviews: int) -> dict[str, Any]:
    """Go once through the labelled reviews."""
    import keras

    keras.ops.zeros(1)

    def work() -> None:
        for part in ("train", "test"):
            folder_of_part = Path(folder) / part
            read = keras.utils.text_dataset_from_directory
            for texts, _ in read(folder_of_part, batch_size=256, follow_links=True, verbose=False):
                texts.numpy()

    return timed(work, reviews)


def sklearn(folder: str, reviews: int) -> dict[str, Any]:
    """Read and decode all reviews."""
    from sklearn.datasets import load_files

    return timed(lambda: [load_files(Path(folder) / part, encoding="utf-8") for part in ("train", "test")], reviews)


def contenders(setting: Setting) -> dict[str, list[Contender]]:
    """Unpack the archive, and return ways to read it or its files."""
    archive, labelled = Path(setting.params.data.source), setting.folder / "labelled"
    try:
        with console_progress("Unpacking", None, ""), tarfile.open(archive) as tar:
            tar.extractall(setting.folder / "all", filter="data")
    except (OSError, tarfile.TarError) as error:
        raise PipelineError(f"{archive}: found no archive to unpack ({error}); expected one as data.source") from error
    root = next((setting.folder / "all").rglob("train")).parent
    for name in LABELLED:  # Keras would take every folder beside pos and neg for a class
        (labelled / name).parent.mkdir(parents=True, exist_ok=True)
        (labelled / name).symlink_to(root / name, target_is_directory=True)
    outputs = ("--reviews", f"{setting.folder}/reviews.parquet", "--data-summary", f"{setting.folder}/data.json")
    command = (sys.executable, "-m", "stages.ingest", "--source", str(archive), *outputs)
    reviews = sum(1 for _ in root.glob("*/*/*_*.txt"))
    labelled_reviews = sum(1 for name in LABELLED for _ in (root / name).iterdir())
    return {
        "ingest: from files to texts": [
            Contender("ours", command, reviews),
            function(decompression, archive=archive, reviews=reviews),
            function(keras, needs="keras", note="labelled reviews alone", folder=labelled, reviews=labelled_reviews),
            function(sklearn, needs="sklearn", folder=root, reviews=reviews),
        ]
    }


app = speed_app("ingest", "reviews", contenders)

if __name__ == "__main__":
    app()
