"""Reviews of random words, as many as wanted, that are like real ones in what costs time and memory.

Words are as frequent as Zipf and Mandelbrot found (the word of rank r in proportion to (r + 2.7)^-1.25, which makes the
vocabulary grow with the corpus as it does in real ones), frequent ones are short, lengths are log-normal (median 174
words, mean 230, as in the real dataset), and marks and line breaks stand between the words.
"""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from imdb_sentiment.runtime.progress import Progress, no_progress

BLOCK_REVIEWS: Final = 1000  # made at once
REVIEWS_PER_MOVIE: Final = 8
FOLDERS: Final = ("train/pos", "train/neg", "test/pos", "test/neg")
_RATINGS: Final = {"pos": 8, "neg": 3}
_WORDS: Final = 1_000_000
_OFFSET: Final = 2.7
_MEDIAN_LENGTH, _SPREAD, _LONGEST = 174, 0.75, 2400
_ENDINGS: Final = {"": 0.88, ",": 0.06, ".": 0.053, ".<br /><br />": 0.007}  # how often each follows a word


def write_archive(archive: Path, count: int, progress: Progress = no_progress) -> None:
    """Write `count` reviews to a plain tar, spread over the labelled folders, with their urls files.

    Some thousand are in memory at a time. The same `count` gives the same reviews.
    """
    per_folder = count // len(FOLDERS)
    texts = generate_texts(per_folder * len(FOLDERS))
    with archive.open("wb") as tar, progress(f"Generating {count:,}", count, "reviews") as task:
        for folder in FOLDERS:
            split, kind = folder.split("/")
            for number in range(per_folder):
                tar.write(_member(f"{folder}/{number}_{_RATINGS[kind]}.txt", next(texts)))
                task.advance()
            movies = (f"{split}{number // REVIEWS_PER_MOVIE}" for number in range(per_folder))
            urls = "".join(f"http://films.example/title/{movie}/usercomments\n" for movie in movies)
            tar.write(_member(f"{split}/urls_{kind}.txt", urls.encode()))
        tar.write(bytes(2 * tarfile.BLOCKSIZE))


def generate_texts(count: int) -> Iterator[bytes]:
    """Yield `count` texts in UTF-8."""
    rng = np.random.default_rng(0)
    words = _make_words(rng)
    endings = pa.array(_ENDINGS, pa.binary())
    for start in range(0, count, BLOCK_REVIEWS):
        lengths = rng.lognormal(np.log(_MEDIAN_LENGTH), _SPREAD, min(BLOCK_REVIEWS, count - start))
        offsets = np.concatenate([[0], np.cumsum(np.clip(lengths.round(), 10, _LONGEST).astype(np.int32))])
        chosen = words.take(pa.array(_draw_ranks(rng, offsets[-1])))
        ended = endings.take(pa.array(rng.choice(len(endings), offsets[-1], p=list(_ENDINGS.values()))))
        tokens = pc.binary_join_element_wise(chosen, ended, b"")
        reviews = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), tokens)
        yield from pc.binary_join(reviews, b" ").to_pylist()


def _draw_ranks(rng: np.random.Generator, count: int) -> NDArray[np.int32]:
    """Draw by the inverse of the distribution function, whose exponent of -0.25 gives a fourth power."""
    first, last = _OFFSET**-0.25, (_WORDS + _OFFSET) ** -0.25
    inverse = 1 / (first - rng.random(count) * (first - last))
    ranks: NDArray[np.int32] = np.minimum(inverse**4 - _OFFSET, _WORDS - 1).astype(np.int32)
    return ranks


def _make_words(rng: np.random.Generator) -> Any:
    """Return Arrow strings, the most frequent first: of one letter and more, the rarest of 10 on average."""
    lengths = 1.5 + 0.62 * np.log(np.arange(1, _WORDS + 1)) + rng.normal(0, 1, _WORDS)
    ends = np.cumsum(np.clip(lengths.round(), 1, 20).astype(np.int32))
    letters = rng.integers(ord("a"), ord("z") + 1, ends[-1], np.uint8)
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    return pa.BinaryArray.from_buffers(pa.binary(), _WORDS, [None, pa.py_buffer(offsets), pa.py_buffer(letters)])


def _member(path: str, content: bytes) -> bytes:
    """Return the header of a file in a tar (POSIX ustar) and the file: tarfile takes as long as all the rest."""
    name, owner = f"aclImdb/{path}".encode().ljust(100, b"\0"), b"0000000\0"
    size_and_time = b"%011o\0%011o\0" % (len(content), 0)
    before, after = name + b"0000644\0" + owner * 2 + size_and_time, b"0" + bytes(100) + b"ustar\x0000" + bytes(247)
    checksum = b"%06o\0 " % (sum(before) + sum(after) + 8 * ord(" "))
    return before + checksum + after + content + bytes(-len(content) % tarfile.BLOCKSIZE)
