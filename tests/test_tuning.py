"""The search for better params: what it tries and finds, and what it survives."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from rich.console import Console
from typer.testing import CliRunner, Result

from imdb_sentiment.app import commands
from imdb_sentiment.runtime.errors import ArtifactError, ParamsError, TrialError, TuningError
from imdb_sentiment.runtime.params import Params, load_params
from imdb_sentiment.tuning.search import ended, knob_importances, pipeline_command, search
from imdb_sentiment.tuning.search_space import SearchSpace, load_search_space, values_of
from imdb_sentiment.tuning.study import open_study, storage_errors
from imdb_sentiment.tuning.trial import identify_inputs, run_trial
from imdb_sentiment.tuning.view import print_result, shown_trials, trials_table
from tests.factories import ROOT, write_params
from tests.searches import assert_two_processes_share, ignore, opened_study, run, search_space
from tests.stage_runs import assert_refused, full_disk


@pytest.fixture
def space(tmp_path: Path) -> SearchSpace:
    return search_space(tmp_path)


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return str(tmp_path / "runs/tune.db")


@pytest.fixture
def study(storage: str, space: SearchSpace) -> Iterator[optuna.Study]:
    with opened_study(storage, space) as opened:
        yield opened


def test_search_tries_params_first_and_finds_best(study: optuna.Study, space: SearchSpace) -> None:
    search(study, space, run, trials=10, changed=ignore)
    base = space.base
    assert values_of(study.trials[0]) == {
        "train.learning_rate": base.train.learning_rate,
        "train.batch_size": base.train.batch_size,
        "train.optimizer": base.train.optimizer,
        "model.lstm_units": base.model.lstm_units,
        "model.dropout_rate": base.model.dropout_rate,
    }
    best = study.best_trial
    values = values_of(best)
    assert values["train.optimizer"] == "adam"
    assert best.value == pytest.approx(0.9 - abs(values["train.learning_rate"] - 0.05))
    assert set(knob_importances(study)) == set(space.distributions)
    assert sum(knob_importances(study).values()) == pytest.approx(1)
    assert f" -S train.learning_rate={values['train.learning_rate']} " in pipeline_command(best)
    assert len(str(values["train.learning_rate"])) <= len("0.00123")


def test_hopeless_trial_is_pruned_after_its_first_epoch(study: optuna.Study, space: SearchSpace) -> None:
    epochs: list[int] = []

    def worse_each_time(_: Params) -> Generator[Mapping[str, float]]:
        number = len(epochs)
        epochs.append(0)
        for epoch in (1, 2, 3):
            epochs[number] = epoch
            yield {"val_accuracy": epoch / 10 / (number + 1)}

    search(study, space, worse_each_time, trials=12, changed=ignore)
    pruned = [trial.number for trial in study.trials if trial.state is TrialState.PRUNED]
    assert pruned
    assert all(epochs[number] >= 2 for number in pruned)


def test_failed_trial_keeps_its_reason_and_search_goes_on(study: optuna.Study, space: SearchSpace) -> None:
    def run_or_fail(params: Params) -> Generator[Mapping[str, float]]:
        yield from run(params)
        if len(study.trials) % 2:
            raise TrialError("epoch 3: found the loss nan; expected a number")

    search(study, space, run_or_fail, trials=4, changed=ignore)
    reasons = [trial.user_attrs["reason"] for trial in study.trials if trial.state is TrialState.FAIL]
    assert reasons == ["epoch 3: found the loss nan; expected a number"] * 2
    assert len(ended(study)) == 4


def test_search_stops_after_five_failures(study: optuna.Study, space: SearchSpace) -> None:
    def fail(_: Params) -> Generator[Mapping[str, float]]:
        raise TrialError("out of luck")
        yield {}

    with pytest.raises(TuningError, match=r"found 5 failed trials in a row, the last: out of luck"):
        search(study, space, fail, trials=50, changed=ignore)
    assert len(study.trials) == 5


def test_interrupted_trial_is_tried_again_once(study: optuna.Study, space: SearchSpace) -> None:
    def interrupt_first_values(params: Params) -> Generator[Mapping[str, float]]:
        yield {"val_accuracy": 0.5}
        if params == space.base:
            raise KeyboardInterrupt
        yield from run(params)

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            search(study, space, interrupt_first_values, trials=3, changed=ignore)
    assert [values_of(trial) for trial in study.trials] == [values_of(study.trials[0])] * 2
    assert not ended(study)
    search(study, space, interrupt_first_values, trials=3, changed=ignore)
    assert len(ended(study)) == 3


def search_until_killed(storage: str, folder: Path, running: Path) -> None:
    space = search_space(folder)

    def hang(_: Params) -> Generator[Mapping[str, float]]:
        yield {"val_accuracy": 0.5}
        time.sleep(1)  # a heartbeat is recorded
        running.touch()
        time.sleep(60)

    with opened_study(storage, space) as study:
        search(study, space, hang, trials=3, changed=ignore)


def test_trial_of_killed_process_is_tried_again(storage: str, space: SearchSpace, tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    arguments = (storage, tmp_path / "killed", tmp_path / "running")
    process = multiprocessing.get_context("spawn").Process(target=search_until_killed, args=arguments)
    process.start()
    while not (tmp_path / "running").exists():
        assert process.is_alive()
        time.sleep(0.05)
    process.kill()
    process.join()
    time.sleep(4.5)  # the study waits for three seconds, and counts whole ones
    with opened_study(storage, space) as study:
        search(study, space, run, trials=3, changed=ignore)
        assert [trial.state for trial in study.trials] == [TrialState.FAIL, *[TrialState.COMPLETE] * 3]
        assert values_of(study.trials[1]) == values_of(study.trials[0])


def test_trial_ended_by_another_process_is_left_alone(study: optuna.Study, space: SearchSpace) -> None:
    def run_and_lose(params: Params) -> Generator[Mapping[str, float]]:
        yield {"val_accuracy": 0.5}
        if len(study.trials) == 1:
            study.tell(0, 0.25)
        yield from run(params)
        if len(study.trials) == 2:
            study.tell(1, 0.125)

    search(study, space, run_and_lose, trials=4, changed=ignore)
    assert [trial.value for trial in study.trials[:2]] == [0.25, 0.125]
    assert len(ended(study)) == 4


def test_search_begins_no_trial_after_its_time(study: optuna.Study, space: SearchSpace) -> None:
    search(study, space, run, trials=10, seconds=0, changed=ignore)
    assert [trial.state for trial in study.trials] == [TrialState.WAITING]


def test_two_processes_share_study(storage: str, tmp_path: Path) -> None:
    assert_two_processes_share(storage, tmp_path)


def test_full_disk_ends_search_and_study_goes_on(storage: str, space: SearchSpace) -> None:
    with (
        opened_study(storage, space) as study,
        full_disk(Path(storage).stat().st_size),
        pytest.raises(TuningError, match=r"runs/tune\.db: found no storage \(.*disk.*\); expected"),
        storage_errors(storage),
    ):
        search(study, space, run, trials=500, changed=ignore)
    with opened_study(storage, space) as study:
        wanted = len(ended(study)) + 2
        search(study, space, run, trials=wanted, changed=ignore)
        assert len(ended(study)) == wanted


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({"params": {"train": {"epochs": 2, "seed": 0}}}, "train.epochs 1 instead of 2"),
        ({"data": {"sequences.npz": "2"}}, "another file sequences.npz"),
        ({"knobs": {"train.epochs": "c"}, "data": {}}, "another file sequences.npz; another range of train.epochs"),
        (
            {"params": {"train": dict.fromkeys(("a", "b", "epochs", "seed"), 3)}},
            "train.a None instead of 3; train.b None instead of 3; train.epochs 1 instead of 3 and 1 more",
        ),
    ],
)
def test_study_of_something_else_is_refused(storage: str, other: dict[str, object], found: str) -> None:
    identity: dict[str, object] = {
        "params": {"train": {"epochs": 1, "seed": 0}},
        "knobs": {"train.epochs": "a, b"},
        "data": {"sequences.npz": "1"},
    }
    open_study(storage, "tune", identity)
    open_study(storage, "tune", identity)
    with pytest.raises(TuningError, match=rf"^study 'tune': found trials with {found}; expected the same"):
        open_study(storage, "tune", {**identity, **other})


def test_identity_is_of_knobs_and_of_params_beside_them(space: SearchSpace, tmp_path: Path) -> None:
    same, other = (
        SearchSpace(space.distributions, load_params(write_params(tmp_path / "other.yaml", changes)))
        for changes in ({"train.batch_size": "4"}, {"train.epochs": "2"})
    )
    assert other.identity()["params"] != same.identity()["params"]
    assert other.identity()["knobs"] == same.identity()["knobs"] == space.identity()["knobs"]


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ("postgres://me:secret@host/base", "postgres://me:***@host/base: found no storage (Can't load plugin"),
        ("postgresql://me:sec@ret@host/base", "postgresql://...: found no address of a database; expected postgresql"),
        ("postgresql://host:1/base?password=sec@ret", "postgresql://...: found no address of a database"),
        ("postgresql://me:secret@host:none/base", "postgresql://...: found no address of a database"),
        ("postgresql://me:{secret}@127.0.0.1:1/base?password=secret", "postgresql://me:***@127.0.0.1:1/base: found no"),
        ("sqlite:////nowhere/study.db", "sqlite:////nowhere/study.db: found no storage (unable to open"),
        ("/dev/null/study.db", "/dev/null/study.db: found no storage ("),
        (__file__, f"{__file__}: found no storage (file is not a database)"),
    ],
)
def test_bad_address_is_refused_in_one_line_without_password(storage: str, message: str) -> None:
    with pytest.raises(TuningError) as caught:
        open_study(storage, "tune", {})
    assert str(caught.value).startswith(message)
    assert "ret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(TuningError, match=r"found no driver, the module psycopg; expected it installed: pip install"):
        open_study("postgresql://me:secret@host/base", "tune", {})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "found no knobs"),
        ("train.rate: [1]", "train.rate: found an unknown knob"),
        ("train: [1]", "train: found an unknown knob"),
        ("train.epochs.more: [1]", "train.epochs.more: found an unknown knob"),
        ("model.embedding_dim: [8]", "model.embedding_dim: found in the search"),
        ("train.batch_size: 3", "train.batch_size: found 3 (neither choices nor a range); expected [a, b] or {low"),
        ("train.batch_size: {low: 1, high: 3, steps: 1}", "'steps'"),
        ("train.batch_size: {low: 3, high: 1}", "`low <= high` must hold"),
        ("train.batch_size: {low: 0, high: 3}", "train.batch_size: found 0; expected"),
        ("train.optimizer: [adam, admm]", "train.optimizer: found 'admm'; expected"),
    ],
)
def test_bad_search_space_is_refused(space: SearchSpace, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "bad.yaml").write_text(content)
    with pytest.raises(ParamsError, match=f"^{re.escape(str(tmp_path / 'bad.yaml'))}: .*{re.escape(message)}"):
        load_search_space(tmp_path / "bad.yaml", space.base)


def test_search_space_of_project_contains_its_params() -> None:
    assert load_search_space(ROOT / "tune.yaml", load_params(ROOT / "params.yaml")).first_trial() is not None


@pytest.mark.parametrize("changes", [{"model.lstm_units": "5"}, {"train.optimizer": "nadam"}])
def test_params_outside_space_are_not_tried(space: SearchSpace, tmp_path: Path, changes: dict[str, str]) -> None:
    params = load_params(write_params(tmp_path / "other.yaml", changes))
    assert SearchSpace(space.distributions, params).first_trial() is None


def invoke(folder: Path, *arguments: object) -> Result:
    options = ["--space", folder / "tune.yaml", "--params", folder / "params.yaml", "--data", folder / "data"]
    texts = [str(part) for part in ("tune", *options, "--storage", folder / "runs/tune.db", *arguments)]
    return CliRunner().invoke(commands.app, texts)


def test_command_tunes_and_prints_command_to_run(prepared: Path) -> None:
    (prepared / "tune.yaml").write_text("train.batch_size: [4, 8]\nmodel.activation: [tanh, sigmoid]\n")
    result = invoke(prepared, "--trials", 1)
    assert result.exit_code == 0, result.stderr
    assert re.search(r"^trial 0: done  [01]\.\d{4}  batch_size 8  activation tanh$", result.stderr, re.MULTILINE)
    assert re.search(r"^best: trial 0, validation accuracy [01]\.\d{4}", result.stdout, re.MULTILINE)
    last = result.stdout.splitlines()[-1]
    assert last == "dvc exp run -S train.batch_size=8 -S model.activation=tanh"
    # A second one finds the trial that it wants.
    again = invoke(prepared, "--trials", 1)
    assert (again.stdout.splitlines()[-1], again.stderr) == (last, "")


def test_command_checks_input_before_heavy_imports(space: SearchSpace, tmp_path: Path) -> None:
    assert_refused(invoke(tmp_path), f"{tmp_path}/data/sequences.npz: found no such file")
    (tmp_path / "tune.yaml").write_text("train.rate: [1]")
    script = (
        "import sys; from imdb_sentiment.app.commands import app; app(standalone_mode=False);"
        "print(sorted({'sqlalchemy', 'sklearn', 'scipy', 'tensorflow', 'keras'} & set(sys.modules)))"
    )
    options = ["tune", "--space", str(tmp_path / "tune.yaml"), "--params", str(tmp_path / "params.yaml")]
    result = subprocess.run([sys.executable, "-c", script, *options], capture_output=True, text=True, check=False)
    assert "train.rate: found an unknown knob" in result.stderr
    assert result.stdout == "[]\n"
    assert space.distributions


def run_script(script: str, params: Params, folder: Path) -> Generator[Mapping[str, float]]:
    """Run a trial whose process executes `script` instead of a fit."""
    return run_trial(params, folder, (sys.executable, "-c", f"import os, sys, time\n{script}"))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("sys.exit('Note.\\nerror: epoch 1: found the loss nan')", r"^epoch 1: found the loss nan$"),
        ("sys.stderr.write(('x' * 79 + '\\n') * (1 << 14)); sys.exit('after a megabyte')", r"^after a megabyte$"),
        ("sys.exit(3)", r"^exit code 3$"),
        ("os.kill(os.getpid(), 9)", r"^killed by signal 9, usually for lack of memory$"),
        ("print('hello')", r"^the process printed something else than metrics"),
    ],
)
def test_failed_process_says_why(space: SearchSpace, tmp_path: Path, script: str, message: str) -> None:
    metrics = run_script(f"""print('{{"val_accuracy": 0.5}}', flush=True)\n{script}""", space.base, tmp_path)
    assert next(metrics) == {"val_accuracy": 0.5}
    with pytest.raises(TrialError, match=message):
        next(metrics)


def test_closed_trial_ends_its_process(space: SearchSpace, tmp_path: Path) -> None:
    script = """print(f'{{"process": {os.getpid()}}}', flush=True); time.sleep(60)"""
    metrics = run_script(script, space.base, tmp_path)
    process = int(next(metrics)["process"])
    os.kill(process, 0)
    metrics.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, signal.SIGTERM)


def test_inputs_are_identified_by_their_bytes(tmp_path: Path) -> None:
    for name in ("sequences.npz", "vocabulary.json", "embeddings.npz", "channels.npz", "polarity.npz"):
        (tmp_path / name).write_text(name)
    before = identify_inputs(tmp_path)
    (tmp_path / "vocabulary.json").write_text("{}")
    after = identify_inputs(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"vocabulary.json"}
    (tmp_path / "vocabulary.json").unlink()
    with pytest.raises(ArtifactError, match=r"vocabulary\.json: found no such file"):
        identify_inputs(tmp_path)


def render(study: optuna.Study, width: int) -> list[str]:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(trials_table(study, 9, width))
    return capture.get().splitlines()


def test_table_shows_running_trial_then_best(study: optuna.Study, space: SearchSpace) -> None:
    tables = []
    search(study, space, run, trials=5, changed=lambda study: tables.append(render(study, width=120)))
    assert tables[-1][0] == "5 of 9 trials, 5 done"
    title, *lines = tables[-3]  # before the last epoch is reported
    assert title == "4 of 9 trials, 4 done"
    rows = [re.split(r" {2,}", line.strip()) for line in lines]
    best_first = sorted(study.trials[:4], key=lambda trial: trial.value or 0, reverse=True)
    assert rows[:2] == [
        ["trial", "4", *(str(trial.number) for trial in best_first)],
        ["running", "done", "done", "done", "done"],
    ]
    assert rows[2] == ["accuracy", rows[2][1], *(f"{trial.value:.4f}" for trial in best_first)]
    assert rows[3] == ["epochs", "2", "3", "3", "3", "3"]
    assert {row[0]: row[2] for row in rows[5:]} == {
        name.partition(".")[2]: str(value) for name, value in values_of(best_first[0]).items()
    }


@pytest.mark.parametrize("width", [40, 80, 120])
def test_table_breaks_no_word(study: optuna.Study, space: SearchSpace, width: int) -> None:
    search(study, space, run, trials=12, changed=ignore)
    lines = render(study, width)
    assert max(map(len, lines)) <= width
    assert [line.split(" ")[0] for line in lines[6:]] == [name.partition(".")[2] for name in space.distributions]
    optimizers = next(line for line in lines if line.startswith("optimizer")).split()[1:]
    assert set(optimizers) <= {"adam", "sgd"}
    assert len(optimizers) >= {40: 2, 80: 7, 120: 11}[width]


def test_trials_are_shown_as_lines_table_or_nothing(
    study: optuna.Study, space: SearchSpace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with shown_trials(2) as changed:
        search(study, space, run, trials=2, changed=changed)
    printed = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in printed] == [
        f"trial {number}: {state}" for number in (0, 1) for state in ("running", "done")
    ]
    monkeypatch.setenv("FORCE_COLOR", "1")  # by which rich takes it for a terminal
    with shown_trials(3) as changed:
        search(study, space, run, trials=3, changed=changed)
    assert "accuracy" in capsys.readouterr().err
    monkeypatch.setenv("IMDB_SENTIMENT_VERBOSITY", "quiet")
    with shown_trials(4) as changed:
        search(study, space, run, trials=4, changed=changed)
    assert capsys.readouterr() == ("", "")


def test_result_is_printed(study: optuna.Study, space: SearchSpace, capsys: pytest.CaptureFixture[str]) -> None:
    print_result(study)
    assert capsys.readouterr().out == "No trial is complete yet.\n"
    search(study, space, run, trials=5, changed=ignore)
    print_result(study)
    out = capsys.readouterr().out
    assert re.search(r"train\.optimizer +│ +[01]\.\d\d", out)
    assert f"best: trial {study.best_trial.number}, validation accuracy {study.best_value:.4f}" in out
    assert out.splitlines()[-1] == pipeline_command(study.best_trial)
