"""The table of reviews: its columns, and reading them back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import check_regular, missing

# label: 1 positive, 0 negative, null for unlabelled reviews, as rating; movie_id is null where urls_*.txt is absent.
REVIEWS_SCHEMA: Final = pa.schema(
    [
        pa.field("review_id", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("label", pa.int8()),
        pa.field("rating", pa.int8()),
        pa.field("movie_id", pa.string()),
        pa.field("text", pa.string(), nullable=False),
    ]
)


def iterate_reviews(reviews: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the `columns` of the Parquet table at `reviews` batch by batch.

    Raises ArtifactError if it is no such table or lacks one of them.
    """
    try:
        check_regular(reviews)
        with pq.ParquetFile(reviews) as file:
            _check_columns(reviews, file.schema_arrow)
            for batch in file.iter_batches(batch_size=1000, columns=columns):
                _check_nulls(reviews, batch)
                yield batch
    except FileNotFoundError as error:
        raise missing(reviews) from error
    except (pa.ArrowInvalid, OSError) as error:
        raise ArtifactError(reviews, f"what cannot be read as Parquet ({error})", "the table of reviews") from error


def _check_columns(reviews: Path, schema: pa.Schema) -> None:
    for field in REVIEWS_SCHEMA:
        if field.name not in schema.names:
            raise ArtifactError(reviews, f"the columns {', '.join(schema.names)}", f"also {field.name}")
        if schema.field(field.name).type != field.type:
            found = schema.field(field.name).type
            raise ArtifactError(reviews, f"column {field.name} of type {found}", f"{field.type}")


def _check_nulls(reviews: Path, batch: pa.RecordBatch) -> None:
    for name in batch.schema.names:
        if batch[name].null_count and not REVIEWS_SCHEMA.field(name).nullable:
            raise ArtifactError(reviews, f"a row without {name}", "one in each row")
