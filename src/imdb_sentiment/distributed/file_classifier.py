"""What a worker does: it holds one model, and classifies one Parquet file after the other."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from imdb_sentiment.distributed.file_systems import FileWork, local_copy, written_whole
from imdb_sentiment.prediction.answers import Thresholds
from imdb_sentiment.prediction.classified_rows import BadRows, ClassifiedRows, Tally, check_added_columns
from imdb_sentiment.prediction.classified_rows import write_rows as write_classified
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.progress import no_progress
from imdb_sentiment.tables.files import TableFile
from imdb_sentiment.tables.parquet_table import ParquetTable

THREADS: Final = 1  # a worker for each core


@dataclass(frozen=True)
class Settings:
    """How rows are classified, as the options of `predict` say."""

    thresholds: Thresholds
    bad_rows: BadRows
    text_column: str | None
    overwrite_columns: bool


@dataclass(frozen=True)
class Outcome:
    """What came of a file: how many rows it has, or the message of its error."""

    tally: Tally = field(default_factory=Tally)
    error: str | None = None


def read_model_files(folder: Path) -> dict[str, bytes]:
    """Return the files of the exported model in `folder`, to send to other machines."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def load_model(model_files: Mapping[str, bytes]) -> SentimentModel:
    """Return the model whose files `read_model_files` returned. Raises ArtifactError."""
    with tempfile.TemporaryDirectory(prefix="imdb-sentiment-") as folder:
        for name, content in model_files.items():
            (Path(folder) / name).write_bytes(content)
        return SentimentModel.load(folder, threads=THREADS)


@dataclass(frozen=True)
class FileClassifier:
    """Classifies one file after the other."""

    model: SentimentModel
    settings: Settings

    def classify(self, work: FileWork) -> Outcome:
        """Write the rows of the file with their answers, whole or not at all.

        The same file gives the same bytes, so that a file whose worker was lost can be given to another one. What the
        user can mend comes back as a message: an exception would be tried again.
        """
        settings = self.settings
        rows = ClassifiedRows(
            self.model, settings.thresholds, settings.bad_rows, settings.text_column, progress=no_progress
        )
        try:
            with local_copy(work.source) as source, written_whole(work.output) as output:
                table = ParquetTable(TableFile(source, work.source))
                check_added_columns(table, settings.overwrite_columns)
                write_classified(rows, table, output, "parquet")
        except PipelineError as error:
            return Outcome(error=str(error))
        return Outcome(rows.tally)
