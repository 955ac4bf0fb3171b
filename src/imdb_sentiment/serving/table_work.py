"""Classifying one uploaded table: within limits, and with a summary that grows with it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.prediction.answers import Answer, Thresholds
from imdb_sentiment.prediction.classified_rows import ADDED, BadRows, ClassifiedRows, check_added_columns
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.runtime.progress import no_progress
from imdb_sentiment.serving.settings import Settings
from imdb_sentiment.tables.files import TableFile
from imdb_sentiment.tables.formats import TableOptions, open_table
from imdb_sentiment.tables.rows import Row, Table
from imdb_sentiment.tables.writers import open_writer, output_name

UPLOAD: Final = "upload"
RESULT: Final = "result"
_BLOCK_ROWS: Final = 256  # some tenths of a second: the first rows show soon, and a removed job ends soon
_BINS: Final = 10
_PREVIEW_ROWS: Final = 10
_PREVIEW_CHARACTERS: Final = 200
_MOST_GROWTH: Final = 5  # an output of more bytes than this times the largest upload is refused


@dataclass
class TableSummary:
    """What is known of a table so far."""

    name: str
    share: float = 0.0
    rows: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    bins: list[int] = field(default_factory=lambda: [0] * _BINS)
    bad_rows: int = 0
    messages: list[str] = field(default_factory=list)
    preview: list[dict[str, Any]] = field(default_factory=list)
    output: str | None = None

    def as_object(self) -> dict[str, Any]:
        """Return the summary as JSON's types."""
        return dict(vars(self))

    def add(self, rows: list[Row], answers: list[Answer]) -> None:
        """Count a block of rows."""
        self.rows += len(rows)
        for row, answer in zip(rows, answers, strict=True):
            if answer.label is not None:
                self.labels[answer.label] = self.labels.get(answer.label, 0) + 1
            if answer.probability is not None:
                self.bins[min(_BINS - 1, int(_BINS * answer.probability))] += 1
            if len(self.preview) < _PREVIEW_ROWS:
                text = row.values[0] if row.values and isinstance(row.values[0], str) else ""
                shown = text if len(text) <= _PREVIEW_CHARACTERS else f"{text[:_PREVIEW_CHARACTERS]}…"
                shown = shown.encode("utf-8", "replace").decode()  # JSON can spell one half of a pair
                self.preview.append({"text": shown, **answer._asdict()})


def classify_table(
    model: SentimentModel,
    settings: Settings,
    folder: Path,
    *,
    text_column: str | None,
    summary: TableSummary,
    changed: Callable[[], None],
) -> None:
    """Write the table in the file `upload` of `folder`, with its answers, to `result`.

    Rows without a review stay, without an answer. `summary` is filled, and `changed` called after every block; what it
    raises ends the work. Raises InputError.
    """
    result = folder / RESULT
    table = _open(folder / UPLOAD, summary.name, text_column)
    check_added_columns(table, overwrite=False)
    rows = ClassifiedRows(model, Thresholds(), BadRows.KEEP, text_column, no_progress, _BLOCK_ROWS)
    size = max(1, table.size)
    with open_writer(table, result, table.format, ADDED) as write:
        for block, answers in rows.blocks(table):
            write(block, answers)
            summary.add(block, answers)
            summary.share = min(1.0, round(table.position() / size, 4))
            summary.bad_rows, summary.messages = rows.tally.bad_count, rows.tally.bad_messages
            _check_size(settings, summary, result)
            changed()
    summary.share = 1.0
    name = Path(output_name(table))
    summary.output = f"{name.stem}_labelled{name.suffix}"


def _open(upload: Path, name: str, text_column: str | None) -> Table:
    file = TableFile(upload, name)
    # Of the others, a small file can make its reader take gigabytes before a line is read.
    if file.compression not in (None, "gzip"):
        raise InputError(f"{name}: found a {file.compression} file; expected a table as it is, or in .gz")
    table = open_table(file, TableOptions(text_column=text_column))
    if table.format == "parquet" and file.compression:
        raise InputError(f"{name}: found a compressed file of a format that compresses by itself; expected .parquet")
    return table


def _check_size(settings: Settings, summary: TableSummary, result: Path) -> None:
    if summary.rows > settings.table_rows:
        raise InputError(f"{summary.name}: found more than {settings.table_rows:,} rows; expected fewer")
    most = _MOST_GROWTH * settings.table_bytes
    if result.exists() and result.stat().st_size > most:
        raise InputError(f"{summary.name}: found more than {most:,} bytes of rows; expected less")
