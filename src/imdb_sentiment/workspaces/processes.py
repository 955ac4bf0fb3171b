"""Processes that end with the one that started them, and DVC as such a process."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from imdb_sentiment.runtime.errors import PipelineError
from imdb_sentiment.runtime.files import is_running

PATIENCE: Final = 10.0  # seconds in which a process that is asked to end may remove its partial outputs


def run_in_group(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdout: IO[bytes] | None = None,
    stderr: IO[bytes] | None = None,
) -> int:
    """Run `command` in a process group of its own and return its exit code.

    If this process is interrupted or terminated meanwhile, the whole group ends with it.
    """
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=stdout, stderr=stderr, start_new_session=True
    )
    try:
        return process.wait()
    except BaseException:
        _end_group(process)
        raise


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask every process of the group to end, and kill those that still run after PATIENCE or a second interruption."""
    with suppress(ProcessLookupError):  # no process is left
        try:
            os.killpg(process.pid, signal.SIGTERM)
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                process.poll()
                os.killpg(process.pid, 0)
                time.sleep(0.05)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_dvc(*arguments: str, folder: Path) -> None:
    """Run DVC in `folder`. Raises PipelineError if it fails, or at once if another DVC is at work there."""
    check_unlocked(folder)
    # The stages run as `python -m stages.X`: that must be this python, also where its environment is not active.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}
    code = run_in_group([sys.executable, "-m", "dvc", *arguments], folder=folder, environment=environment)
    if code:
        raise PipelineError(f"dvc {' '.join(arguments)} in {folder}: found exit code {code}; expected 0")


def check_unlocked(folder: Path) -> None:
    """Raise PipelineError with the process that holds a lock of the DVC project in `folder`, if one does."""
    holder = _lock_holder(folder / ".dvc/tmp")
    if holder is not None:
        raise PipelineError(f"{folder}: found {holder} at work; expected no other run: wait until it ends, or end it")


def _lock_holder(temporary: Path) -> str | None:
    """Return for example `process 1234 (dvc repro)`.

    While a stage runs, DVC notes in the file `rwlock` who reads and writes its files. Between the stages it holds an
    flock on the file `lock`, which has its process id.
    """
    with suppress(OSError, ValueError):
        paths = json.loads((temporary / "rwlock").read_text(encoding="utf-8"))
        users = [
            *paths.get("write", {}).values(),
            *(user for users in paths.get("read", {}).values() for user in users),
        ]
        for user in users:
            if is_running(user["pid"]):
                return f"process {user['pid']} ({user['cmd']})"
    with suppress(FileNotFoundError), (temporary / "lock").open(encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"process {lock.read().strip()} (dvc)"
    return None
