"""The part of `imdb-sentiment predict` that classifies folders on many machines: `--engine ray`."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.runtime.console import console_progress, counted, printable
from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.runtime.extras import packages_of

if TYPE_CHECKING:
    from imdb_sentiment.distributed.file_classifier import Settings


def predict_with_ray(
    sources: Sequence[str],
    output: str | None,
    folder: Path,
    settings: "Settings",
    address: str | None,
    print_line: Callable[[str], None],
) -> None:
    """Classify the Parquet files of `sources` on a Ray cluster, into the folder `output`. Raises InputError."""
    with packages_of("ray", "the engine"):
        from imdb_sentiment.distributed.ray_engine import classify_files, connected
    from imdb_sentiment.distributed.file_classifier import read_model_files
    from imdb_sentiment.distributed.file_systems import find_work
    from imdb_sentiment.prediction.classified_rows import Tally
    from imdb_sentiment.prediction.predictor import SentimentModel

    if not sources or output is None:
        missing = "no --output" if sources else "no files"
        raise InputError(f"--engine ray: found {missing}; expected Parquet files, and a folder for their outputs")
    work, done = find_work(sources, output)
    SentimentModel.load(folder)  # a broken one is found here, and not on every machine
    total = Tally()
    if work:
        with connected(address), console_progress("Predicting", len(work), "files") as task:
            for outcome in classify_files(work, read_model_files(folder), settings):
                if outcome.error is not None:
                    raise InputError(outcome.error)
                total.add(outcome.tally)
                task.advance(note=counted(total.count, "reviews"))
    note = f" ({counted(done, 'files')} had an output already)" if done else ""
    print_line(f"{printable(output)}: {counted(total.count, 'reviews')} in {counted(len(work), 'files')}{note}")
    for line in total.summary(settings.bad_rows):
        print(printable(line), file=sys.stderr)
