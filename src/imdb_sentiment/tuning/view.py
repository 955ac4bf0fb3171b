"""The trials of a search on the terminal: a live table, or a line for each where the output is a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, Final

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console, Group
from rich.live import Live
from rich.table import Column, Table

from imdb_sentiment.runtime.console import Verbosity, as_time, verbosity
from imdb_sentiment.tuning.search import Listener, ended, knob_importances, pipeline_command
from imdb_sentiment.tuning.search_space import values_of

_STATES: Final = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}


@contextmanager
def shown_trials(wanted: int) -> Iterator[Listener]:
    """Yield a function that shows a study each time it is called; `wanted` trials end the search."""
    console = Console(stderr=True)
    if verbosity() is Verbosity.QUIET:
        yield lambda _: None
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=2) as live:
            yield lambda study: live.update(trials_table(study, wanted, console.width))
    else:
        printed: set[tuple[int, TrialState]] = set()
        yield lambda study: _print_changes(study, printed)


def _print_changes(study: optuna.Study, printed: set[tuple[int, TrialState]]) -> None:
    for trial in (*ended(study), *_running(study)):
        if (trial.number, trial.state) not in printed:
            printed.add((trial.number, trial.state))
            knobs = "  ".join(f"{_short(name)} {_as_text(value)}" for name, value in values_of(trial).items())
            outcome = f"{_STATES[trial.state]}  {_accuracy(trial)}  {trial.user_attrs.get('reason', knobs)}"
            print(f"trial {trial.number}: {outcome}", file=sys.stderr, flush=True)


def trials_table(study: optuna.Study, wanted: int, width: int) -> Group:
    """Return how many trials have ended, and a table with a column for each trial: the running ones, then the best.

    As many trials as fit the `width` without breaking a word.
    """
    running, others = _running(study), ended(study)
    others.sort(key=lambda trial: (trial.state is not TrialState.COMPLETE, -_best(trial)))
    states = [trial.state for trial in others]
    counts = [f"{states.count(state)} {name}" for state, name in _STATES.items() if state in states]
    title = ", ".join([f"{len(others)} of {wanted} trials", *counts])

    names = list(dict.fromkeys(name for trial in (*running, *others) for name in values_of(trial)))
    columns = [["trial", "", "accuracy", "epochs", "time", *map(_short, names)]]
    for trial in (*running, *others):
        values = values_of(trial)
        time = as_time(trial.duration.total_seconds()) if trial.duration else ""
        facts = [str(trial.number), _STATES[trial.state], _accuracy(trial), str(len(trial.intermediate_values)), time]
        columns.append([*facts, *(_as_text(values.get(name, "")) for name in names)])
    ends = list(accumulate(max(map(len, column)) + 2 for column in columns))
    columns = [column for column, end in zip(columns, ends, strict=True) if end <= width]

    table = Table.grid(*[Column(no_wrap=True) for _ in columns], padding=(0, 2, 0, 0))
    for row in zip(*columns, strict=True):
        table.add_row(*row)
    return Group(title, table)


def print_result(study: optuna.Study) -> None:
    """Print how much each knob mattered, and the command that runs the pipeline with the best trial."""
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        print("No trial is complete yet.")
        return
    importances = knob_importances(study)
    if importances:
        table = Table("knob", "importance", title="share of the accuracy's variance", title_justify="left")
        table.columns[1].justify = "right"
        for name, share in importances.items():
            table.add_row(name, f"{share:.2f}")
        Console(highlight=False, soft_wrap=True).print(table)
    best = study.best_trial
    print(f"best: trial {best.number}, validation accuracy {best.value:.4f}; to run the pipeline with it:")
    print(pipeline_command(best))


def _running(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def _short(name: str) -> str:
    return name.partition(".")[2]


def _best(trial: FrozenTrial) -> float:
    return max(trial.intermediate_values.values(), default=0.0)


def _accuracy(trial: FrozenTrial) -> str:
    return f"{_best(trial):.4f}" if trial.intermediate_values else "-"


def _as_text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
