"""Tables that are classified in the background. A job is a folder, so that any worker can tell how far it is.

    upload       the table as it came
    result       the table with its answers, once it is done
    state.json   how far it is, and what the page shows

A folder that disappears ends its job.
"""

import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.files import read_json
from imdb_sentiment.serving.problems import ProblemError, busy
from imdb_sentiment.serving.settings import Settings
from imdb_sentiment.serving.table_work import RESULT, UPLOAD, TableSummary, classify_table

STATE: Final = "state.json"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_MOST_JOBS: Final = 20  # finished ones included: what they can take on the disk is bounded
_KEPT: Final = 900.0  # seconds after its end
_LONGEST: Final = 86_400.0  # seconds that a table waits or is uploaded: then its worker has died
_EVERY: Final = 0.2  # seconds between two writings of the state
_STALLED: Final = 120.0  # a running job has written its state since, unless its worker has died


class _Ended(Exception):  # noqa: N818  # not an error: the job is not wanted any more
    pass


@dataclass
class TableJobs:
    """The jobs of this worker, and the folder of all workers' jobs."""

    settings: Settings
    model: SentimentModel
    count_rows: Callable[[int], None]
    stopping: threading.Event = field(default_factory=threading.Event)

    def create(self, name: str) -> Path:
        """Return the folder of a new job, for its upload. Raises ProblemError if there are too many."""
        self.remove_old()
        if sum(1 for _ in self.settings.jobs.iterdir()) >= _MOST_JOBS:
            raise busy(f"found {_MOST_JOBS} tables; expected fewer: try again later", 30)
        folder = self.settings.jobs / secrets.token_urlsafe(16)
        folder.mkdir(mode=0o700)
        self._write(folder, "waiting", TableSummary(name))
        return folder

    def work(self, folder: Path, text_column: str | None) -> None:
        """Classify the table of the job in `folder`. What is wrong with it is told by the job's state."""
        try:
            summary = TableSummary(str(self.state(folder.name)["name"]))
        except ProblemError:  # it has been removed while it waited
            return
        written = 0.0

        def changed() -> None:
            nonlocal written
            if self.stopping.is_set() or not folder.exists():
                raise _Ended
            if time.monotonic() - written > _EVERY:
                self._write(folder, "running", summary)
                written = time.monotonic()

        try:
            changed()
            classify_table(self.model, self.settings, folder, text_column=text_column, summary=summary, changed=changed)
            self.count_rows(summary.rows)
            (folder / UPLOAD).unlink(missing_ok=True)
            self._write(folder, "done", summary)
        except PipelineError as error:
            self._fail(folder, summary, str(error).replace(str(folder), "").strip("/"))
        except (_Ended, FileNotFoundError):
            self._fail(folder, summary, "the server was stopped before the end; expected it to stay")
        except Exception:
            self._fail(folder, summary, "the server has a fault; its log tells more")
            raise

    def state(self, job: str) -> dict[str, Any]:
        """Return what `state.json` of a job holds. Raises ProblemError if there is no such job."""
        path = self.settings.jobs / job / STATE
        if not _ID.fullmatch(job) or not path.is_file():
            raise ProblemError(404, "found no such table; expected the id of one (they are kept for 15 minutes)")
        state = read_json(path)
        if state["state"] == "running" and time.time() - path.stat().st_mtime > _STALLED:
            state |= {"state": "failed", "detail": "its worker has ended; send the table again"}
        return {"id": job, **state}

    def result(self, job: str) -> tuple[Path, str]:
        """Return the path of a finished table and its name. Raises ProblemError if it is not finished."""
        state = self.state(job)
        if state["state"] != "done":
            raise ProblemError(409, f"found a table that is {state['state']}; expected one that is done")
        return self.settings.jobs / job / RESULT, str(state["output"])

    def remove(self, job: str) -> None:
        """Remove a job, which ends it. Raises ProblemError if there is no such job."""
        self.state(job)
        _discard(self.settings.jobs / job)

    def remove_old(self) -> None:
        """Remove the jobs that ended a while ago, and those that nobody works on any more."""
        for folder in self.settings.jobs.iterdir():
            try:
                age = time.time() - folder.stat().st_mtime
                has_ended = self.state(folder.name)["state"] in ("done", "failed")
            except (FileNotFoundError, ProblemError, PipelineError):  # another worker makes or removes it
                continue
            if age > (_KEPT if has_ended else _LONGEST):
                _discard(folder)

    def _fail(self, folder: Path, summary: TableSummary, detail: str) -> None:
        for name in (UPLOAD, RESULT):
            (folder / name).unlink(missing_ok=True)
        with suppress(FileNotFoundError):  # it has been removed
            self._write(folder, "failed", summary, detail)

    def _write(self, folder: Path, state: str, summary: TableSummary, detail: str | None = None) -> None:
        # Not by write_json, which makes the folder again if it has been removed.
        partial = folder / f"{STATE}.partial"
        partial.write_text(json.dumps({"state": state, **summary.as_object(), "detail": detail}), encoding="utf-8")
        partial.replace(folder / STATE)


def _discard(folder: Path) -> None:
    """Delete a job's folder, also while its worker writes into it."""
    # Renamed first: a file that the worker adds during the deletion would keep the folder, and with it the job.
    gone = folder.with_name(f"{folder.name}.removed")
    with suppress(FileNotFoundError):  # another worker was first
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
