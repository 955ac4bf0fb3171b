"""Run the whole pipeline with other params, and leave the outputs here and their dvc.lock alone.

A variant is a YAML file beside this one: the keys in which it differs from params.yaml. It runs in `runs/NAME`, which
has its own dvc.lock but shares DVC's cache, so that what it has in common with an earlier run is taken from there.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.errors import ParamsError, PipelineError
from imdb_sentiment.runtime.params import Params, check, read_yaml, write_yaml
from stages.summarize import summarize

ROOT = Path(__file__).resolve().parent.parent
FETCHED = Path("data/raw/aclImdb_v1.tar.gz")


def run_variant(
    name: Annotated[str, typer.Argument(help="The variant: a YAML file in variants/, without its ending.")],
    runs: Annotated[Path, typer.Option(help="The folder in which the workspace NAME is made.")] = Path("runs"),
) -> None:
    """Run the pipeline as the variant NAME says, print its metrics, and say where its outputs are."""
    params = merge(read_yaml(ROOT / "params.yaml"), read_yaml(_variant_path(name)))
    source = check(params, Params, f"variants/{name}.yaml over params.yaml").data.source
    if source == str(FETCHED):
        _dvc("repro", "data/raw/dvc.yaml", folder=ROOT)
    # The workspace has no data of its own: it reads the source where it lies.
    workspace = (runs / name).resolve()
    params["data"]["source"] = os.path.relpath(ROOT / source, workspace)
    teacher = params["polarity"]["teacher"]
    if teacher not in {"linear", "none"}:
        teacher = params["polarity"]["teacher"] = os.path.relpath(ROOT / teacher, workspace)
    _lay_out(workspace, teacher)
    write_yaml(params, workspace / "params.yaml")
    _dvc("repro", folder=workspace)
    summarize(workspace)


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the leaves of `changes` in place of its own."""
    both = dict(base)
    for key, value in changes.items():
        inner = both.get(key)
        both[key] = merge(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return both


def _variant_path(name: str) -> Path:
    path = ROOT / "variants" / f"{name}.yaml"
    if not path.is_file():
        names = ", ".join(sorted(its.stem for its in path.parent.glob("*.yaml")))
        raise ParamsError(f"variants: found no variant {name!r}; expected one of {names}")
    return path


def _lay_out(workspace: Path, teacher: str) -> None:
    """Make `workspace` a DVC project with the code as it is now, its outputs and dvc.lock left as they are.

    The stage polarity depends on the `teacher`, if that is a file.
    """
    for folder in ("stages", "src/imdb_sentiment"):
        shutil.rmtree(workspace / folder, ignore_errors=True)
        shutil.copytree(ROOT / folder, workspace / folder, ignore=shutil.ignore_patterns("__pycache__"))
    pipeline = read_yaml(ROOT / "dvc.yaml")
    if teacher not in {"linear", "none"}:
        pipeline["stages"]["polarity"]["deps"].append(teacher)
    write_yaml(pipeline, workspace / "dvc.yaml")
    if not (workspace / ".dvc").is_dir():
        _dvc("init", "--no-scm", "--quiet", folder=workspace)
        _dvc("config", "--quiet", "core.check_update", "false", folder=workspace)
    _dvc("cache", "dir", "--quiet", str(ROOT / ".dvc/cache"), folder=workspace)


def _dvc(*arguments: str, folder: Path) -> None:
    # The stages run as `python -m stages.X`: that must be this python, also where its environment is not active.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    result = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"},
        check=False,
    )
    if result.returncode:
        raise PipelineError(f"dvc {' '.join(arguments)} in {folder}: found exit code {result.returncode}; expected 0")


app = command_app(run_variant)

if __name__ == "__main__":
    app()
