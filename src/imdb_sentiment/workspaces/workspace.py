"""A workspace: a DVC project of its own, with a copy of the code and the project's cache."""

import os
import shutil
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.runtime.errors import OutputError, PipelineError
from imdb_sentiment.runtime.params import read_yaml, write_yaml

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


def lay_out(workspace: Path, params: dict[str, Any], project: Path) -> None:
    """Write the code of `project` as it is now, its pipeline, and `params`, whose paths are relative to the project.

    Outputs and dvc.lock of an earlier run stay. Raises PipelineError if `workspace` is not a folder for this.
    """
    check_workspace(workspace, project)
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        (workspace / MARKER).write_text("Made by this project, which replaces the code in it at each run.\n")
        for folder in CODE:
            if (workspace / folder).exists():
                shutil.rmtree(workspace / folder)
            shutil.copytree(project / folder, workspace / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copyfile(project / ".dvcignore", workspace / ".dvcignore")
        _write_dvc_config(workspace / ".dvc/config", project)
    except OSError as error:
        raise OutputError(workspace, error.strerror or str(error)) from error
    pipeline = read_yaml(project / "dvc.yaml")
    # The workspace has no data of its own: it reads the source where it lies.
    data = {**params["data"], "source": os.path.relpath(project / params["data"]["source"], workspace)}
    polarity = dict(params["polarity"])
    if polarity["teacher"] not in TEACHERS:
        polarity["teacher"] = os.path.relpath(project / polarity["teacher"], workspace)
        pipeline["stages"]["polarity"]["deps"].append(polarity["teacher"])
    write_yaml(pipeline, workspace / "dvc.yaml")
    write_yaml({**params, "data": data, "polarity": polarity}, workspace / "params.yaml")


def check_workspace(workspace: Path, project: Path) -> None:
    """Raise PipelineError if `workspace` is a folder with files that were not made here."""
    expected = "an empty folder, or one that an earlier run made"
    if project.is_relative_to(workspace):
        raise PipelineError(f"{workspace}: found the project itself, or a folder around it; expected {expected}")
    if workspace.is_dir() and any(workspace.iterdir()) and not (workspace / MARKER).is_file():
        raise PipelineError(f"{workspace}: found files, but no {MARKER} beside them; expected {expected}")
    for folder in CODE:
        if (workspace / folder).resolve() != workspace / folder:
            raise PipelineError(f"{workspace / folder}: found a symbolic link; expected {expected}")


def _write_dvc_config(path: Path, project: Path) -> None:
    """Write what `dvc init` and `dvc config` would write, but in UTF-8: DVC itself cannot write a path with umlauts."""
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    cache = os.path.relpath(project / ".dvc/cache", path.parent)
    path.write_text(_DVC_CONFIG.format(cache=cache), encoding="utf-8")
