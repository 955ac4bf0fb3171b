"""The trials of a search on the terminal: a live table, or a line for each where the output is a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.live import Live
from rich.table import Table

from imdb_sentiment.runtime.console import Verbosity, as_time, verbosity
from imdb_sentiment.tuning.search import Listener, Result, ended, values_of

ROWS: Final = 12  # of the live table: the running trials, then the best
_NAMES: Final = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}


@contextmanager
def shown_trials(wanted: int) -> Iterator[Listener]:
    """Yield what shows a study each time it is told that one has changed; `wanted` trials end it."""
    console = Console(stderr=True)
    if verbosity() is Verbosity.QUIET:
        yield lambda _: None
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=2) as live:
            yield lambda study: live.update(trials_table(study, wanted))
    else:
        yield _LineWriter().tell


class _LineWriter:
    def __init__(self) -> None:
        self._told: set[tuple[int, TrialState]] = set()

    def tell(self, study: optuna.Study) -> None:
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for trial in (*ended(study), *running):
            if (trial.number, trial.state) not in self._told:
                self._told.add((trial.number, trial.state))
                knobs = "  ".join(f"{_short(name)} {_shown(value)}" for name, value in values_of(trial).items())
                reason = trial.user_attrs.get("reason", "")
                said = f"trial {trial.number}: {_NAMES[trial.state]}  {_accuracy(trial)}  {reason or knobs}"
                print(said, file=sys.stderr, flush=True)


def trials_table(study: optuna.Study, wanted: int) -> Table:
    """Return the running trials and the best of the others, a column a knob."""
    trials = study.get_trials(deepcopy=False)
    running = [its for its in trials if its.state is TrialState.RUNNING]
    others = sorted(ended(study), key=lambda its: (its.state is not TrialState.COMPLETE, -_best(its), its.number))
    rows = [*running, *others][:ROWS]
    names = list(dict.fromkeys(name for its in rows for name in values_of(its)))
    count = {state: sum(its.state is state for its in others) for state in _NAMES}
    title = f"{len(others)} of {wanted} trials"
    title += "".join(f", {number} {_NAMES[state]}" for state, number in count.items() if number)
    table = Table(title=title, padding=(0, 1, 0, 0), show_edge=False, title_justify="left")
    for name in ("trial", "", "accuracy", "epochs", "time"):
        table.add_column(name, no_wrap=True)
    for name in names:
        table.add_column(_short(name).replace("_", "\n"), overflow="fold")
    for its in rows:
        values = values_of(its)
        cells = [str(its.number), _NAMES[its.state], _accuracy(its), str(len(its.intermediate_values)), _time(its)]
        style = "bold" if its.state is TrialState.COMPLETE and its.number == study.best_trial.number else ""
        table.add_row(*cells, *(_shown(values.get(name, "")) for name in names), style=style)
    return table


def print_result(result: Result | None) -> None:
    """Print how much each knob mattered, and the command that runs the pipeline with the best trial."""
    if result is None:
        print("No trial is complete yet.")
        return
    console = Console(highlight=False, soft_wrap=True)
    if result.importances:
        table = Table("knob", "importance", title="share of the accuracy's variance", title_justify="left")
        table.columns[1].justify = "right"
        for name, share in result.importances.items():
            table.add_row(name, f"{share:.2f}")
        console.print(table)
    print(
        f"best: trial {result.best.number}, validation accuracy {result.best.value:.4f}; to run the pipeline with it:"
    )
    print(result.command)


def _short(name: str) -> str:
    return name.partition(".")[2]


def _best(trial: FrozenTrial) -> float:
    return max(trial.intermediate_values.values(), default=0.0)


def _accuracy(trial: FrozenTrial) -> str:
    return f"{_best(trial):.4f}" if trial.intermediate_values else "-"


def _time(trial: FrozenTrial) -> str:
    return as_time(trial.duration.total_seconds()) if trial.duration else ""


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
