"""Fetch from its command line, and Ctrl-C in each stage."""

import functools
import hashlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from rich.console import Console
from typer.testing import Result

from imdb_sentiment.artifacts import reviews as reviews_module
from imdb_sentiment.corpus import download
from imdb_sentiment.runtime import console as console_module
from imdb_sentiment.runtime.progress import Progress, Task
from stages import baseline, embed, evaluate, fetch, ingest, polarity, preprocess, train
from tests.conftest import (
    Website,
    assert_refused,
    corpus_files,
    run_stage,
    snapshot,
    write_folder,
    write_params,
)
from tests.imports import ROOT
from tests.refusal import (
    add_old_outputs,
    assert_full_disk_refused,
    assert_refused_untouched,
    full_disk,
    run_baseline,
    run_embed,
    run_evaluate,
    run_ingest,
    run_polarity,
    run_preprocess,
    run_train,
    without_checkpoints,
)


@pytest.fixture
def fetch_from_here(website: Website, monkeypatch: pytest.MonkeyPatch) -> Website:
    """Let the stage fetch a small archive from this machine; `website.serve("archive", ...)` may change it."""
    content = bytes(range(256)) * 1000
    urls = (website.serve("archive", content), f"{website.address}/mirror")
    fetch_archive = functools.partial(download.fetch_archive, urls=urls, sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(download, "fetch_archive", fetch_archive)
    return website


def _fetch(folder: Path) -> Result:
    return run_stage(fetch.app, "--archive", folder / "archive.tar.gz")


def test_fetch_takes_what_is_right(tmp_path: Path, fetch_from_here: Website) -> None:
    assert _fetch(tmp_path).exit_code == 0
    assert snapshot(tmp_path) == {"archive.tar.gz": fetch_from_here.answers["/archive"][1]}


def test_fetch_of_another_file_is_refused(tmp_path: Path, fetch_from_here: Website) -> None:
    fetch_from_here.serve("archive", b"another file")

    addresses = (f"{fetch_from_here.address}/archive", f"{fetch_from_here.address}/mirror")
    assert_refused_untouched(_fetch, tmp_path, str(tmp_path / "archive.tar.gz"), *addresses, "data.source", "make demo")


def test_fetch_refuses_and_keeps_another_file_that_is_there(tmp_path: Path, fetch_from_here: Website) -> None:
    (tmp_path / "archive.tar.gz").write_bytes(b"another file")

    assert_refused_untouched(_fetch, tmp_path, str(tmp_path / "archive.tar.gz"), "found", "expected")
    assert fetch_from_here.requests == []


@pytest.mark.parametrize("size", [0, 100_000])
def test_fetch_on_a_full_disk_leaves_nothing(tmp_path: Path, fetch_from_here: Website, size: int) -> None:
    with full_disk(size):
        result = _fetch(tmp_path)

    assert_refused(result, str(tmp_path / "archive.tar.gz"), "cannot be written")
    assert snapshot(tmp_path) == {}
    assert fetch_from_here.requests == ["/archive"]  # the mirror would fill the disk no less


def _interrupted_at(step: int) -> Progress:
    """Return a progress that is interrupted, as by Ctrl-C, when the work reports its `step`-th unit."""
    steps = iter(range(1, step + 1))

    class Interrupting:
        def advance(self, amount: int = 1, note: str = "") -> None:
            del amount, note
            if next(steps) == step:
                raise KeyboardInterrupt

    @contextmanager
    def progress(description: str, total: int | None, unit: str) -> Iterator[Task]:
        with console_module.console_progress(description, total, unit):
            yield Interrupting()

    return progress


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Console:
    """Show the progress bars as on a terminal.

    While a bar is live, rich takes what is printed to standard error, wraps it to the width of the terminal and draws
    the bar below: a stage whose bar still runs when it prints its one line has nothing on its standard error.
    """
    console = Console(file=io.StringIO(), force_terminal=True, width=60)
    monkeypatch.setattr(console_module, "_console", console)
    return console


@pytest.mark.usefixtures("screen")
def test_a_disk_that_fills_up_half_way_ends_the_bar_before_the_line(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews_module, "ROW_GROUP_SIZE", 5)
    (tmp_path / "out").mkdir()

    assert_full_disk_refused(functools.partial(run_ingest, corpus), tmp_path / "out", 100)


INTERRUPTED = {
    "fetch": (fetch, _fetch, 2),
    "ingest, its first review": (ingest, lambda folder: run_ingest(folder / "corpus", folder), 1),
    "ingest, its last review": (ingest, lambda folder: run_ingest(folder / "corpus", folder), 40),
    "preprocess, learning the vocabulary": (preprocess, run_preprocess, 3),
    "preprocess, encoding": (preprocess, run_preprocess, 20),
    "embed": (embed, run_embed, 2),
    "polarity": (polarity, run_polarity, 1),
    "train": (train, run_train, 2),
    "baseline": (baseline, run_baseline, 20),
    "evaluate": (evaluate, run_evaluate, 1),
}


@pytest.mark.usefixtures("fetch_from_here", "screen")
@pytest.mark.parametrize("case", INTERRUPTED)
def test_ctrl_c_ends_a_stage_in_one_line_and_leaves_the_old_outputs(
    trained: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    module, stage, step = INTERRUPTED[case]
    write_folder(trained / "corpus", corpus_files())
    monkeypatch.setattr(module, "console_progress", _interrupted_at(step))

    assert_refused_untouched(stage, trained, "interrupted", code=130)


def _interrupt(module: str, *arguments: object, is_at_work: Callable[[], bool]) -> tuple[int, str]:
    """Start a stage, press Ctrl-C once it is at work and has said so, and return its exit code and standard error."""
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            [sys.executable, "-m", f"stages.{module}", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=log,
            # A shell starts what it runs in the background deaf to Ctrl-C, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # the test has no other thread
        ) as process,
    ):
        try:
            deadline = time.monotonic() + 60
            while not (is_at_work() and os.fstat(log.fileno()).st_size):
                assert process.poll() is None, _written(log)
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
        finally:
            process.kill()
        return process.returncode, _written(log)


def _written(log: IO[str]) -> str:
    log.seek(0)
    return log.read()


def test_ctrl_c_to_the_process_of_ingest_leaves_the_old_outputs(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "corpus", corpus_files())
    # Slow to clean, and one file on the disk under many names: ingest takes a minute if nobody interrupts it.
    (source / "slow").write_bytes(b"&amp; " * 160_000)
    for number in range(100, 700):
        (source / "train" / "pos" / f"{number}_9.txt").hardlink_to(source / "slow")
    old = write_folder(tmp_path / "old", {"reviews.parquet": b"old", "data.json": b"old"})
    before = snapshot(old)
    outputs = ("--reviews", old / "reviews.parquet", "--data-summary", old / "data.json")

    code, stderr = _interrupt("ingest", "--source", source, *outputs, is_at_work=lambda: True)

    assert (code, stderr) == (130, "Reading ...\nerror: interrupted; nothing is half-written\n")
    assert snapshot(old) == before


def test_ctrl_c_to_the_process_of_train_leaves_the_old_outputs(prepared: Path) -> None:
    add_old_outputs(prepared)
    write_params(prepared / "params.yaml", {"train.epochs": "10000"})
    before = snapshot(prepared)
    names = ("sequences.npz", "vocabulary.json", "embeddings.npz", "channels.npz", "model", "curves")
    arguments = [prepared / name for name in names]

    code, stderr = _interrupt(
        *("train", *arguments, "--params", prepared / "params.yaml"),
        is_at_work=lambda: any(prepared.glob(".*/**/*.tsv")),  # the curves of the first epoch
    )

    assert code == 130
    first = next(line for line in stderr.splitlines() if not line.startswith("Loading TensorFlow"))
    assert first.startswith("Epoch 1/10000: ")
    assert stderr.splitlines()[-1] == "error: interrupted; nothing is half-written"
    assert stderr.count("error") == 1
    assert "Traceback" not in stderr
    assert without_checkpoints(snapshot(prepared)) == before
