"""The project: a clone with the pipeline, its params, and its variants."""

from pathlib import Path
from typing import Any, Final

import imdb_sentiment
from imdb_sentiment.runtime.errors import ParamsError, PipelineError
from imdb_sentiment.runtime.params import read_yaml

_PARTS: Final = ("dvc.yaml", "params.yaml", "stages", "variants")


def find_project() -> Path:
    """Return the folder of the project that this package belongs to.

    Raises PipelineError if the package was installed without it.
    """
    folder = Path(imdb_sentiment.__file__).resolve().parents[2]
    if missing := [part for part in _PARTS if not (folder / part).exists()]:
        raise PipelineError(
            f"{folder}: found no {missing[0]}; expected a clone of the project, installed there by `make .venv/.ready` "
            "or `pip install -e '.[pipeline]'`: training needs its pipeline"
        )
    return folder


def read_variant(project: Path, name: str) -> dict[str, Any]:
    """Return the content of params.yaml with the keys of `variants/NAME.yaml` in place of its own.

    Raises ParamsError if there is no such variant.
    """
    paths = {path.stem: path for path in sorted((project / "variants").glob("*.yaml"))}
    if name not in paths:
        raise ParamsError(f"variants: found no variant {name!r}; expected one of {', '.join(paths)}")
    return merge(read_yaml(project / "params.yaml"), read_yaml(paths[name]))


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the leaves of `changes` in place of its own."""
    merged = dict(base)
    for key, value in changes.items():
        section = merged.get(key)
        merged[key] = merge(section, value) if isinstance(section, dict) and isinstance(value, dict) else value
    return merged
