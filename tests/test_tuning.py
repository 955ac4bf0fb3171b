"""The search: it goes by validation accuracy, survives what a trial may do, and is shared and taken up again."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from rich.console import Console
from typer.testing import CliRunner, Result

from imdb_sentiment.app import commands
from imdb_sentiment.runtime.errors import ArtifactError, ParamsError, TrialError, TuningError
from imdb_sentiment.runtime.params import Params, load_params
from imdb_sentiment.tuning import search as tuning
from imdb_sentiment.tuning import trial
from imdb_sentiment.tuning.search import FAILURES_TO_STOP, ended, result_of, search, values_of
from imdb_sentiment.tuning.search import Result as Found
from imdb_sentiment.tuning.search_space import SearchSpace, load_search_space
from imdb_sentiment.tuning.study import open_study, storage_errors
from imdb_sentiment.tuning.trial import identify_inputs, run_trial
from imdb_sentiment.tuning.view import print_result, shown_trials, trials_table
from tests.conftest import assert_refused, write_params
from tests.imports import ROOT
from tests.sharing import assert_two_processes_share, close

SPACE = """
train.learning_rate: {low: 1e-3, high: 1e-1, log: true}
train.batch_size: [4, 8]
train.optimizer: [adam, sgd]
model.lstm_units: {low: 2, high: 6, step: 2}
model.dropout_rate: {low: 0.0, high: 0.5}
"""


def nothing(_: optuna.Study) -> None:
    pass


@pytest.fixture
def space(tmp_path: Path) -> SearchSpace:
    (tmp_path / "tune.yaml").write_text(SPACE)
    write_params(tmp_path / "params.yaml", {"train.learning_rate": "0.01", "model.lstm_units": "4"})
    return load_search_space(tmp_path / "tune.yaml", load_params(tmp_path / "params.yaml"))


@pytest.fixture(params=["journal", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "runs/study.journal") if request.param == "journal" else f"sqlite:///{tmp_path / 'study.db'}"


def accuracy(params: Params) -> float:
    """Return what is best at a learning rate of 0.05 and with adam, and goes by little else."""
    return 0.9 - abs(params.train.learning_rate - 0.05) - 0.2 * (params.train.optimizer != "adam")


def run(params: Params) -> Generator[Mapping[str, float]]:
    for epoch in (3, 2, 1):
        yield {"val_accuracy": accuracy(params) / epoch, "val_loss": 1.0}


def test_the_first_trial_is_the_params_as_they_are_and_the_best_is_found(space: SearchSpace, storage: str) -> None:
    study = open_study(storage, "tune", space.identity(), space.own())
    search(study, space, run, trials=25, changed=nothing)
    first = values_of(study.trials[0])
    assert first == {name: getattr(getattr(space.base, name[:5]), name[6:]) for name in space.distributions}
    found = result_of(study)
    assert found is not None
    values = values_of(found.best)
    assert values["train.optimizer"] == "adam"
    assert found.best.value == max(accuracy(space.params(values_of(its))) for its in study.trials)
    assert found.command.startswith("dvc exp run -S train.learning_rate=")
    assert f"-S train.learning_rate={values['train.learning_rate']} " in found.command
    assert re.fullmatch(r"0\.\d{1,2}[1-9]*0?\d?|0\.0\d+", str(values["train.learning_rate"]))
    assert sum(found.importances.values()) == pytest.approx(1)
    assert set(found.importances) == set(space.distributions)
    assert {its.state for its in study.trials} >= {TrialState.COMPLETE}


def test_the_first_values_are_queued_by_the_one_that_makes_the_study(space: SearchSpace, storage: str) -> None:
    both = [open_study(storage, "tune", space.identity(), space.own()) for _ in range(2)]
    assert [len(its.trials) for its in both] == [1, 1]
    asked = [its.ask(space.distributions).params for its in both]
    assert [its == space.own() for its in asked] == [True, False]


def test_a_study_that_another_process_has_just_made_gets_no_first_values(space: SearchSpace, storage: str) -> None:
    made = open_study(storage, "tune", space.identity())
    assert open_study(storage, "tune", space.identity(), space.own()).trials == made.trials == []


def test_a_hopeless_trial_is_pruned(space: SearchSpace, storage: str) -> None:
    study = open_study(storage, "tune", space.identity())
    taken = []

    def worse_and_worse(_: Params) -> Generator[Mapping[str, float]]:
        number = len(study.trials)
        for epoch in (1, 2, 3):
            taken.append(number)
            yield {"val_accuracy": epoch / 10 / number}

    search(study, space, worse_and_worse, trials=12, changed=nothing)
    pruned = [its.number for its in study.trials if its.state is TrialState.PRUNED]
    assert pruned
    assert all(taken.count(number + 1) >= 2 for number in pruned)  # never in the first epoch


def test_a_trial_that_fails_is_recorded_and_the_search_goes_on(space: SearchSpace, storage: str) -> None:
    study = open_study(storage, "tune", space.identity())

    def fails_at_times(params: Params) -> Generator[Mapping[str, float]]:
        yield from run(params)
        if len(study.trials) % 2:
            raise TrialError("epoch 3: found the loss nan; expected a number")

    search(study, space, fails_at_times, trials=6, changed=nothing)
    failed = [its for its in study.trials if its.state is TrialState.FAIL]
    assert len(failed) == 3
    assert {its.user_attrs["reason"] for its in failed} == {"epoch 3: found the loss nan; expected a number"}
    assert len(ended(study)) == 6


def test_a_search_whose_trials_all_fail_stops(space: SearchSpace, storage: str) -> None:
    study = open_study(storage, "tune", space.identity())

    def fails(_: Params) -> Generator[Mapping[str, float]]:
        raise TrialError("out of luck")
        yield {}

    with pytest.raises(TuningError, match=r"found 5 failed trials in a row.*out of luck"):
        search(study, space, fails, trials=50, changed=nothing)
    assert len(study.trials) == FAILURES_TO_STOP
    assert result_of(study) is None


def test_a_search_that_was_stopped_goes_on_with_the_trial_that_it_was_at(space: SearchSpace, storage: str) -> None:
    study = open_study(storage, "tune", space.identity())

    def interrupted(params: Params) -> Generator[Mapping[str, float]]:
        yield {"val_accuracy": 0.5}
        if len(study.trials) == 3:
            raise KeyboardInterrupt
        yield from run(params)

    with pytest.raises(KeyboardInterrupt):
        search(study, space, interrupted, trials=5, changed=nothing)
    assert len(ended(study)) == 2
    again = open_study(storage, "tune", space.identity())
    search(again, space, run, trials=5, changed=nothing)
    assert len(ended(again)) == 5
    assert values_of(again.trials[3]) == values_of(again.trials[2])
    assert again.trials[2].user_attrs["reason"] == "stopped"


def test_the_trial_of_a_process_that_died_is_tried_once_more(space: SearchSpace, storage: str) -> None:
    study = open_study(storage, "tune", space.identity())
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    values = None
    for _ in range(2):
        died = study.ask(space.distributions)
        values = values or died.params
        assert died.params == values
        died.set_user_attr("host", tuning.socket.gethostname())
        died.set_user_attr("process", dead.pid)
        tuning.retry_stopped(study)
        assert study.trials[died.number].state is TrialState.FAIL
    assert not study.get_trials(states=(TrialState.WAITING,))  # twice is enough
    alive = study.ask(space.distributions)
    alive.set_user_attr("host", tuning.socket.gethostname())
    alive.set_user_attr("process", os.getpid())
    tuning.retry_stopped(study)
    assert study.trials[alive.number].state is TrialState.RUNNING


def test_the_search_ends_in_time(space: SearchSpace, tmp_path: Path) -> None:
    study = open_study(str(tmp_path / "study.journal"), "tune", space.identity(), space.own())
    search(study, space, run, trials=10, seconds=0, changed=nothing)
    assert {its.state for its in study.trials} == {TrialState.WAITING}


def test_a_queued_trial_that_two_processes_took_is_left_to_the_first(space: SearchSpace, storage: str) -> None:
    study = open_study(storage, "tune", space.identity())

    def beaten(params: Params) -> Generator[Mapping[str, float]]:
        yield {"val_accuracy": 0.5}
        if len(study.trials) == 2:
            study.tell(1, 0.25)
        yield from run(params)

    search(study, space, beaten, trials=4, changed=nothing)
    assert study.trials[1].value == 0.25
    assert len(ended(study)) == 4


def test_a_study_of_something_else_is_refused(space: SearchSpace, storage: str) -> None:
    open_study(storage, "tune", {**space.identity(), "data": "one"})
    with pytest.raises(TuningError, match=r"study 'tune': found other params, data or knobs"):
        open_study(storage, "tune", {**space.identity(), "data": "other"})
    open_study(storage, "other", {**space.identity(), "data": "other"})


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        (
            "postgres://me:secret@host/base",
            "postgres://host/base: found an unknown kind of database; expected postgresql",
        ),
        ("postgresql://me:sec@ret@host/base", "postgresql://host/base: found no storage (an @ in the user or password"),
        ("postgresql://host/base?password=sec@ret", "postgresql://...: found no storage (an @ in the user or password"),
        ("postgresql://me:secret@host:none/base", "postgresql://host:none/base: found no storage (invalid literal"),
        (
            "sqlite:////nowhere/study.db",
            "sqlite:////nowhere/study.db: found no storage (unable to open",
        ),
    ],
)
def test_an_address_that_is_none_is_told_without_its_password(storage: str, message: str) -> None:
    with pytest.raises(TuningError) as caught:
        open_study(storage, "tune", {})
    assert str(caught.value).startswith(message)
    assert "ret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("scheme", "package"), [("postgresql", "psycopg[binary]"), ("mysql", "mysqlclient")])
def test_a_missing_driver_is_named(scheme: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("psycopg", "MySQLdb"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(TuningError, match=rf"^{scheme}://host/base: found no driver, the module ") as caught:
        open_study(f"{scheme}://me:secret@host/base", "tune", {})
    assert str(caught.value).endswith(f"; expected it installed: pip install '{package}'")


@pytest.mark.parametrize("content", ["hello", '{"a": 1}'])
def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "study.journal").write_text(content + "\n")
    for storage in (tmp_path / "study.journal", tmp_path / "study.journal/study.journal"):
        with pytest.raises(
            TuningError, match=r"study\.journal: found no storage \(.*\); expected a file or a database$"
        ):
            open_study(str(storage), "tune", {})


def test_a_database_that_breaks_in_the_search_ends_it_in_one_line(space: SearchSpace, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = open_study(storage, "tune", space.identity())

    def breaks(params: Params) -> Generator[Mapping[str, float]]:
        yield from run(params)
        with study._storage._backend.engine.begin() as connection:  # type: ignore[attr-defined]
            connection.exec_driver_sql("DROP TABLE trial_values")

    message = r"study\.db: found no storage \(no such table: trial_values\); expected a file or a database$"
    with pytest.raises(TuningError, match=message), storage_errors(storage):
        search(study, space, breaks, trials=2, changed=nothing)
    close(study)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "found no knobs"),
        ("train.rate: [1]", "train.rate: found an unknown knob"),
        ("embed.window: [1]", "embed.window: found an unknown knob"),
        ("model.embedding_dim: [8]", "model.embedding_dim: found in the search"),
        ("train.batch_size: 3", "train.batch_size: found 3; expected [a, b] or {low"),
        ("train.batch_size: {low: 3}", "expected [a, b] or {low"),
        ("train.batch_size: {low: 3, high: 1}", "expected a range from low to high"),
        ("train.batch_size: {low: 0, high: 3}", "train.batch_size: found 0; expected a whole number"),
        ("train.optimizer: [adam, admm]", "train.optimizer: found 'admm'; expected one of"),
        ("model.dropout_rate: {low: 0.1, high: 1.5}", "model.dropout_rate: found 1.5"),
    ],
)
def test_a_space_that_is_none_is_refused(space: SearchSpace, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "bad.yaml").write_text(content)
    with pytest.raises(ParamsError) as caught:
        load_search_space(tmp_path / "bad.yaml", space.base)
    assert str(caught.value).startswith(f"{tmp_path / 'bad.yaml'}: ")
    assert message in str(caught.value)


def test_the_space_of_the_project_has_its_params_and_every_knob_of_the_recipe() -> None:
    space = load_search_space(ROOT / "tune.yaml", load_params(ROOT / "params.yaml"))
    assert space.own() is not None
    names = {name.partition(".")[2] for name in space.distributions}
    recipe = {"learning_rate", "activation", "optimizer", "lstm_layers", "lstm_units", "dropout_rate", "batch_size"}
    assert names >= recipe | {"epochs", "l1", "l2"}


def test_params_outside_the_space_are_not_tried(space: SearchSpace) -> None:
    odd = space.params({"model.lstm_units": 5})
    assert SearchSpace(space.distributions, odd).own() is None
    assert SearchSpace(space.distributions, space.params({"train.optimizer": "nadam"})).own() is None


def invoke(folder: Path, *arguments: object) -> Result:
    options = ["--space", folder / "tune.yaml", "--params", folder / "params.yaml", "--data", folder]
    texts = [str(its) for its in ("tune", *options, "--storage", folder / "runs/study.journal", *arguments)]
    return CliRunner().invoke(commands.app, texts)


def test_the_command_tunes_and_ends_with_the_line_to_run(prepared: Path) -> None:
    (prepared / "tune.yaml").write_text("train.batch_size: [4, 8]\nmodel.activation: [tanh, sigmoid]\n")
    result = invoke(prepared, "--trials", 2)
    assert result.exit_code == 0, result.stderr
    assert re.search(r"^trial 0: done  [01]\.\d{4}  batch_size \d+  activation tanh$", result.stderr, re.MULTILINE)
    assert re.search(r"^best: trial [01], validation accuracy [01]\.\d{4}", result.stdout, re.MULTILINE)
    last = result.stdout.splitlines()[-1]
    assert re.fullmatch(r"dvc exp run -S train\.batch_size=[48] -S model\.activation=(tanh|sigmoid)", last)
    # It has what it wants already.
    assert invoke(prepared, "--trials", 2).stdout.splitlines()[-1] == last
    (prepared / "vocabulary.json").unlink()
    assert_refused(invoke(prepared), "vocabulary.json: found no such file")


def test_two_processes_share_a_study_from_its_beginning_on(space: SearchSpace, storage: str, tmp_path: Path) -> None:
    assert space.base
    assert_two_processes_share(storage, tmp_path)


def test_two_commands_share_a_study(prepared: Path) -> None:
    (prepared / "tune.yaml").write_text("train.batch_size: [4, 8]\nmodel.dropout_rate: {low: 0.0, high: 0.5}\n")
    options = ["--space", prepared / "tune.yaml", "--params", prepared / "params.yaml", "--data", prepared]
    storage = f"sqlite:///{prepared / 'study.db'}"
    command = [sys.executable, "-m", "imdb_sentiment.app.commands", "tune", *map(str, options), "--storage", storage]
    both = [subprocess.Popen([*command, "--trials", "4"], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    study = optuna.load_study(study_name="tune", storage=storage)
    assert 4 <= len(ended(study)) <= 5
    assert len({its.user_attrs["process"] for its in study.trials}) == 2
    assert {its.state for its in study.trials} <= {TrialState.COMPLETE, TrialState.PRUNED}


def remember_processes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    started: list[Any] = []

    class Remembered(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            started.append(self)

    monkeypatch.setattr(trial.subprocess, "Popen", Remembered)
    return started


def test_a_trial_that_diverges_or_is_killed_says_why(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = load_params(prepared / "params.yaml")
    diverging = params.model_copy(
        update={"train": params.train.model_copy(update={"learning_rate": 10.0, "optimizer": "sgd", "clip_norm": 0.0})}
    )
    model = diverging.model.model_copy(update={"activation": "relu", "l2": 1.0})
    long = diverging.train.model_copy(update={"epochs": 200})
    with pytest.raises(TrialError, match=r"found the \w+ (nan|inf); expected a number"):
        list(run_trial(diverging.model_copy(update={"model": model, "train": long}), prepared))

    killed = run_trial(params.model_copy(update={"train": params.train.model_copy(update={"epochs": 500})}), prepared)
    started = remember_processes(monkeypatch)
    assert "val_accuracy" in next(killed)
    started[0].send_signal(signal.SIGKILL)
    with pytest.raises(TrialError, match="killed by signal 9, for memory as a rule"):
        list(killed)


def test_a_trial_that_is_left_ends(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = load_params(prepared / "params.yaml")
    started = remember_processes(monkeypatch)
    left = run_trial(params.model_copy(update={"train": params.train.model_copy(update={"epochs": 500})}), prepared)
    next(left)
    left.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while started[0].poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert started[0].returncode == -signal.SIGKILL


def test_inputs_are_known_by_their_bytes(prepared: Path) -> None:
    before = identify_inputs(prepared)
    assert identify_inputs(prepared) == before
    (prepared / "vocabulary.json").write_text("{}")
    assert {name for name, its in identify_inputs(prepared).items() if its != before[name]} == {"vocabulary.json"}
    (prepared / "vocabulary.json").unlink()
    with pytest.raises(ArtifactError, match=r"vocabulary\.json: found no such file"):
        identify_inputs(prepared)


def test_the_table_has_the_running_trials_and_the_best(space: SearchSpace, tmp_path: Path) -> None:
    study = open_study(str(tmp_path / "study.journal"), "tune", space.identity())
    search(study, space, run, trials=4, changed=nothing)
    running = study.ask(space.distributions)
    running.set_user_attr("values", running.params)
    console = Console(width=140, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print(trials_table(study, 10))
    shown = console.export_text()
    assert "4 of 10 trials, 4 done" in shown
    cells = [[its.strip() for its in line.split("│")] for line in shown.splitlines()]
    rows = [row for row in cells if row[0].isdigit()]
    assert [row[1] for row in rows] == ["running", "done", "done", "done", "done"]
    accuracies = [float(row[2]) for row in rows[1:]]
    assert accuracies == sorted(accuracies, reverse=True)
    console.file.close()


def test_trials_are_told_in_lines_where_nobody_watches(
    space: SearchSpace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = open_study(str(tmp_path / "study.journal"), "tune", space.identity())
    with shown_trials(2) as changed:
        search(study, space, run, trials=2, changed=changed)
    said = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in said] == [f"trial {n}: {s}" for n in (0, 1) for s in ("running", "done")]
    monkeypatch.setenv("IMDB_SENTIMENT_VERBOSITY", "quiet")
    with shown_trials(3) as changed:
        search(study, space, run, trials=3, changed=changed)
    assert capsys.readouterr() == ("", "")


def test_the_knob_that_decides_is_the_most_important(space: SearchSpace, tmp_path: Path) -> None:
    study = open_study(str(tmp_path / "study.journal"), "tune", space.identity())
    for number in range(24):
        values = {
            "train.learning_rate": (0.002, 0.02, 0.08)[number % 3],
            "train.batch_size": (4, 8)[number // 3 % 2],
            "train.optimizer": ("adam", "sgd")[number // 6 % 2],
            "model.lstm_units": 2 + 2 * (number % 3),
            "model.dropout_rate": 0.0,
        }
        value = 0.9 - 0.3 * (values["train.optimizer"] == "sgd") - 0.01 * (number % 3)
        study.add_trial(optuna.trial.create_trial(params=values, distributions=space.distributions, value=value))
    found = result_of(study)
    assert found is not None
    assert max(found.importances, key=found.importances.__getitem__) == "train.optimizer"
    assert found.importances["train.optimizer"] > 0.8


def test_what_was_found_is_printed(space: SearchSpace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_result(None)
    assert capsys.readouterr().out == "No trial is complete yet.\n"
    study = open_study(str(tmp_path / "study.journal"), "tune", space.identity())
    search(study, space, run, trials=1, changed=nothing)
    print_result(Found(study.best_trial, {"train.optimizer": 0.75, "train.learning_rate": 0.25}))
    out = capsys.readouterr().out
    assert re.search(r"train\.optimizer +│ +0\.75", out)
    assert out.splitlines()[-1].startswith("dvc exp run -S ")
