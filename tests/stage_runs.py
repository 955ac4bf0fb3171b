"""Running stages in a workspace, and checking that bad input is refused and leaves the old outputs alone.

A workspace is a folder laid out as the project is: params.yaml, data/ and metrics/. Stages run there with their
default paths.
"""

import resource
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from importlib import import_module
from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from tests.factories import snapshot, write_folder

# What each stage writes, with the default paths.
OUTPUTS = {
    "ingest": ("data/reviews.parquet", "metrics/data.json"),
    "preprocess": ("data/sequences.npz", "data/vocabulary.json"),
    "embed": ("data/embeddings.npz",),
    "polarity": ("data/polarity.npz", "data/channels.npz"),
    "train": (
        "data/trained/model.json",
        "data/trained/weights.npz",
        "metrics/training/member_1.csv",
        "metrics/training/member_2.csv",
        "metrics/validation.json",
        "metrics/training.json",
    ),
    "baseline": (
        "metrics/baseline.json",
        "metrics/baseline_behaviour.json",
        "metrics/baseline_behaviour_details.json",
        "data/baseline.csv",
    ),
    "evaluate": (
        "metrics/metrics.json",
        "metrics/evaluation.json",
        "metrics/plots/calibration.json",
        "metrics/plots/precision_recall.json",
        "metrics/plots/roc.json",
        "data/predictions.csv",
    ),
    "export": (
        "data/model/model.onnx",
        "data/model/polarity.npz",
        "data/model/settings.json",
        "data/model/vocabulary.json",
        "metrics/export.json",
    ),
    "behaviour": ("metrics/behaviour.json", "metrics/behaviour_details.json"),
    "report": ("data/report.html", "data/model/README.md"),
}


def invoke(app: typer.Typer, *arguments: object) -> Result:
    """Run a command line in this process, through its real parser."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_stage(name: str, workspace: Path, *options: object) -> Result:
    """Run `python -m stages.NAME OPTIONS` in `workspace`, in this process."""
    with chdir(workspace):
        return invoke(import_module(f"stages.{name}").app, *options)


def run_stages(workspace: Path, *names: str) -> None:
    """Run these stages one after the other; each must succeed."""
    for name in names:
        result = run_stage(name, workspace)
        assert result.exit_code == 0, f"{name}: {result.stderr}"


def assert_refused(result: Result, *parts: str, code: int = 1) -> None:
    """Check that a command ended in one line on standard error, with all of `parts` in it, and with `code`.

    Progress may stand before it.
    """
    assert result.exit_code == code, (result.exit_code, result.stderr, result.exception)
    assert "Traceback" not in result.stderr
    *before, last = result.stderr.splitlines() or [""]
    assert last.startswith("error: ")
    assert not any(line.startswith("error: ") for line in before), result.stderr
    for part in parts:
        assert part in last, last


def assert_stage_refuses(name: str, workspace: Path, *parts: str, options: tuple[object, ...] = ()) -> None:
    """Check that a stage refuses what it is given, in one line with `parts`, and changes no file."""
    add_old_outputs(workspace)
    before = snapshot(workspace)

    result = run_stage(name, workspace, *options)

    assert_refused(result, *parts)
    assert snapshot(workspace) == before


def assert_full_disk_refused(name: str, workspace: Path, size: int) -> None:
    """Check that a stage that cannot write more than `size` bytes to a file says so and changes no file."""
    add_old_outputs(workspace)
    before = snapshot(workspace)

    with full_disk(size):
        result = run_stage(name, workspace)

    assert_refused(result, "cannot be written")
    assert without_checkpoints(snapshot(workspace)) == without_checkpoints(before)


def add_old_outputs(workspace: Path) -> None:
    """Put a file where each stage writes and nothing stands yet."""
    for name in (path for paths in OUTPUTS.values() for path in paths):
        if not (workspace / name).exists():
            write_folder(workspace, {name: b"old " + name.encode()})


def without_checkpoints(found: dict[str, bytes | None]) -> dict[str, bytes | None]:
    """Return a snapshot without the checkpoints of a stopped fit, which are not an output."""
    return {path: content for path, content in found.items() if not path.startswith("data/checkpoints")}


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes, for the superuser too: writing fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
