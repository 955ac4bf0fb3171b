"""The table of reviews: its columns, writing and reading it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment.runtime.errors import ArtifactError, reason_of
from imdb_sentiment.runtime.files import check_file, missing, written_beside

if TYPE_CHECKING:
    import pandas as pd  # readers need none

# label: 1 positive, 0 negative, null for unlabelled reviews, as rating; group: what may not be torn apart by a split,
# such as a film; null where it is not known.
REVIEWS_SCHEMA: Final = pa.schema(
    [
        pa.field("review_id", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("label", pa.int8()),
        pa.field("rating", pa.int8()),
        pa.field("group", pa.string()),
        pa.field("text", pa.string(), nullable=False),
    ]
)

ROW_GROUP_SIZE: Final = 10_000
ROW_GROUP_CHARACTERS: Final = 50_000_000


def write_reviews(reviews: "pd.DataFrame", path: Path) -> None:
    """Write a DataFrame with the columns of REVIEWS_SCHEMA as the Parquet table at `path`. Raises OutputError."""
    with written_beside(path) as partial, pq.ParquetWriter(partial, REVIEWS_SCHEMA, compression="zstd") as writer:
        for rows in _row_groups(reviews["text"].str.len()):
            table = pa.Table.from_pandas(reviews.iloc[rows], preserve_index=False)
            # This also drops pandas's own metadata: equal rows make equal bytes whatever its version.
            writer.write_table(table.select(REVIEWS_SCHEMA.names).cast(REVIEWS_SCHEMA))


def _row_groups(lengths: Iterable[int]) -> Iterator[slice]:
    """Yield the rows of each group: ROW_GROUP_SIZE, or fewer where their texts are long."""
    start = end = characters = 0
    for end, length in enumerate(lengths, start=1):
        characters += length
        if end - start >= ROW_GROUP_SIZE or characters >= ROW_GROUP_CHARACTERS:
            yield slice(start, end)
            start, characters = end, 0
    if start < end:
        yield slice(start, end)


def iterate_reviews(reviews: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the `columns` of the Parquet table at `reviews` batch by batch.

    Raises ArtifactError if it is not such a table or lacks one of them.
    """
    try:
        check_file(reviews)
        with pq.ParquetFile(reviews) as file:
            _check_columns(reviews, file.schema_arrow)
            for batch in file.iter_batches(batch_size=1000, columns=columns):
                _check_nulls(reviews, batch)
                batch.validate(full=True)  # Parquet does not check that texts are UTF-8
                yield batch
    except FileNotFoundError as error:
        raise missing(reviews) from error
    except MemoryError:  # Arrow's is one of its own exceptions, too
        raise
    except (pa.ArrowException, RuntimeError, OSError) as error:  # RuntimeError: of the Parquet library
        raise ArtifactError(
            reviews, f"what cannot be read as Parquet ({reason_of(error)})", "the table of reviews"
        ) from error


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
