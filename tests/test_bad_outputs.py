"""The disk is full, or a place cannot be written to."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from stages import evaluate, ingest, preprocess, train
from tests.conftest import (
    assert_refused,
    run_stage,
    snapshot,
    write_folder,
)
from tests.refusal import (
    add_old_outputs,
    assert_full_disk_refused,
    full_disk,
    run_baseline,
    run_behaviour,
    run_embed,
    run_evaluate,
    run_export,
    run_ingest,
    run_polarity,
    run_preprocess,
    run_train,
    without_checkpoints,
)


@pytest.mark.parametrize("size", [0, 100, 2000])
def test_ingest_on_a_full_disk_leaves_the_old_outputs(tmp_path: Path, corpus: Path, size: int) -> None:
    (tmp_path / "out").mkdir()

    assert_full_disk_refused(functools.partial(run_ingest, corpus), tmp_path / "out", size)


@pytest.mark.parametrize("size", [0, 1000])
def test_preprocess_on_a_full_disk_leaves_the_old_outputs(prepared: Path, size: int) -> None:
    assert_full_disk_refused(run_preprocess, prepared, size)


def test_train_on_a_full_disk_leaves_the_old_outputs(prepared: Path) -> None:
    add_old_outputs(prepared)
    before = snapshot(prepared)
    with full_disk(500):
        result = run_train(prepared)

    assert_refused(result, str(prepared), "cannot be written")
    assert without_checkpoints(snapshot(prepared)) == before


def test_train_in_a_dvc_repository_on_a_full_disk_leaves_the_old_outputs(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There dvclive opens DVC's databases, which need room on the disk before anything of ours is written."""
    from dvc.repo import Repo

    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(prepared / "site"))
    monkeypatch.chdir(prepared)
    Repo.init(no_scm=True).close()

    add_old_outputs(prepared)
    before = snapshot(prepared)
    with full_disk(500):
        result = run_train(prepared)

    assert_refused(result, str(prepared), "cannot be written")
    after = snapshot(prepared)
    assert {name: after.get(name) for name in before if not name.startswith((".dvc", "site"))} == {
        name: content for name, content in before.items() if not name.startswith((".dvc", "site"))
    }


@pytest.mark.parametrize("stage", [run_embed, run_polarity, run_baseline, run_behaviour, run_export])
def test_the_other_stages_on_a_full_disk_leave_the_old_outputs(exported: Path, stage: Callable[[Path], Result]) -> None:
    assert_full_disk_refused(stage, exported, 100)


@pytest.mark.parametrize("size", [0, 500])
def test_evaluate_on_a_full_disk_leaves_the_old_outputs(trained: Path, size: int) -> None:
    assert_full_disk_refused(run_evaluate, trained, size)


def test_evaluate_with_a_full_temporary_folder_too_leaves_the_old_outputs(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)  # as in a new process, which looks for a folder that takes a file

    assert_full_disk_refused(run_evaluate, trained, 0)


def _unwritable(tmp_path: Path) -> list[Path]:
    """Return places that neither an ordinary user nor the superuser can write to."""
    (tmp_path / "file").write_bytes(b"")
    return [tmp_path / "file" / "out", Path("/proc/out")]


def test_ingest_with_a_place_that_cannot_be_written_to_leaves_the_other_output(tmp_path: Path, corpus: Path) -> None:
    old = write_folder(tmp_path / "old", {"out": b"old"}) / "out"
    for place in _unwritable(tmp_path):
        for reviews, summary in ((place, old), (old, place)):
            outputs = ("--reviews", reviews, "--data-summary", summary)
            assert_refused(run_stage(ingest.app, "--source", corpus, *outputs), str(place))
    assert snapshot(tmp_path / "old") == {"out": b"old"}


def test_ingest_onto_a_folder_leaves_the_other_output(tmp_path: Path, corpus: Path) -> None:
    old = write_folder(tmp_path / "old", {"data.json": b"old", "reviews.parquet/kept": b"old"})
    before = snapshot(old)

    assert_refused(run_ingest(corpus, old), str(old / "reviews.parquet"))
    assert snapshot(old) == before


def test_preprocess_with_a_place_that_cannot_be_written_to_leaves_the_other_output(
    prepared: Path, tmp_path: Path
) -> None:
    reviews, params = prepared / "reviews.parquet", prepared / "params.yaml"
    old = write_folder(tmp_path / "old", {"out": b"old"}) / "out"
    for place in _unwritable(tmp_path):
        assert_refused(
            run_stage(preprocess.app, reviews, place, old, "--params", params), str(place.parent), place.name
        )
        assert_refused(
            run_stage(preprocess.app, reviews, old, place, "--params", params), str(place.parent), place.name
        )
    assert snapshot(tmp_path / "old") == {"out": b"old"}


def test_train_with_a_place_that_cannot_be_written_to_leaves_the_other_output(prepared: Path, tmp_path: Path) -> None:
    names = ("sequences.npz", "vocabulary.json", "embeddings.npz", "channels.npz")
    inputs, params = [prepared / name for name in names], prepared / "params.yaml"
    old = write_folder(tmp_path / "old", {"out/kept": b"old"}) / "out"
    place = _unwritable(tmp_path)[0]
    assert_refused(run_stage(train.app, *inputs, place, old, "--params", params), str(place))
    assert_refused(run_stage(train.app, *inputs, old, place, "--params", params), str(place))
    assert snapshot(tmp_path / "old") == {"out": None, "out/kept": b"old"}


def test_evaluate_with_a_place_that_cannot_be_written_to_leaves_the_other_outputs(
    trained: Path, tmp_path: Path
) -> None:
    old = write_folder(tmp_path / "old", {"metrics": b"old", "plots/kept": b"old", "predictions": b"old"})
    before = snapshot(old)
    for place in _unwritable(tmp_path):
        for position in range(3):
            outputs = [old / "metrics", old / "plots", old / "predictions"]
            outputs[position] = place
            names = ("model", "sequences.npz", "channels.npz", "baseline.csv")
            result = run_stage(evaluate.app, *(trained / name for name in names), *outputs)
            assert_refused(result, str(place.parent))
            assert snapshot(old) == before
