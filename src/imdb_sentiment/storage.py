"""Reading and writing artefacts: whole or not at all, and the same bytes for the same content."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import ArtifactError, OutputError


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes `path`'s place when the block ends well.

    The block may make a file or a folder there. When it raises, Ctrl-C included, what it wrote goes and the old
    `path` stays. Raises OutputError for any OSError: what the block reads must be wrapped by whoever reads it.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        yield partial
        if partial.is_dir():
            _remove(path)  # a folder can't be renamed onto one that has files in it
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{path}: cannot be written: {reason}") from error
    finally:
        _remove(partial)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.parent.is_dir():
        path.unlink(missing_ok=True)


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write `content`, indented, keys in their own order, with a newline at the end."""
    with written_beside(path) as partial:
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`. Raises ArtifactError if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise missing(path) from error
    except (ValueError, OSError) as error:
        raise ArtifactError(path, f"what cannot be read as JSON ({error})", "a JSON object") from error
    if not isinstance(content, dict):
        raise ArtifactError(path, f"a JSON {type(content).__name__}", "a JSON object")
    return content


def write_npz(arrays: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Write `arrays` uncompressed; NumPy gives each entry the same date, so equal arrays make equal bytes."""
    with written_beside(path) as partial, partial.open("wb") as file:
        # NumPy's stubs take the keywords for their own option `allow_pickle`.
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays in `path`, pickles refused. Raises ArtifactError if it is no such file."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise missing(path) from error
    except (ValueError, OSError, EOFError, BadZipFile, AttributeError) as error:
        raise ArtifactError(path, f"what cannot be read as npz ({error})", "NumPy arrays without pickles") from error


def missing(path: Path) -> ArtifactError:
    """Return the error for an artefact that is not there."""
    return ArtifactError(path, "no such file", "the output of an earlier stage (`dvc repro` makes it)")
