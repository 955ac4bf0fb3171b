"""The study that the trials of a search share: kept in a journal file, or in a database that several machines reach."""

import json
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, OptunaError, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, NoSuchModuleError, OperationalError, ProgrammingError, SQLAlchemyError

from imdb_sentiment.runtime.errors import TuningError

RANDOM_TRIALS: Final = 8  # before the sampler has enough to go by, and the pruner to compare with
_TRIES: Final = 10  # to make the tables; the other process needs well under a second for them
# What it takes to tell that an address is none: no driver, no such folder, not a URL, a file or tables of another make.
_OPENING: Final = (OptunaError, ImportError, RuntimeError, OSError, ValueError, KeyError)
_PACKAGES: Final = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}


def open_study(
    storage: str, name: str, identity: Mapping[str, Any], first: Mapping[str, Any] | None = None
) -> optuna.Study:
    """Return the study of this name, a new one if there is none, in a database's URL or a journal file's path.

    `identity` is what all its trials must have in common, `first` the values that a new study is to try first. Raises
    TuningError if the storage cannot be reached, or the study is of something else.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with storage_errors(storage, *_OPENING):
        study, is_new = _create_or_load(_open_storage(storage), name)
        text = json.dumps(identity, sort_keys=True)
        known = study.user_attrs.get("identity")
        if known is None:
            study.set_user_attr("identity", text)
        # By the one process that made the study: of two that found it empty, each would queue them.
        if is_new and first is not None:
            study.enqueue_trial(dict(first))
    if known not in {None, text}:
        raise TuningError(f"study {name!r}: found other params, data or knobs in it; expected another --study")
    return study


def _create_or_load(storage: BaseStorage, name: str) -> tuple[optuna.Study, bool]:
    """Return the study and whether it is new."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        # A running trial counts as a poor one, so that two processes do not try the same at once.
        sampler = optuna.samplers.TPESampler(n_startup_trials=RANDOM_TRIALS, constant_liar=True)
    # Two steps of warm-up: no trial is judged by its first epoch.
    pruner = optuna.pruners.MedianPruner(n_startup_trials=RANDOM_TRIALS, n_warmup_steps=2)
    try:
        study = optuna.create_study(
            storage=storage, study_name=name, sampler=sampler, pruner=pruner, direction="maximize"
        )
    except DuplicatedStudyError:
        return optuna.load_study(storage=storage, study_name=name, sampler=sampler, pruner=pruner), False
    return study, True


@contextmanager
def storage_errors(storage: str, *others: type[Exception]) -> Iterator[None]:
    """Raise TuningError, which shows no password, where a database fails in the block, or for one of the `others`."""
    told: tuple[type[Exception], ...] = (SQLAlchemyError, StorageInternalError, *others)
    try:
        yield
    except told as error:
        raise TuningError(f"{_masked(storage)}: {_what_is_wrong(error)}") from error


def _open_storage(storage: str) -> BaseStorage:
    if "://" not in storage:
        Path(storage).parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(storage))
    # The driver would take the end of a password with an @ for a host, and tell it.
    if "@" in (make_url(storage).host or "") or "@" in storage.partition("?")[2]:
        raise ValueError("an @ in the user or password, to be written as %40")
    for _ in range(_TRIES - 1):
        try:
            return RDBStorage(storage)
        except (IntegrityError, OperationalError, ProgrammingError) as error:
            # Another process makes the tables of this new database at the same moment.
            if not (isinstance(error, IntegrityError) or "already exists" in str(error)):
                raise
            time.sleep(0.2)
    return RDBStorage(storage)


def _masked(storage: str) -> str:
    """Return the address without user, password and options: `sqlite://me:secret@host/db?a=b -> sqlite://host/db`."""
    scheme, separator, rest = storage.partition("://")
    address, _, options = rest.partition("?")
    if "@" in options:  # they may be the end of a password
        address = "..."
    return f"{scheme}{separator}{address.rpartition('@')[2]}" if separator else storage


def _what_is_wrong(error: BaseException) -> str:
    """Return what was found and what was expected: the first line of the driver's own words, where there are such."""
    cause = error.__cause__
    if isinstance(error, ImportError) and isinstance(cause, ModuleNotFoundError) and cause.name:
        package = _PACKAGES.get(cause.name, cause.name)
        return f"found no driver, the module {cause.name}; expected it installed: pip install '{package}'"
    if isinstance(error, NoSuchModuleError):
        return "found an unknown kind of database; expected postgresql://, mysql:// or sqlite:///"
    if isinstance(error, StorageInternalError | ImportError) and cause is not None:
        error = cause
    reason = str(getattr(error, "orig", None) or error).partition("\n")[0] or type(error).__name__
    return f"found no storage ({reason}); expected a file or a database"
