"""The workspace of a variant: a DVC project of its own, with a copy of the code and the project's cache."""

import os
import shutil
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.runtime.errors import OutputError, PipelineError
from imdb_sentiment.runtime.params import read_yaml, write_yaml
from variants.params import ROOT

MARKER: Final = ".imdb-sentiment-variant"  # a folder with this file in it was made here
CODE: Final = ("stages", "src/imdb_sentiment")
TEACHERS: Final = ("linear", "none")  # of the param polarity.teacher; any other is a file

_DVC_CONFIG: Final = """\
[core]
    no_scm = true
    analytics = false
    check_update = false
[cache]
    dir = "{cache}"
"""


def lay_out(workspace: Path, params: dict[str, Any]) -> None:
    """Write the code as it is now, the pipeline and `params`, whose paths are relative to the project.

    Outputs and dvc.lock of an earlier run stay. Raises PipelineError if `workspace` is not a folder for this.
    """
    _check_own(workspace)
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        (workspace / MARKER).write_text("Made by `python -m variants`, which replaces the code in it.\n")
        for folder in CODE:
            if (workspace / folder).exists():
                shutil.rmtree(workspace / folder)
            shutil.copytree(ROOT / folder, workspace / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copyfile(ROOT / ".dvcignore", workspace / ".dvcignore")
        _write_dvc_config(workspace / ".dvc/config")
    except OSError as error:
        raise OutputError(workspace, error.strerror or str(error)) from error
    pipeline = read_yaml(ROOT / "dvc.yaml")
    # The workspace has no data of its own: it reads the source where it lies.
    data = {"source": os.path.relpath(ROOT / params["data"]["source"], workspace)}
    polarity = dict(params["polarity"])
    if polarity["teacher"] not in TEACHERS:
        polarity["teacher"] = os.path.relpath(ROOT / polarity["teacher"], workspace)
        pipeline["stages"]["polarity"]["deps"].append(polarity["teacher"])
    write_yaml(pipeline, workspace / "dvc.yaml")
    write_yaml({**params, "data": data, "polarity": polarity}, workspace / "params.yaml")


def _check_own(workspace: Path) -> None:
    expected = "an empty folder, or one that an earlier run made"
    if ROOT.is_relative_to(workspace):
        raise PipelineError(f"{workspace}: found the project itself, or a folder around it; expected {expected}")
    if workspace.is_dir() and any(workspace.iterdir()) and not (workspace / MARKER).is_file():
        raise PipelineError(f"{workspace}: found files, but no {MARKER} beside them; expected {expected}")
    for folder in CODE:
        if (workspace / folder).resolve() != workspace / folder:
            raise PipelineError(f"{workspace / folder}: found a symbolic link; expected {expected}")


def _write_dvc_config(path: Path) -> None:
    """Write what `dvc init` and `dvc config` would write, but in UTF-8: DVC itself cannot write a path with umlauts."""
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    cache = os.path.relpath(ROOT / ".dvc/cache", path.parent)
    path.write_text(_DVC_CONFIG.format(cache=cache), encoding="utf-8")
