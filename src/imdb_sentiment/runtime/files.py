"""Reading and writing artefacts: whole or not at all, and the same bytes for the same content."""

import json
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.runtime.errors import ArtifactError, OutputError


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes `path`'s place when the block ends well.

    The block may make a file or a folder there. When it raises, Ctrl-C included, what it wrote goes and the old
    `path` stays. Raises OutputError for any OSError: what the block reads must be wrapped by whoever reads it.
    """
    with written_together(path) as (partial,):
        yield partial


@contextmanager
def written_together(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Yield a path beside each of `paths`, as `written_beside` does: none takes its place before all are written."""
    partials = tuple(path.with_name(f".{path.name}.partial") for path in paths)
    current = paths[0]
    try:
        for path, partial in zip(paths, partials, strict=True):
            current = path
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove(partial)
        yield partials
        for path, partial in zip(paths, partials, strict=True):
            is_folder = S_ISDIR(partial.stat().st_mode)  # raises if the block has not written it
            if path.is_dir() and not is_folder:
                raise OutputError(path, "a folder stands there")
        for path, partial in zip(paths, partials, strict=True):
            current = path
            if partial.is_dir():
                _remove(path)  # a folder can't be renamed onto one that has files in it
            partial.replace(path)
    except OutputError as error:
        raise OutputError(_final_path(str(error.path), partials, paths) or error.path, error.reason) from error
    except OSError as error:
        named = _final_path(error.filename or str(error), partials, paths)
        raise OutputError(named or current, error.strerror or str(error)) from error
    finally:
        for partial in partials:
            _remove(partial)


def _final_path(text: str, partials: tuple[Path, ...], paths: tuple[Path, ...]) -> Path | None:
    """Return the path whose partial `text` names, or the file in that folder: writers in the block know only partials.

    `text` is a path, or a message of Arrow's that has one in it.
    """
    for path, partial in zip(paths, partials, strict=True):
        if Path(text).is_relative_to(partial):
            return path / Path(text).relative_to(partial)
        if str(partial) in text:
            return path
    return None


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
    except (ValueError, OSError, RecursionError) as error:
        raise ArtifactError(path, f"what cannot be read as JSON ({error})", "a JSON object") from error
    if not isinstance(content, dict):
        raise ArtifactError(path, f"a JSON {type(content).__name__}", "a JSON object")
    return content


def write_npz(arrays: Mapping[str, NDArray[Any]], path: Path, compress: bool = False) -> None:
    """Write `arrays`; NumPy gives each entry the same date, so equal arrays make equal bytes."""
    with written_beside(path) as partial, partial.open("wb") as file:
        # NumPy's stubs take the keywords for their own option `allow_pickle`.
        (np.savez_compressed if compress else np.savez)(file, **arrays)  # type: ignore[arg-type]


# What NumPy and zipfile raise for a file that was cut short, damaged, encrypted, or never was an npz.
_NPZ_ERRORS: Final = (ValueError, OSError, EOFError, BadZipFile, TypeError, RuntimeError, MemoryError, zlib.error)


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays in `path`, pickles refused. Raises ArtifactError if it is no such file."""
    try:
        # Opened here, since NumPy leaves a broken file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise missing(path) from error
    except _NPZ_ERRORS as error:
        raise ArtifactError(path, f"what cannot be read as npz ({error})", "NumPy arrays without pickles") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # NumPy gives the bytes of a member that is no array
            raise ArtifactError(path, f"what cannot be read as npz ({name})", "NumPy arrays without pickles")
    return arrays


def missing(path: Path) -> ArtifactError:
    """Return the error for an artefact that is not there."""
    return ArtifactError(path, "no such file", "the output of an earlier stage (`dvc repro` makes it)")
