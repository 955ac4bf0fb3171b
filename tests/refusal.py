"""What the tests of bad input share: each stage's command line, and that a refusal leaves the old outputs alone."""

import functools
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from typer.testing import Result

from stages import baseline, behaviour, embed, evaluate, export, ingest, polarity, preprocess, train
from tests.conftest import (
    assert_refused,
    run_stage,
    snapshot,
    write_folder,
)

# Each stage with its outputs in `folder`, where `prepared` and `trained` keep its inputs.


def run_ingest(source: Path, folder: Path) -> Result:
    return run_stage(ingest.app, source, folder / "reviews.parquet", folder / "data.json")


def run_preprocess(folder: Path) -> Result:
    names = ("reviews.parquet", "sequences.npz", "vocabulary.json")
    return run_stage(preprocess.app, *(folder / name for name in names), "--params", folder / "params.yaml")


def run_embed(folder: Path) -> Result:
    names = ("reviews.parquet", "sequences.npz", "vocabulary.json", "embeddings.npz")
    return run_stage(embed.app, *(folder / name for name in names), "--params", folder / "params.yaml")


def run_polarity(folder: Path) -> Result:
    names = ("reviews.parquet", "sequences.npz", "vocabulary.json", "polarity.npz", "channels.npz")
    return run_stage(polarity.app, *(folder / name for name in names), "--params", folder / "params.yaml")


def run_train(folder: Path) -> Result:
    names = ("sequences.npz", "vocabulary.json", "embeddings.npz", "channels.npz", "model", "curves")
    return run_stage(train.app, *(folder / name for name in names), "--params", folder / "params.yaml")


def run_baseline(folder: Path) -> Result:
    names = ("reviews.parquet", "sequences.npz", "baseline.json", "baseline_behaviour.json", "baseline.csv")
    return run_stage(baseline.app, *(folder / name for name in names))


def run_evaluate(folder: Path) -> Result:
    names = ("model", "sequences.npz", "channels.npz", "baseline.csv", "metrics.json", "plots", "predictions.csv")
    return run_stage(evaluate.app, *(folder / name for name in names))


def run_behaviour(folder: Path) -> Result:
    names = ("model", "vocabulary.json", "polarity.npz", "reviews.parquet", "behaviour.json")
    return run_stage(behaviour.app, *(folder / name for name in names))


def run_export(folder: Path) -> Result:
    names = (
        "model",
        "vocabulary.json",
        "polarity.npz",
        "reviews.parquet",
        "predictions.csv",
        "exported",
        "export.json",
    )
    return run_stage(export.app, *(folder / name for name in names))


def add_old_outputs(folder: Path) -> None:
    """Put a file, or a folder with a file, at each place to which a stage writes and which is still free."""
    for name in (
        "reviews.parquet",
        "data.json",
        "sequences.npz",
        "vocabulary.json",
        "embeddings.npz",
        "polarity.npz",
        "channels.npz",
        "baseline.json",
        "baseline_behaviour.json",
        "baseline.csv",
        "metrics.json",
        "predictions.csv",
        "behaviour.json",
        "export.json",
    ):
        if not (folder / name).exists():
            write_folder(folder, {name: b"old " + name.encode()})
    for name in ("model", "curves", "plots", "exported"):
        if not (folder / name).exists():
            write_folder(folder, {f"{name}/old": b"old " + name.encode()})


def assert_refused_untouched(stage: Callable[[Path], Result], folder: Path, *parts: str, code: int = 1) -> None:
    add_old_outputs(folder)
    before = snapshot(folder)

    result = stage(folder)

    assert_refused(result, *parts, code=code)
    assert snapshot(folder) == before


def assert_source_refused(source: Path, tmp_path: Path, *parts: str) -> None:
    """Check that ingest refuses `source`, both where there are old outputs and where there are none."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "old").mkdir()
    stage = functools.partial(run_ingest, source)
    assert_refused_untouched(stage, tmp_path / "old", str(source), *parts)

    assert_refused(stage(tmp_path / "empty"), str(source), *parts)
    assert snapshot(tmp_path / "empty") == {}


def without_checkpoints(found: dict[str, bytes | None]) -> dict[str, bytes | None]:
    """Return a snapshot without what a stopped train goes on from, which is no output of it."""
    return {path: content for path, content in found.items() if not path.startswith("checkpoints")}


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes, for the superuser neither: writing fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def assert_full_disk_refused(stage: Callable[[Path], Result], folder: Path, size: int) -> None:
    add_old_outputs(folder)
    before = snapshot(folder)

    with full_disk(size):
        result = stage(folder)

    assert_refused(result, str(folder), "cannot be written")
    assert snapshot(folder) == before
