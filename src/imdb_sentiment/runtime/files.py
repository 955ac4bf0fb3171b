"""Files: written whole or not at all, the same bytes for the same content, and read with a clear error."""

import itertools
import json
import os
import re
import secrets
import shutil
import socket
import stat
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.runtime.errors import ArtifactError, OutputError, reason_of

# Process ids are those of one machine or container; a folder may be shared by several.
_HOST: Final = re.sub("[^0-9A-Za-z.]", "_", socket.gethostname())[:64]
_PARTIAL: Final = re.compile(rf"\.imdb-sentiment-{re.escape(_HOST)}-([0-9]+)-[0-9a-f]+\.partial")
MAX_JSON_BYTES: Final = 32_000_000  # a vocabulary of two million tokens


@dataclass(frozen=True)
class OutputFolder:
    """A folder that a command writes.

    `files` is a regular expression for the names of the files that the command writes there, `others` for those that
    other commands write beside them. A folder with any other file in it is not ours: it is refused.
    """

    path: Path
    files: str
    others: str = r"\..*"  # such as .gitignore


@contextmanager
def written_beside(path: Path | OutputFolder) -> Iterator[Path]:
    """Yield a path beside `path` to write to; what is written there takes `path`'s place when the block ends well."""
    with written_together(path) as (partial,):
        yield partial


@contextmanager
def written_together(*outputs: Path | OutputFolder) -> Iterator[tuple[Path, ...]]:
    """Yield a path to write to for each of `outputs`: a file for a Path, a folder to make for an OutputFolder.

    Nothing takes its place before all are written. If the block raises, Ctrl-C included, the old outputs stay and what
    was written goes. Before the block starts, outputs that lie within each other and folders that hold other files are
    refused. Raises OutputError, also for any OSError in the block: errors of reading must be turned into others there.
    """
    paths = [output.path if isinstance(output, OutputFolder) else output for output in outputs]
    partials = tuple(_partial_path(path) for path in paths)
    current = paths[0]
    try:
        _check_apart(paths)
        for output, path in zip(outputs, paths, strict=True):
            current = path
            path.parent.mkdir(parents=True, exist_ok=True)
            _check_replaceable(output)
            _remove_abandoned(path.parent)
        yield partials
        for path, partial in zip(paths, partials, strict=True):
            if not partial.exists():
                raise OutputError(path, "nothing was written")
        for output, partial in zip(outputs, partials, strict=True):
            current = output.path if isinstance(output, OutputFolder) else output
            _replace(output, partial)
    except OutputError as error:
        raise OutputError(_final_path(str(error.path), partials, paths) or error.path, error.reason) from error
    except OSError as error:
        named = _final_path(error.filename or str(error), partials, paths)
        raise OutputError(named or current, error.strerror or str(error)) from error
    finally:
        for partial in partials:
            with suppress(OSError):
                _remove(partial)


def _partial_path(path: Path) -> Path:
    # Of this process and of no other; and not longer for a longer name of the output.
    return path.with_name(f".imdb-sentiment-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}.partial")


def _check_apart(paths: list[Path]) -> None:
    for one, other in itertools.permutations([path.resolve() for path in paths], 2):
        if one.is_relative_to(other):
            raise OutputError(one, f"it lies within another output, {other}")


def _check_replaceable(output: Path | OutputFolder) -> None:
    if not isinstance(output, OutputFolder):
        if output.is_dir():
            raise OutputError(output, "a folder stands there")
        return
    if output.path.is_symlink() or (output.path.exists() and not output.path.is_dir()):
        raise OutputError(output.path, "what stands there is not a folder")
    if output.path.is_dir():
        for entry in sorted(output.path.iterdir()):
            if not re.fullmatch(f"(?:{output.files})|(?:{output.others})", entry.name) or entry.is_dir():
                raise OutputError(output.path, f"the folder holds {entry.name}, which this command did not write")


def _replace(output: Path | OutputFolder, partial: Path) -> None:
    if not isinstance(output, OutputFolder):
        partial.replace(output)
        return
    if not output.path.exists():
        partial.replace(output.path)
        return
    # File by file: a kill between two leaves an old or a new file, never none.
    written = {entry.name for entry in partial.iterdir()}
    for name in sorted(written):
        (partial / name).replace(output.path / name)
    for entry in output.path.iterdir():
        if entry.name not in written and re.fullmatch(output.files, entry.name):
            entry.unlink()


def _remove_abandoned(folder: Path) -> None:
    """Remove what processes of this host that are gone have left in `folder`."""
    for entry in folder.glob(".imdb-sentiment-*.partial"):
        match = _PARTIAL.fullmatch(entry.name)
        if match and not is_running(int(match[1])):
            _remove(entry)


def is_running(process: int) -> bool:
    """Tell whether there is a process of this id on this host."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's
        return True
    return True


def _final_path(text: str, partials: tuple[Path, ...], paths: list[Path]) -> Path | None:
    """Return the output whose partial `text` names, or the file in that folder: the block knows only the partials.

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
    else:
        path.unlink(missing_ok=True)


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write `content`, indented, keys in their own order, with a newline at the end."""
    with written_beside(path) as partial:
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def check_file(path: Path, max_bytes: int | None = None) -> None:
    """Raise ArtifactError unless `path` is a regular file of at most `max_bytes`: a pipe or device may never end.

    Raises OSError if there is no such file.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ArtifactError(path, "a folder, pipe or device", "a file")
    if max_bytes is not None and found.st_size > max_bytes:
        raise ArtifactError(path, f"{found.st_size:,} bytes", f"at most {max_bytes:,}")


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`. Raises ArtifactError if there is none, or it is too large."""
    try:
        check_file(path, MAX_JSON_BYTES)
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise missing(path) from error
    except (ValueError, OSError, RecursionError) as error:
        raise ArtifactError(path, f"what cannot be read as JSON ({reason_of(error)})", "a JSON object") from error
    if not isinstance(content, dict):
        raise ArtifactError(path, f"a JSON {type(content).__name__}", "a JSON object")
    return content


def write_npz(arrays: Mapping[str, NDArray[Any]], path: Path, compress: bool = False) -> None:
    """Write `arrays`; NumPy gives each entry the same date, so equal arrays make equal bytes."""
    with written_beside(path) as partial, partial.open("wb") as file:
        # NumPy's stubs take the keywords for their own option `allow_pickle`.
        (np.savez_compressed if compress else np.savez)(file, **arrays)  # type: ignore[arg-type]


# What NumPy and zipfile raise for a file that was cut short, is damaged or encrypted, or never was an npz file.
# NumPy reads a header as Python's syntax.
_NPZ_ERRORS: Final = (
    *(ValueError, OSError, EOFError, BadZipFile, TypeError, RuntimeError, MemoryError, zlib.error),
    *(SyntaxError, TokenError),
)


def read_npz(path: Path, max_bytes: int | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays in `path`, pickles refused.

    Raises ArtifactError if it is no such file, or its arrays take more than `max_bytes` together.
    """
    try:
        check_file(path, max_bytes)
        # Opened here, since NumPy leaves a broken file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            # What the file declares is all that is read of it.
            unfolded = sum(member.file_size for member in archive.zip.infolist())
            if max_bytes is not None and unfolded > max_bytes:
                raise ArtifactError(path, f"arrays of {unfolded:,} bytes", f"at most {max_bytes:,}")
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise missing(path) from error
    except _NPZ_ERRORS as error:
        raise ArtifactError(
            path, f"what cannot be read as npz ({reason_of(error)})", "NumPy arrays without pickles"
        ) from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # NumPy returns bytes for a member that is not an array
            raise ArtifactError(path, f"what cannot be read as npz ({name})", "NumPy arrays without pickles")
    return arrays


def missing(path: Path) -> ArtifactError:
    """Return the error for an artefact that does not exist."""
    return ArtifactError(path, "no such file", "the output of an earlier stage (`dvc repro` makes it)")
