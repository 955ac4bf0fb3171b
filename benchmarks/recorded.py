"""Runs a stage, and adds to a file when each piece of its work began and ended, as its bars and lines of progress say.

python -m benchmarks.recorded LOG -m stages.train ...
"""

import json
import runpy
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imdb_sentiment.runtime import console
from imdb_sentiment.runtime.progress import Task


def run_recorded(log: Path, module: str, arguments: list[str]) -> None:
    """Run `python -m module arguments` in this process; each task it shows is a line of JSON in `log`."""
    shown = console.console_progress

    @contextmanager
    def recorded(description: str, total: int | None, unit: str) -> Iterator[Task]:
        start = time.monotonic()
        with shown(description, total, unit) as task:
            yield task
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"task": description, "start": start, "end": time.monotonic()}) + "\n")

    # Before any module of the stages takes it from there.
    console.console_progress = recorded
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run_recorded(Path(sys.argv[1]), sys.argv[3], sys.argv[4:])
