"""Ingest: the review files, checked and cleaned, as rows of one table."""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment.cleaning import clean_text
from imdb_sentiment.corpus_report import CorpusReport
from imdb_sentiment.errors import SourceError
from imdb_sentiment.progress import Progress, no_progress, track
from imdb_sentiment.reviews import REVIEWS_SCHEMA
from imdb_sentiment.source import SourceFile, read_source
from imdb_sentiment.storage import write_json, written_together

ROW_GROUP_SIZE: Final = 10_000
ROW_GROUP_CHARACTERS: Final = 50_000_000

_FILE_NAME = re.compile(r"([0-9]{1,9})_([0-9]{1,2})\.txt")
_MOVIE_ID = re.compile(r"/title/([^/\s]+)")
_RATINGS: Final = {"pos": range(7, 11), "neg": range(1, 5), "unsup": range(1)}
_LABELS: Final = {"pos": 1, "neg": 0, "unsup": None}
# The rows while the urls files, which may come last, are still to be read: as REVIEWS_SCHEMA, the movie unknown.
_PENDING_SCHEMA: Final = pa.schema(
    [field for field in REVIEWS_SCHEMA if field.name != "movie_id"]
    + [pa.field("urls", pa.string()), pa.field("line", pa.int32())]
)


def get_reviews_data(source: Path, progress: Progress = no_progress) -> pd.DataFrame:
    """Return all reviews under `source` as a DataFrame of REVIEWS_SCHEMA's columns, one row a review.

    Loops through the text files of an archive or folder and cleans each. Raises SourceError. For a corpus that does
    not fit in memory, `ingest_reviews` writes the same rows straight to disk.
    """
    movies = _Movies()
    rows = list(track(progress, _read_rows(source, movies, CorpusReport()), "Reading", None, "reviews"))
    table = pa.Table.from_pylist(rows, schema=_PENDING_SCHEMA)
    batches = [movies.resolve(batch) for batch in table.to_batches()]
    reviews: pd.DataFrame = pa.Table.from_batches(batches, schema=REVIEWS_SCHEMA).to_pandas()
    return reviews


def ingest_reviews(source: Path, reviews: Path, report: Path, progress: Progress = no_progress) -> None:
    """Write the rows of `get_reviews_data` to the Parquet table `reviews`, and what is in them to `report`.

    One group of rows is in memory at a time, besides some 200 bytes a review for the duplicates and the fingerprint.
    Raises SourceError or OutputError.
    """
    movies = _Movies()
    summary = CorpusReport()
    rows = track(progress, _read_rows(source, movies, summary), "Reading", None, "reviews")
    with written_together(reviews, report) as (partial, partial_report):
        pending = partial.with_name(f"{partial.name}.arrow")
        try:
            with pa.ipc.new_file(pending, _PENDING_SCHEMA) as writer:
                for group in _groups(rows):
                    writer.write_batch(pa.RecordBatch.from_pylist(group, schema=_PENDING_SCHEMA))
            _write_parquet(pending, partial, movies, summary)
        finally:
            pending.unlink(missing_ok=True)
        write_json(summary.to_dict(), partial_report)


def _write_parquet(pending: Path, reviews: Path, movies: "_Movies", summary: CorpusReport) -> None:
    with pa.ipc.open_file(pending) as reader, pq.ParquetWriter(reviews, REVIEWS_SCHEMA, compression="zstd") as writer:
        for index in range(reader.num_record_batches):
            batch = movies.resolve(reader.get_batch(index))
            summary.add_movies(batch["split"], batch["movie_id"])
            writer.write_batch(batch)


def _groups(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows in groups of ROW_GROUP_SIZE, or fewer where their texts are long."""
    group: list[dict[str, Any]] = []
    characters = 0
    for row in rows:
        group.append(row)
        characters += len(row["text"])
        if len(group) >= ROW_GROUP_SIZE or characters >= ROW_GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _read_rows(source: Path, movies: "_Movies", summary: CorpusReport) -> Iterator[dict[str, Any]]:
    """Yield one row of _PENDING_SCHEMA a review, and collect the urls files into `movies` on the way."""
    seen: dict[str, set[int]] = {}
    for file in read_source(source):
        if file.is_urls:
            movies.read(file, source)
            continue
        name = _ReviewName.parse(file, source)
        if name.number in seen.setdefault(file.folder, set()):
            raise SourceError(f"{source}: found review {file.folder}/{name.number} twice; expected each number once")
        seen[file.folder].add(name.number)
        text = clean_text(_decode(file, source))
        folder_split, _, kind = file.folder.partition("/")
        split = "unsupervised" if kind == "unsup" else folder_split
        row = {
            "review_id": f"{file.folder}/{name.number}_{name.rating}",
            "split": split,
            "label": _LABELS[kind],
            "rating": name.rating or None,
            "text": text,
            "urls": f"{folder_split}/urls_{kind}.txt",
            "line": name.number,
        }
        summary.add_review(file, split, _LABELS[kind], text)
        yield row


@dataclass(frozen=True)
class _ReviewName:
    """What `ID_RATING.txt` says."""

    number: int
    rating: int

    @classmethod
    def parse(cls, file: SourceFile, source: Path) -> "_ReviewName":
        match = _FILE_NAME.fullmatch(file.path.rpartition("/")[2])
        if match is None:
            raise SourceError(f"{source}: found the file name {file.path}; expected ID_RATING.txt, such as 12_7.txt")
        rating, kind = int(match[2]), file.folder.rpartition("/")[2]
        if rating not in _RATINGS[kind]:
            allowed = _RATINGS[kind]
            wanted = f"{allowed[0]} to {allowed[-1]}" if len(allowed) > 1 else f"{allowed[0]}"
            raise SourceError(f"{source}: found the rating {rating} of {file.path}; expected {wanted} in {file.folder}")
        return cls(int(match[1]), rating)


def _decode(file: SourceFile, source: Path) -> str:
    if not file.content:
        raise SourceError(f"{source}: found no bytes in {file.path}; expected a review")
    try:
        return file.content.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = file.content[error.start]
        raise SourceError(
            f"{source}: found the byte 0x{byte:02x} at position {error.start} of {file.path}; expected UTF-8"
        ) from error


class _Movies:
    """The movies that the `urls_*.txt` name: line N, counted from 0, is the page of the movie of review N."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._lines: dict[str, array[int]] = {}

    def read(self, file: SourceFile, source: Path) -> None:
        """Keep the movie of each line: its id in `.../title/ID/...`, or else the whole line."""
        codes = array("i")
        for line in _decode(file, source).splitlines():
            match = _MOVIE_ID.search(line)
            codes.append(self._names.setdefault(match[1] if match else line.strip(), len(self._names)))
        self._lines[file.path] = codes
        self._source = source

    def resolve(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows of _PENDING_SCHEMA with their movies, as rows of REVIEWS_SCHEMA."""
        names = list(self._names)
        urls, lines = batch["urls"].to_pylist(), batch["line"].to_pylist()
        movies = [self._movie(names, *where) for where in zip(urls, lines, strict=True)]
        columns = {"movie_id": pa.array(movies, pa.string())}
        return pa.RecordBatch.from_arrays(
            [
                columns.get(field.name, batch[field.name] if field.name != "movie_id" else None)
                for field in REVIEWS_SCHEMA
            ],
            schema=REVIEWS_SCHEMA,
        )

    def _movie(self, names: list[str], urls: str, line: int) -> str | None:
        if urls not in self._lines:
            return None
        codes = self._lines[urls]
        if line >= len(codes):
            raise SourceError(
                f"{self._source}: found {len(codes)} lines in {urls}; expected one for review {line} (counted from 0)"
            )
        return names[codes[line]]
