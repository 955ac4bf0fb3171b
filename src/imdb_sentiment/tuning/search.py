"""The search for better params: trials that share a study, compared by the accuracy on the validation part alone."""

import shlex
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from functools import partial
from typing import Final

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from imdb_sentiment.runtime.errors import TrialError, TuningError
from imdb_sentiment.runtime.params import Params
from imdb_sentiment.tuning.search_space import SearchSpace, values_of

# Yields the metrics of each epoch of a fit by these params; ends the fit where it is closed.
Runner = Callable[[Params], Generator[Mapping[str, float]]]
# Is called when something of the study has changed.
Listener = Callable[[optuna.Study], None]

FAILURES_TO_STOP: Final = 5  # in a row: what fails so often is not the choice of params


class _StorageError(BaseException):
    """The storage takes no more of a trial. Not an Exception: for one, Optuna would write to the storage again."""


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

    A trial that fails is recorded with its reason; one that was stopped is tried again once, perhaps by the next
    process. Raises TuningError if several fail in a row.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    failures = 0

    def after_trial(study: optuna.Study, trial: FrozenTrial) -> None:
        nonlocal failures
        changed(study)
        failures = failures + 1 if trial.state is TrialState.FAIL else 0
        if failures == FAILURES_TO_STOP:
            reason = trial.user_attrs.get("reason")
            raise TuningError(f"tuning: found {failures} failed trials in a row, the last: {reason}; expected fewer")
        if len(ended(study)) >= trials:  # not MaxTrialsCallback, which would count the stopped ones
            study.stop()

    objective = partial(_objective, space=space, run=run, changed=changed)
    while len(ended(study)) < trials:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            study.optimize(objective, timeout=left, catch=(TrialError,), callbacks=[after_trial])
            break
        except _StorageError as wrapper:
            (error,) = wrapper.args
        # Another process may end a trial: SQLite gives a queued one to two at times, and who sleeps counts as dead.
        if not isinstance(error, UpdateFinishedTrialError):
            raise error


def _objective(trial: optuna.Trial, space: SearchSpace, run: Runner, changed: Listener) -> float:
    try:
        return _best_accuracy(trial, space, run, changed)
    except (UpdateFinishedTrialError, StorageInternalError, SQLAlchemyError) as error:
        raise _StorageError(error) from None


def _best_accuracy(trial: optuna.Trial, space: SearchSpace, run: Runner, changed: Listener) -> float:
    params = space.suggest(trial)
    changed(trial.study)
    best = 0.0
    try:
        with closing(run(params)) as epochs:
            for epoch, metrics in enumerate(epochs, 1):
                best = max(best, metrics["val_accuracy"])
                trial.report(metrics["val_accuracy"], epoch)
                changed(trial.study)
                if trial.should_prune():
                    raise optuna.TrialPruned
    except TrialError as error:
        trial.set_user_attr("reason", str(error))
        raise
    except KeyboardInterrupt:
        RetryHeartbeatStaleTrialCallback(max_retry=1)(trial.study, trial.study.trials[trial.number])
        raise
    trial.set_user_attr("best", best)  # raises UpdateFinishedTrialError if another process has ended it since
    return best


def ended(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that have ended by themselves: complete, pruned, or failed for a reason, not stopped."""
    found = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL))
    return [trial for trial in found if trial.state is not TrialState.FAIL or "reason" in trial.user_attrs]


def knob_importances(study: optuna.Study) -> dict[str, float]:
    """Return each knob's share of the variance of the accuracy (fANOVA; Hutter, Hoos, Leyton-Brown 2014).

    Empty for fewer than four trials that differ.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len({trial.value for trial in complete}) < 4:
        return {}
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances  # loads scikit-learn

    # Optuna's default asks what makes a trial one of the best tenth: a few trials have no such tenth.
    return get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))


def pipeline_command(trial: FrozenTrial) -> str:
    """Return the command that runs the pipeline with the values of `trial`."""
    changes = (f"{name}={value}" for name, value in values_of(trial).items())
    return shlex.join(["dvc", "exp", "run", *(word for change in changes for word in ("-S", change))])
