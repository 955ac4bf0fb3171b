"""The training curves, written by dvclive as the epochs go by."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from dvc.scm import SCMError
from dvclive.live import Live

from imdb_sentiment.runtime.errors import OutputError, TrainingError


class TrainingLog:
    """Writes a table of each metric over the epochs, and the last values as metrics.json, into a folder."""

    def __init__(self, folder: Path) -> None:
        self._epochs = 0
        try:
            # dvcyaml: or else dvclive edits the pipeline's own dvc.yaml. The rest DVC keeps, or differs by the run.
            self._live = Live(str(folder), dvcyaml=None, report=None, save_dvc_exp=False, monitor_system=False)
        except sqlite3.Error as error:
            raise OutputError(folder.parent, f"DVC's own database: {error}") from error
        except SCMError as error:
            raise TrainingError(
                f"dvclive: found a git repository around {Path.cwd()} without a HEAD that it can read ({error}); "
                "expected one with a commit, or none"
            ) from error

    def add_epoch(self, metrics: Mapping[str, float]) -> None:
        """Log the metrics of the next epoch, `val_` in front of the validation part's; a member's follow another's."""
        self._live.step = self._epochs = self._epochs + 1
        for name, value in metrics.items():
            part = "validation" if name.startswith("val_") else "train"
            self._live.log_metric(f"{part}/{name.removeprefix('val_')}", value)
        self._live.make_summary()  # type: ignore[no-untyped-call]

    def end(self, kept: Mapping[str, float]) -> None:
        """Log what is true of the model that is kept."""
        for name, value in kept.items():
            self._live.log_metric(f"kept/{name}", value, plot=False)
        self._live.end()  # type: ignore[no-untyped-call]
