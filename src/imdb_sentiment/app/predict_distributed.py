"""The part of `imdb-sentiment predict` that classifies folders on many machines: `--engine ray`."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.runtime.console import console_progress, counted, printable
from imdb_sentiment.runtime.errors import InputError

if TYPE_CHECKING:
    from imdb_sentiment.distributed.file_classifier import Outcome, Settings
    from imdb_sentiment.prediction.classified_rows import ClassifiedRows


def predict_with_ray(
    sources: Sequence[str],
    output: str | None,
    folder: Path,
    settings: "Settings",
    address: str | None,
    print_line: Callable[[str], None],
) -> None:
    """Classify the Parquet files of `sources` on a Ray cluster, into the folder `output`. Raises InputError."""
    try:
        from imdb_sentiment.distributed.ray_engine import classify_files, connected
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("imdb_sentiment"):
            raise
        expected = "those of the engine: pip install 'imdb-sentiment[ray]', or in a clone pip install -e '.[ray]'"
        raise InputError(f"found no package {error.name}; expected {expected}") from error
    from imdb_sentiment.distributed.file_classifier import read_model_files
    from imdb_sentiment.distributed.file_systems import find_work
    from imdb_sentiment.prediction.classified_rows import ClassifiedRows
    from imdb_sentiment.prediction.predictor import SentimentModel

    if not sources or output is None:
        missing = "no --output" if sources else "no files"
        raise InputError(f"--engine ray: found {missing}; expected Parquet files, and a folder for their outputs")
    work, done = find_work(sources, output)
    model = SentimentModel.load(folder)  # a broken one is found here, and not on every machine
    total = ClassifiedRows(model, settings.thresholds, settings.bad_rows, settings.text_column)
    if work:
        with connected(address), console_progress("Predicting", len(work), "files") as task:
            for outcome in classify_files(work, read_model_files(folder), settings):
                if outcome.error is not None:
                    raise InputError(outcome.error)
                _add(total, outcome)
                task.advance(note=counted(total.count, "reviews"))
    note = f" ({counted(done, 'files')} had an output already)" if done else ""
    print_line(f"{printable(output)}: {counted(total.count, 'reviews')} in {counted(len(work), 'files')}{note}")
    for line in total.summary():
        print(printable(line), file=sys.stderr)


def _add(total: "ClassifiedRows", outcome: "Outcome") -> None:
    total.count += outcome.count
    for label, count in outcome.counts.items():
        total.counts[label] += count
    total.bad_count += outcome.bad_count
    total.bad_messages = [*total.bad_messages, *outcome.bad_messages][:10]  # as many as `ClassifiedRows` names
