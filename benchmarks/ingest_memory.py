"""How much time and memory ingest takes as the corpus grows: `python -m benchmarks.ingest_memory 10000 100000 1000000`.

The reviews are random words, as long as real ones on average, in a plain tar archive that goes when it is measured.
"""

import io
import random
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

WORDS_PER_REVIEW = 230
REVIEWS_PER_MOVIE = 8
FOLDERS = ("train/pos", "train/neg", "test/pos", "test/neg")
RATINGS = {"pos": 8, "neg": 3}


def measure(
    reviews: Annotated[list[int], typer.Argument(help="How many reviews to generate, once each.")],
) -> None:
    """Print seconds and peak memory of ingest for each number of generated REVIEWS."""
    for count in reviews:
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "reviews.tar"
            write_archive(archive, count)
            start = time.perf_counter()
            command = [
                sys.executable,
                "-m",
                "stages.ingest",
                str(archive),
                f"{folder}/reviews.parquet",
                f"{folder}/data.json",
            ]
            subprocess.run(command, check=True)
            seconds = time.perf_counter() - start
            size = archive.stat().st_size
        # The largest child so far: give the numbers in growing order.
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        typer.echo(f"{count:>9,} reviews  {size / 1e6:7.0f} MB  {seconds:6.1f} s  peak memory {peak:5.0f} MiB")


def write_archive(archive: Path, count: int) -> None:
    """Write `count` reviews of random words, spread over the labelled folders, with their urls files."""
    with tarfile.open(archive, "w") as tar:
        for path, content in _files(count):
            member = tarfile.TarInfo(f"aclImdb/{path}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def _files(count: int) -> Iterator[tuple[str, bytes]]:
    rng = random.Random(0)  # noqa: S311  # words to fill files, no secrets
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 8))) for _ in range(20_000)]
    for folder in FOLDERS:
        split, kind = folder.split("/")
        numbers = range(count // len(FOLDERS))
        for number in numbers:
            yield f"{folder}/{number}_{RATINGS[kind]}.txt", " ".join(rng.choices(words, k=WORDS_PER_REVIEW)).encode()
        movies = (
            f"http://films.example/title/{split}{number // REVIEWS_PER_MOVIE}/usercomments\n" for number in numbers
        )
        yield f"{split}/urls_{kind}.txt", "".join(movies).encode()


if __name__ == "__main__":
    typer.run(measure)
