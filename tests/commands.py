"""Running the command line of prediction, in this process through its real parser or as a process."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Run = Callable[..., Result]


def start(model: Path, *arguments: object, **options: object) -> "subprocess.Popen[str]":
    """Start the command as a process, with the model of the workspace `model`."""
    script = "from imdb_sentiment.app.commands import app; app()"
    command = [sys.executable, "-c", script, *map(str, arguments), "--model", str(model / "data/model")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", **options}
    return subprocess.Popen(command, **pipes)  # type: ignore[call-overload, no-any-return]
