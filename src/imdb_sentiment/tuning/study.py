"""The study that the trials of a search share: in a SQLite file, or in a database that several machines reach."""

import json
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, OptunaError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial
from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from imdb_sentiment.runtime.errors import TuningError

RANDOM_TRIALS: Final = 8  # before the sampler has enough to learn from, and the pruner to compare with
HEARTBEAT: Final = 20  # seconds between two signs of life of a running trial; it counts as dead after three missed
_MOST_LISTED: Final = 3
_ERRORS: Final = (OptunaError, SQLAlchemyError)
# No driver; no such folder; tables of another program.
_OPENING_ERRORS: Final = (*_ERRORS, ImportError, OSError, RuntimeError)


def open_study(
    storage: str,
    name: str,
    identity: Mapping[str, Any],
    first: FrozenTrial | None = None,
    heartbeat: int = HEARTBEAT,
) -> optuna.Study:
    """Return the study of this name, a new one if there is none, in a SQLite file or the database of a URL.

    `identity` has by kind what all trials of the study must have in common; a new study begins with the trial `first`.
    Raises TuningError if the storage cannot be reached, or the study has another identity.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", ExperimentalWarning)  # which the heartbeat has been for years
    with storage_errors(storage, _OPENING_ERRORS):
        settings: dict[str, Any] = {
            "storage": _open_storage(storage, heartbeat),
            "study_name": name,
            # A running trial counts as a poor one, so that two processes do not try the same at once.
            "sampler": optuna.samplers.TPESampler(n_startup_trials=RANDOM_TRIALS, constant_liar=True),
            # Two steps of warm-up: no trial is judged by its first epoch.
            "pruner": optuna.pruners.MedianPruner(n_startup_trials=RANDOM_TRIALS, n_warmup_steps=2),
        }
        try:
            study = optuna.create_study(**settings, direction="maximize")
            if first is not None:  # added by the process that has made the study, and so once
                study.add_trial(first)
        except DuplicatedStudyError:
            study = optuna.load_study(**settings)
        if "identity" not in study.user_attrs:
            study.set_user_attr("identity", json.dumps(identity))
        known = json.loads(study.user_attrs["identity"])
    if differing := list(_differences(known, identity)):
        more = f" and {len(differing) - _MOST_LISTED} more" if len(differing) > _MOST_LISTED else ""
        found = "; ".join(differing[:_MOST_LISTED]) + more
        raise TuningError(f"study {name!r}: found trials with {found}; expected the same, or another --study")
    return study


def _differences(known: Any, wanted: Any, key: str = "") -> Iterator[str]:
    """Yield in words what differs, such as `train.epochs 4 instead of 6`."""
    if isinstance(known, dict) and isinstance(wanted, dict):
        for name in sorted({*known, *wanted}):
            yield from _differences(known.get(name), wanted.get(name), f"{key}.{name}" if key else name)
    elif known != wanted:
        kind, _, name = key.partition(".")
        # Of files only checksums are known, and a range is a line of JSON.
        shown = {"data": f"another file {name}", "knobs": f"another range of {name}"}
        yield shown.get(kind, f"{name} {known} instead of {wanted}")


@contextmanager
def storage_errors(storage: str, errors: tuple[type[Exception], ...] = _ERRORS) -> Iterator[None]:
    """Raise TuningError, which shows no password, where the storage fails in the block."""
    shown = _without_password(storage)
    try:
        yield
    except errors as error:
        cause = error.__cause__
        if isinstance(cause, ModuleNotFoundError):
            found, expected = f"no driver, the module {cause.name}", "it installed: pip install 'psycopg[binary]'"
            raise TuningError(f"{shown}: found {found}; expected {expected}, for PostgreSQL") from error
        reason = getattr(cause or error, "orig", None) or cause or error  # the driver's own words, if there are any
        first_line = str(reason).partition("\n")[0]
        raise TuningError(
            f"{shown}: found no storage ({first_line}); expected a SQLite file, postgresql://... or mysql://..."
        ) from error


class _Storage(RDBStorage):
    def record_heartbeat(self, trial_id: int) -> None:
        with suppress(*_ERRORS):  # the search meets the error, too; in this thread it would print a traceback
            super().record_heartbeat(trial_id)


def _open_storage(storage: str, heartbeat: int, tries: int = 10) -> RDBStorage:
    if "://" not in storage:
        Path(storage).parent.mkdir(parents=True, exist_ok=True)
        storage = f"sqlite:///{storage}"
    try:
        opened = _Storage(
            storage.replace("{", "{{").replace("}", "}}"),  # Optuna formats it
            heartbeat_interval=heartbeat,
            grace_period=3 * heartbeat,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=1),
        )
    except SQLAlchemyError as error:
        # Another process may make the tables of a new database at the same moment, which takes less than a second.
        is_race = isinstance(error, IntegrityError) or "already exists" in str(error)
        if not is_race or tries == 1:
            raise
        time.sleep(0.2)
        return _open_storage(storage, heartbeat, tries - 1)
    if opened.engine.name == "sqlite":
        # It ignores the lock that other databases put on a row, and would give a queued trial to two processes.
        event.listen(opened.engine, "begin", _lock_whole_file)
    return opened


def _lock_whole_file(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _without_password(storage: str) -> str:
    """Return for example `postgresql://user:***@host/name`. Raises TuningError where the password's end is unclear."""
    scheme, separator, rest = storage.partition("://")
    if not separator:
        return storage
    try:
        if re.search(r"@.*@|\?.*@", rest):
            raise ValueError
        return make_url(storage).set(query={}).render_as_string(hide_password=True)
    except (ValueError, SQLAlchemyError):
        expected = f"{scheme}://user:password@host/name, an @ in the password written as %40"
        raise TuningError(f"{scheme}://...: found no address of a database; expected {expected}") from None
