"""Reviews to measure with: those of the dataset, and generated ones, as many as wanted.

Generated reviews are like real ones in what costs time and memory: words are as frequent as Zipf and Mandelbrot found
(the word of rank r in proportion to (r + 2.7)^-1.25, so the vocabulary grows with the corpus), frequent words are
short, lengths are log-normal (median 174 words, mean 230), and marks and line breaks stand between the words.
"""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from imdb_sentiment.runtime.progress import Progress, no_progress

LABELLED: Final = ("train/pos", "train/neg", "test/pos", "test/neg")
_RATINGS: Final = {"pos": 8, "neg": 3}
_REVIEWS_PER_MOVIE: Final = 8
_BLOCK: Final = 1000  # reviews made at once
_WORDS: Final = 1_000_000
_OFFSET: Final = 2.7
_MEDIAN_LENGTH, _SPREAD, _LONGEST = 174, 0.75, 2400
_ENDINGS: Final = {"": 0.88, ",": 0.06, ".": 0.053, ".<br /><br />": 0.007}  # how often each follows a word


def read_split(data: str, split: str, most: int | None = None) -> tuple[list[str], list[int]]:
    """Return texts and labels of a split of `data/reviews.parquet`: all, or `most`, evenly spread over the table."""
    from imdb_sentiment.artifacts.reviews import iterate_reviews

    rows = [
        (row["text"], row["label"])
        for batch in iterate_reviews(Path(data) / "reviews.parquet", ["split", "label", "text"])
        for row in batch.to_pylist()
        if row["split"] == split
    ]
    taken = rows[:: max(1, len(rows) // most)][:most] if most else rows
    return [text for text, _ in taken], [label for _, label in taken]


def write_archive(archive: Path, count: int, progress: Progress = no_progress) -> None:
    """Write `count` generated reviews to a plain tar, spread over the labelled folders, with their urls files.

    The same `count` gives the same reviews. Some thousand are in memory at a time.
    """
    per_folder = count // len(LABELLED)
    texts = generate_texts(per_folder * len(LABELLED))
    with tarfile.open(archive, "w") as tar, progress(f"Generating {count:,}", count, "reviews") as task:
        for folder in LABELLED:
            split, kind = folder.split("/")
            for number in range(per_folder):
                _add(tar, f"{folder}/{number}_{_RATINGS[kind]}.txt", next(texts))
                task.advance()
            movies = (f"{split}{number // _REVIEWS_PER_MOVIE}" for number in range(per_folder))
            urls = "".join(f"http://films.example/title/{movie}/usercomments\n" for movie in movies)
            _add(tar, f"{split}/urls_{kind}.txt", urls.encode())


def generate_texts(count: int) -> Iterator[bytes]:
    """Yield `count` texts in UTF-8."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rng = np.random.default_rng(0)
    words, endings = _make_words(rng), pa.array(_ENDINGS, pa.binary())
    for start in range(0, count, _BLOCK):
        lengths = rng.lognormal(np.log(_MEDIAN_LENGTH), _SPREAD, min(_BLOCK, count - start))
        offsets = np.concatenate([[0], np.cumsum(np.clip(lengths.round(), 10, _LONGEST).astype(np.int32))])
        # The inverse of the distribution function, whose exponent of -0.25 gives a fourth power.
        first, last = _OFFSET**-0.25, (_WORDS + _OFFSET) ** -0.25
        ranks = np.minimum((first - rng.random(offsets[-1]) * (first - last)) ** -4 - _OFFSET, _WORDS - 1)
        ended = endings.take(pa.array(rng.choice(len(endings), offsets[-1], p=list(_ENDINGS.values()))))
        tokens = pc.binary_join_element_wise(words.take(pa.array(ranks.astype(np.int32))), ended, b"")
        yield from pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), tokens), b" ").to_pylist()


def _make_words(rng: np.random.Generator) -> Any:
    """Return Arrow strings, the most frequent first: of one letter and more, the rarest of 10 on average."""
    import pyarrow as pa

    lengths = 1.5 + 0.62 * np.log(np.arange(1, _WORDS + 1)) + rng.normal(0, 1, _WORDS)
    ends = np.cumsum(np.clip(lengths.round(), 1, 20).astype(np.int32))
    letters = rng.integers(ord("a"), ord("z") + 1, ends[-1], np.uint8)
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    return pa.BinaryArray.from_buffers(pa.binary(), _WORDS, [None, pa.py_buffer(offsets), pa.py_buffer(letters)])


def _add(tar: tarfile.TarFile, path: str, content: bytes) -> None:
    member = tarfile.TarInfo(f"aclImdb/{path}")
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
