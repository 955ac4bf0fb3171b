"""The params of a variant: those of params.yaml with its own merged over them."""

from pathlib import Path
from typing import Any, Final

from imdb_sentiment.runtime.errors import ParamsError
from imdb_sentiment.runtime.params import read_yaml

ROOT: Final = Path(__file__).resolve().parent.parent


def read_variant(name: str) -> dict[str, Any]:
    """Return the content of params.yaml with the keys of `variants/NAME.yaml` in place of its own.

    Raises ParamsError if there is no such variant.
    """
    paths = {path.stem: path for path in sorted((ROOT / "variants").glob("*.yaml"))}
    if name not in paths:
        raise ParamsError(f"variants: found no variant {name!r}; expected one of {', '.join(paths)}")
    return merge(read_yaml(ROOT / "params.yaml"), read_yaml(paths[name]))


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the leaves of `changes` in place of its own."""
    merged = dict(base)
    for key, value in changes.items():
        section = merged.get(key)
        merged[key] = merge(section, value) if isinstance(section, dict) and isinstance(value, dict) else value
    return merged
