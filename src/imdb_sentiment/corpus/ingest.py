"""Ingest: the review files, checked and cleaned, as rows of one table."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment.artifacts.reviews import REVIEWS_SCHEMA
from imdb_sentiment.corpus.archive import SourceFile, decode, read_source
from imdb_sentiment.corpus.movies import Movies
from imdb_sentiment.corpus.summary import CorpusReport
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.files import write_json, written_together
from imdb_sentiment.runtime.progress import Progress, no_progress, track
from imdb_sentiment.text.cleaning import clean_text

if TYPE_CHECKING:
    import pandas as pd  # the stage needs none, and importing it takes longer than all else together

ROW_GROUP_SIZE: Final = 10_000
ROW_GROUP_CHARACTERS: Final = 50_000_000

_FILE_NAME = re.compile(r"([0-9]{1,9})_([0-9]{1,2})\.txt")
_RATINGS: Final = {"pos": range(7, 11), "neg": range(1, 5), "unsup": range(1)}
_LABELS: Final = {"pos": 1, "neg": 0, "unsup": None}
# The rows while the urls files, which may come last, are still to be read: as REVIEWS_SCHEMA, the movie unknown.
_PENDING_SCHEMA: Final = pa.schema(
    [field for field in REVIEWS_SCHEMA if field.name != "movie_id"]
    + [pa.field("urls", pa.string()), pa.field("line", pa.int32())]
)


def get_reviews_data(source: Path, progress: Progress = no_progress) -> "pd.DataFrame":
    """Return all reviews under `source` as a DataFrame of REVIEWS_SCHEMA's columns, one row a review.

    Loops through the text files of an archive or folder and cleans each. Raises SourceError. For a corpus that does
    not fit in memory, `ingest_reviews` writes the same rows straight to disk.
    """
    movies = Movies(source)
    rows = [row for _, row in track(progress, _read_rows(source, movies), "Reading", None, "reviews")]
    reviews: pd.DataFrame = pa.Table.from_batches([_with_movies(_to_batch(rows), movies)]).to_pandas()
    return reviews


def ingest_reviews(source: Path, reviews: Path, report: Path, progress: Progress = no_progress) -> None:
    """Write the rows of `get_reviews_data` to the Parquet table `reviews`, and what is in them to `report`.

    One group of rows is in memory at a time, besides some 200 bytes a review for the duplicates and the fingerprint.
    Raises SourceError or OutputError.
    """
    movies = Movies(source)
    summary = CorpusReport()
    rows = track(progress, _summarized(_read_rows(source, movies), summary), "Reading", None, "reviews")
    with written_together(reviews, report) as (partial, partial_report):
        pending = partial.with_name(f"{partial.name}.arrow")
        try:
            with pa.ipc.new_file(pending, _PENDING_SCHEMA) as writer:
                for group in _groups(rows):
                    writer.write_batch(_to_batch(group))
            _write_parquet(pending, partial, movies, summary)
        finally:
            pending.unlink(missing_ok=True)
        write_json(summary.to_dict(), partial_report)


def _write_parquet(pending: Path, reviews: Path, movies: Movies, summary: CorpusReport) -> None:
    with pa.ipc.open_file(pending) as reader, pq.ParquetWriter(reviews, REVIEWS_SCHEMA, compression="zstd") as writer:
        for index in range(reader.num_record_batches):
            batch = _with_movies(reader.get_batch(index), movies)
            summary.add_movies(batch["split"], batch["movie_id"])
            writer.write_batch(batch)


def _with_movies(batch: pa.RecordBatch, movies: Movies) -> pa.RecordBatch:
    """Return rows of _PENDING_SCHEMA, once all urls files are read, as rows of REVIEWS_SCHEMA."""
    places = zip(batch["urls"].to_pylist(), batch["line"].to_pylist(), strict=True)
    movie_ids = pa.array([movies.find(urls, line) for urls, line in places], pa.string())
    columns = [movie_ids if field.name == "movie_id" else batch[field.name] for field in REVIEWS_SCHEMA]
    return pa.RecordBatch.from_arrays(columns, schema=REVIEWS_SCHEMA)


def _to_batch(rows: list["_Row"]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _PENDING_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_PENDING_SCHEMA)


def _summarized(files: Iterator[tuple[SourceFile, "_Row"]], summary: CorpusReport) -> Iterator["_Row"]:
    for file, row in files:
        summary.add_review(file, row.split, row.label, row.text)
        yield row


def _groups(rows: Iterator["_Row"]) -> Iterator[list["_Row"]]:
    """Yield the rows in groups of ROW_GROUP_SIZE, or fewer where their texts are long."""
    group: list[_Row] = []
    characters = 0
    for row in rows:
        group.append(row)
        characters += len(row.text)
        if len(group) >= ROW_GROUP_SIZE or characters >= ROW_GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _read_rows(source: Path, movies: Movies) -> Iterator[tuple[SourceFile, "_Row"]]:
    """Yield each review's file and its row, and collect the urls files into `movies` on the way."""
    folders: dict[str, _Folder] = {}
    for file in read_source(source):
        if file.is_urls:
            movies.add(file.path, decode(file, source))
            continue
        if file.folder not in folders:
            folders[file.folder] = _Folder(file.folder, source)
        yield file, folders[file.folder].read(file)


class _Row(NamedTuple):
    """A row of _PENDING_SCHEMA."""

    review_id: str
    split: str
    label: int | None
    rating: int | None
    text: str
    urls: str
    line: int


class _Folder:
    """One of FOLDERS: what a review's place in it says, and the numbers that it has had."""

    def __init__(self, folder: str, source: Path) -> None:
        split, _, kind = folder.partition("/")
        self._source = source
        self._folder = folder
        self._split = "unsupervised" if kind == "unsup" else split
        self._label = _LABELS[kind]
        self._ratings = _RATINGS[kind]
        self._urls = f"{split}/urls_{kind}.txt"
        self._numbers: set[int] = set()

    def read(self, file: SourceFile) -> _Row:
        """Return the row of a review, `ID_RATING.txt`. Raises SourceError."""
        match = _FILE_NAME.fullmatch(file.name)
        if match is None:
            raise SourceError(
                f"{self._source}: found the file name {file.path}; expected ID_RATING.txt, such as 12_7.txt"
            )
        number, rating = int(match[1]), int(match[2])
        if rating not in self._ratings:
            lowest, highest = self._ratings[0], self._ratings[-1]
            wanted = f"{lowest} to {highest}" if lowest < highest else f"{lowest}"
            raise SourceError(
                f"{self._source}: found the rating {rating} of {file.path}; expected {wanted} in {self._folder}"
            )
        if number in self._numbers:
            raise SourceError(f"{self._source}: found review {self._folder}/{number} twice; expected each number once")
        self._numbers.add(number)
        text = clean_text(decode(file, self._source))
        review_id = f"{self._folder}/{number}_{rating}"
        return _Row(review_id, self._split, self._label, rating or None, text, self._urls, number)
