"""The predictions of a classifier for the test part; a CSV table."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imdb_sentiment.artifacts.labels import LABEL_NAMES, THRESHOLD
from imdb_sentiment.runtime.errors import ArtifactError, reason_of
from imdb_sentiment.runtime.files import check_file, missing, written_beside


def write_predictions(
    review_ids: NDArray[np.str_], y_true: NDArray[np.int8], y_prob: NDArray[np.float64], path: Path
) -> None:
    """Write one row a review to `path`: review_id, actual, predicted, probability (of being positive)."""
    table = pd.DataFrame(
        {
            "review_id": review_ids,
            "actual": np.take(LABEL_NAMES, y_true),
            "predicted": np.take(LABEL_NAMES, (y_prob >= THRESHOLD).astype(int)),
            "probability": y_prob.round(6),
        }
    )
    with written_beside(path) as partial:
        table.to_csv(partial, index=False, lineterminator="\n")


def read_predictions(path: Path) -> pd.DataFrame:
    """Return the table that `write_predictions` wrote, indexed by review_id. Raises ArtifactError."""
    try:
        check_file(path)
        table = pd.read_csv(path, dtype={"review_id": str})
    except FileNotFoundError as error:
        raise missing(path) from error
    except (ValueError, OSError) as error:
        raise ArtifactError(
            path, f"what cannot be read as CSV ({reason_of(error)})", "a table of predictions"
        ) from error
    for column in ("actual", "predicted"):
        if column not in table or not table[column].isin(LABEL_NAMES).all():
            raise ArtifactError(path, f"no column {column} of labels", f"{' or '.join(LABEL_NAMES)} in each row")
    if "review_id" not in table or "probability" not in table or table["probability"].dtype != float:
        raise ArtifactError(path, f"the columns {', '.join(table.columns)}", "review_id and probability, a number")
    return table.set_index("review_id")
