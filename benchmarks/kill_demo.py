"""Kill the demo at random moments, and compare what it ends with: `python -m benchmarks.kill_demo --kills 30`.

The claim: a run that is killed or terminated at any moment, and started again, ends with the same bytes. Two clones of
the committed project run the demo, each with a DVC cache of its own: one undisturbed, the other until it has been
stopped `kills` times. Half of the stops are SIGKILL to all processes, as at a power failure, half are SIGTERM to the
command alone. It ends with an error if any output differs, or if a start refuses to go on.
"""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import psutil
import typer

ROOT = Path(__file__).resolve().parent.parent


def kill_demo(
    kills: Annotated[int, typer.Option(min=1, help="How often the demo is stopped.")] = 30,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
) -> None:
    """Stop the demo KILLS times at random moments, let it end, and compare its outputs with an undisturbed run's."""
    moments = random.Random(seed)  # noqa: S311  # no secret
    with tempfile.TemporaryDirectory() as folder:
        undisturbed, disturbed = _clone(Path(folder) / "undisturbed"), _clone(Path(folder) / "disturbed")
        start = time.monotonic()
        _finish(_start(undisturbed))
        seconds = time.monotonic() - start
        stopped = 0
        while stopped < kills:
            process = _start(disturbed)
            try:
                # Short moments more often than long ones: what is done need not be done again after the next start.
                process.wait(timeout=moments.uniform(0, seconds) * moments.random())
            except subprocess.TimeoutExpired:
                _stop(process, signal.SIGKILL if stopped % 2 else signal.SIGTERM)
                stopped += 1
            else:
                _finish(process)
                _start_over(disturbed)
            typer.echo(f"stopped {stopped} of {kills} times", err=True)
        _finish(_start(disturbed))
        expected, found = _digests(undisturbed), _digests(disturbed)
    differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    typer.echo(f"{stopped} stops, {len(expected)} files, {len(differing)} that differ {differing or ''}")
    if differing:
        raise typer.Exit(1)


def _clone(folder: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)  # noqa: S607
    return folder


def _start(clone: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(clone / "src")}
    return subprocess.Popen(
        [sys.executable, "-m", "variants", "demo"],
        cwd=clone,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _finish(process: subprocess.Popen[str]) -> None:
    """Wait for the end of a run that nobody stops; it must succeed."""
    printed, _ = process.communicate()
    if process.returncode:
        raise typer.BadParameter(f"found exit code {process.returncode}; expected 0. It printed:\n{printed}")


def _stop(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Stop a run: SIGKILL goes to all its processes, SIGTERM to the first, which has to take the others along."""
    processes = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for victim in processes if number == signal.SIGKILL else processes[:1]:
        with suppress(psutil.NoSuchProcess):
            victim.send_signal(number)
    process.communicate()
    _, left = psutil.wait_procs(processes, timeout=30)
    if left:
        raise typer.BadParameter(f"found {len(left)} processes of a stopped run after 30 seconds; expected none")


def _start_over(clone: Path) -> None:
    for folder in ("runs", ".dvc/cache"):
        shutil.rmtree(clone / folder, ignore_errors=True)


def _digests(clone: Path) -> dict[str, str]:
    run = clone / "runs/demo"
    paths = [run / "dvc.lock", *(run / "data").rglob("*"), *(run / "metrics").rglob("*")]
    kept = [path for path in paths if path.is_file() and "checkpoints" not in path.parts]
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


if __name__ == "__main__":
    typer.run(kill_demo)
