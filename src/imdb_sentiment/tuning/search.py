"""The search for better params: trials that share a study, chosen by the accuracy on the validation part alone."""

import os
import shlex
import socket
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from imdb_sentiment.runtime.errors import TrialError, TuningError
from imdb_sentiment.runtime.params import Params
from imdb_sentiment.tuning.search_space import SearchSpace, rounded

# Yields the metrics of each epoch of a fit by these params; ends the fit where it is closed.
Runner = Callable[[Params], Generator[Mapping[str, float]]]
# Is told that something of the study has changed.
Listener = Callable[[optuna.Study], None]

FAILURES_TO_STOP: Final = 5  # in a row: what fails so often is not the choice of params
_ENDED: Final = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def search(
    study: optuna.Study,
    space: SearchSpace,
    run: Runner,
    *,
    trials: int,
    seconds: float | None = None,
    changed: Listener,
) -> None:
    """Run trials until `trials` of the study have ended, those of other processes included, or `seconds` are over.

    A trial that fails is recorded with its reason; one that was stopped is tried again, also by the next process.
    Raises TuningError if several fail in a row.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    retry_stopped(study)
    failures = 0
    while len(ended(study)) < trials and (deadline is None or time.monotonic() < deadline):
        failures = 0 if _run_trial(study, space, run, changed) else failures + 1
        if failures == FAILURES_TO_STOP:
            reason = ended(study)[-1].user_attrs.get("reason")
            raise TuningError(
                f"tuning: found {failures} failed trials in a row, the last: {reason}; expected some to end"
            )


def _run_trial(study: optuna.Study, space: SearchSpace, run: Runner, changed: Listener) -> bool:
    """Run one trial; return whether it did not fail."""
    trial = study.ask(space.distributions)
    values = {name: rounded(value) for name, value in trial.params.items()}
    for key, value in {"values": values, "host": socket.gethostname(), "process": os.getpid()}.items():
        trial.set_user_attr(key, value)
    changed(study)
    best = 0.0
    try:
        with closing(run(space.params(values))) as epochs:
            for epoch, metrics in enumerate(epochs, 1):
                best = max(best, metrics["val_accuracy"])
                trial.report(metrics["val_accuracy"], epoch)
                changed(study)
                if trial.should_prune():
                    study.tell(trial, state=TrialState.PRUNED)
                    return True
        study.tell(trial, best)
    except TrialError as error:
        trial.set_user_attr("reason", str(error))
        study.tell(trial, state=TrialState.FAIL)
        return False
    except optuna.exceptions.UpdateFinishedTrialError:
        return True  # a queued trial that another process took at the same moment, and was done with first
    except BaseException:
        _stop(study, trial.number)
        raise
    finally:
        changed(study)
    return True


def ended(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that have ended by themselves, failed ones included."""
    found = study.get_trials(deepcopy=False, states=_ENDED)
    return [its for its in found if its.user_attrs.get("reason") != "stopped"]


def retry_stopped(study: optuna.Study) -> None:
    """Queue the trials whose process on this machine has died, once each: it may be they that it died of."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        process = trial.user_attrs.get("process")
        if trial.user_attrs.get("host") == socket.gethostname() and process and not _is_alive(process):
            _stop(study, trial.number)


def _stop(study: optuna.Study, number: int) -> None:
    """Record a running trial as stopped, and queue it again unless it was stopped before."""
    trial = study.get_trials(deepcopy=False)[number]
    study._storage.set_trial_user_attr(trial._trial_id, "reason", "stopped")  # ask() alone gives a Trial
    study.tell(number, state=TrialState.FAIL)
    if not trial.user_attrs.get("retried"):
        study.enqueue_trial(trial.params, user_attrs={"retried": True})


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


@dataclass(frozen=True)
class Result:
    """What a study has found so far."""

    best: FrozenTrial
    importances: dict[str, float]

    @property
    def command(self) -> str:
        """Return the command that runs the pipeline with the best trial's values."""
        changes = (f"-S {shlex.quote(f'{name}={_shown(value)}')}" for name, value in values_of(self.best).items())
        return " ".join(["dvc exp run", *changes])


def result_of(study: optuna.Study) -> Result | None:
    """Return the best trial and how much each knob mattered, or None before any trial is complete.

    The importance (fANOVA; Hutter, Hoos, Leyton-Brown 2014) is a share of the variance of the accuracy, and is empty
    where the trials do not differ or are too few.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not complete:
        return None
    importances: dict[str, float] = {}
    if len({its.value for its in complete}) > 1 and len(complete) >= 4:
        # Not optuna's own choice, which tells what takes a trial among the best tenth: few trials have no such tenth.
        importances = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return Result(study.best_trial, importances)


def values_of(trial: FrozenTrial) -> dict[str, Any]:
    """Return the values of the knobs that a trial was run with."""
    values: dict[str, Any] = trial.user_attrs.get("values", {})
    return values


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"
