"""Seconds and peak memory of commands, each a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.runtime.errors import PipelineError

# Without the packages of the environment, which it needs not, it is smaller than anything that it starts.
LAUNCHER: Final = (sys.executable, "-I", "-S", str(Path(__file__).resolve().with_name("launcher.py")))


@dataclass(frozen=True)
class Measured:
    """What a command took.

    start, end: seconds of the machine's monotonic clock; processor_seconds: of all cores; peak_mib: of the largest of
    its processes.
    """

    command: list[str]
    start: float
    end: float
    processor_seconds: float
    peak_mib: float
    code: int

    @property
    def seconds(self) -> float:
        """The seconds by the clock."""
        return self.end - self.start


def measure(
    module: str, *arguments: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Measured:
    """Run `python -m module arguments` and return what it took; what it prints goes to standard error.

    Raises PipelineError if it fails.
    """
    with tempfile.TemporaryDirectory() as temporary:
        log = Path(temporary) / "log"
        command = (*LAUNCHER, str(log), sys.executable, "-m", module, *arguments)
        result = subprocess.run(command, cwd=folder, env=environment, stdout=sys.stderr, check=False)
        if result.returncode:
            raise PipelineError(f"python -m {module}: found exit code {result.returncode}; expected 0")
        (measured,) = read_lines(log)
    return Measured(**measured)


def read_lines(log: Path) -> list[dict[str, Any]]:
    """Return the JSON objects in `log`, one a line; none if there is no such file."""
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
