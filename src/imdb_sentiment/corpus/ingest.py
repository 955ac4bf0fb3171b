"""Ingest: the review files, checked and cleaned, as one table."""

from array import array
from pathlib import Path

import pandas as pd
import pyarrow as pa

from imdb_sentiment.corpus.archive import read_source
from imdb_sentiment.corpus.fingerprint import Fingerprint
from imdb_sentiment.corpus.layout import FOLDERS, SourceFile
from imdb_sentiment.corpus.movies import find_movies
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.progress import Progress, no_progress
from imdb_sentiment.text.cleaning import clean_text


def get_reviews_data(
    source: Path | str, fingerprint: Fingerprint | None = None, progress: Progress = no_progress
) -> pd.DataFrame:
    """Return all reviews under `source` as a DataFrame: review_id, split, label, rating, movie_id, text.

    Loops through the text files of an archive or folder and cleans each. A row is a review, in the order of `source`;
    the columns are Arrow's, null where a review has no label, rating or movie. The review files are added to
    `fingerprint`. Raises SourceError.
    """
    places: list[tuple[str, int, int]] = []
    numbers: dict[str, set[int]] = {folder: set() for folder in FOLDERS}
    urls: dict[str, SourceFile] = {}
    # One text behind the other in UTF-8, and where each begins and ends: what Arrow calls a large string array.
    texts, bounds = bytearray(), array("q", [0])
    with progress("Reading", None, "reviews") as task:
        for file in read_source(Path(source)):
            text = file.decode()
            if file.is_urls:
                urls[file.path] = file
                continue
            number, rating = file.number_and_rating()
            if number in numbers[file.folder]:
                raise SourceError(f"{file.where}: found review {number} twice; expected each number once in a folder")
            numbers[file.folder].add(number)
            places.append((file.folder, number, rating))
            texts += clean_text(text).encode()
            bounds.append(len(texts))
            if fingerprint is not None:
                fingerprint.add(file.path, file.content)
            task.advance()
    movies = {
        name: find_movies(urls[folder.urls], numbers[name]) if folder.urls in urls else {}
        for name, folder in FOLDERS.items()
    }
    columns = {
        "review_id": pa.array((f"{folder}/{number}_{rating}" for folder, number, rating in places), pa.string()),
        "split": pa.array((FOLDERS[folder].split for folder, _, _ in places), pa.string()),
        "label": pa.array((FOLDERS[folder].label for folder, _, _ in places), pa.int8()),
        "rating": pa.array((rating or None for _, _, rating in places), pa.int8()),
        "movie_id": pa.array((movies[folder].get(number) for folder, number, _ in places), pa.string()),
        "text": pa.LargeStringArray.from_buffers(len(places), pa.py_buffer(bounds), pa.py_buffer(texts)),
    }
    frame: pd.DataFrame = pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)
    return frame
