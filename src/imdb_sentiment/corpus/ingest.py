"""Ingest: the reviews of a source, checked and cleaned, as one table."""

from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa

from imdb_sentiment.corpus.archive import read_source
from imdb_sentiment.corpus.findings import Findings
from imdb_sentiment.corpus.layout import FOLDERS, SourceFile
from imdb_sentiment.corpus.movies import find_movies
from imdb_sentiment.corpus.sources import find_tables
from imdb_sentiment.corpus.table_reviews import read_tables
from imdb_sentiment.corpus.text_column import TextColumn
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.params import TableParams
from imdb_sentiment.runtime.progress import Progress, Task, no_progress
from imdb_sentiment.text.cleaning import clean_text

_FOUND: Final = TableParams()


def get_reviews_data(
    source: Path | str,
    findings: Findings | None = None,
    progress: Progress = no_progress,
    table_params: TableParams = _FOUND,
) -> pd.DataFrame:
    """Return all reviews in `source` as a DataFrame: review_id, split, label, rating, group, text.

    Loops through the text files of an archive or folder, or the rows of tables, and cleans each. A row is a review, in
    the order of `source`; the columns are Arrow's, null where a review has no label, rating or group (such as a film).
    What is found out about the source is noted in `findings`. Raises SourceError, and InputError for tables.
    """
    findings = findings or Findings()
    tables = find_tables(Path(source), is_table=table_params.format is not None)
    with progress("Reading", None, "reviews") as task:
        if tables:
            reviews = read_tables(tables, table_params, findings, task)
        else:
            reviews = _read_layout(Path(source), findings, task)
    frame: pd.DataFrame = reviews.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _read_layout(source: Path, findings: Findings, task: Task) -> pa.Table:
    places: list[tuple[str, int, int]] = []
    numbers: dict[str, set[int]] = {folder: set() for folder in FOLDERS}
    urls: dict[str, SourceFile] = {}
    texts = TextColumn()
    for file in read_source(source):
        text = file.decode()
        if file.is_urls:
            urls[file.path] = file
            continue
        number, rating = file.number_and_rating()
        if number in numbers[file.folder]:
            raise SourceError(f"{file.where}: found review {number} twice; expected each number once in a folder")
        numbers[file.folder].add(number)
        places.append((file.folder, number, rating))
        texts.append(clean_text(text))
        findings.fingerprint.add(file.path, file.content)
        task.advance()
    movies = {
        name: find_movies(urls[folder.urls], numbers[name]) if folder.urls in urls else {}
        for name, folder in FOLDERS.items()
    }
    return pa.table(
        {
            "review_id": pa.array((f"{folder}/{number}_{rating}" for folder, number, rating in places), pa.string()),
            "split": pa.array((FOLDERS[folder].split for folder, _, _ in places), pa.string()),
            "label": pa.array((FOLDERS[folder].label for folder, _, _ in places), pa.int8()),
            "rating": pa.array((rating or None for _, _, rating in places), pa.int8()),
            "group": pa.array((movies[folder].get(number) for folder, number, _ in places), pa.string()),
            "text": texts.as_arrow(),
        }
    )
