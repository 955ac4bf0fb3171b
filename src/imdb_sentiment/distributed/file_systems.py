"""The files of a run, here or in a store (`s3://`, `gs://`): which there are, and reading and writing one."""

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.runtime.errors import InputError, OutputError, reason_of
from imdb_sentiment.runtime.files import written_beside
from imdb_sentiment.tables.formats import SUFFIXES

_PARQUET: Final = tuple(suffix for suffix, kind in SUFFIXES.items() if kind == "parquet")
_WILDCARDS: Final = "*?["
_COPY_BYTES: Final = 8_000_000


@dataclass(frozen=True)
class FileWork:
    """One file to classify and where its output goes, both as `Location.uri` spells them."""

    source: str
    output: str


@dataclass(frozen=True)
class Location:
    """A path in one of PyArrow's file systems; `scheme` is empty for the files of this machine."""

    system: Any  # pyarrow.fs.FileSystem: it ships no types
    scheme: str
    path: str

    @classmethod
    def parse(cls, text: str) -> "Location":
        """Return the location of a path or of an address such as `s3://bucket/folder`. Raises InputError."""
        import pyarrow as pa
        from pyarrow import fs

        scheme, separator, rest = text.partition("://")
        if not separator:
            return cls(fs.LocalFileSystem(), "", str(Path(text).absolute()))
        try:
            # What follows a wildcard is no address, and the options of an address follow a question mark.
            system, _ = fs.FileSystem.from_uri(f"{scheme}://{rest.split('/')[0]}" if scheme != "file" else "file:///")
        except (pa.ArrowException, ValueError, OSError, ImportError) as error:
            raise InputError(
                f"{text}: found an address that cannot be opened ({reason_of(error)}); expected a path, s3:// or gs://"
            ) from error
        return cls(system, "" if scheme == "file" else scheme, rest.rstrip("/"))

    @property
    def uri(self) -> str:
        """The address that `parse` reads."""
        return f"{self.scheme}://{self.path}" if self.scheme else self.path

    def at(self, path: str) -> "Location":
        """Return another path of the same file system."""
        return Location(self.system, self.scheme, path)


def find_work(sources: Sequence[str], output: str) -> tuple[list[FileWork], int]:
    """Return the files of `sources` that have no output in the folder `output` yet, and how many have one.

    A source is a Parquet file, a folder of them, or a pattern such as `reviews/year=*/*.parquet`; an output has the
    path that its file has below the folder, or below the first wildcard. Raises InputError where there is no file, or
    an output would take the place of an input.
    """
    target = Location.parse(output)
    work: dict[str, str] = {}
    for source in sources:
        base, files = _find_files(source)
        for file in files:
            destination = target.at(f"{target.path}/{file.path.removeprefix(base).lstrip('/')}").uri
            if (twice := work.setdefault(destination, file.uri)) != file.uri:
                raise InputError(f"{file.uri}: found {twice} of the same name; expected different names")
    for destination, file_uri in work.items():
        if _is_same(destination, file_uri) or destination in work.values():
            raise InputError(f"--output {output}: found the folder of {file_uri}, which is read; expected another")
    there = _existing(target)
    missing = [FileWork(source, destination) for destination, source in work.items() if destination not in there]
    return missing, len(work) - len(missing)


@contextmanager
def local_copy(uri: str) -> Iterator[Path]:
    """Yield a path of this machine with the content of the file `uri`. Raises InputError."""
    location = Location.parse(uri)
    if not location.scheme:
        yield Path(location.path)
        return
    with tempfile.NamedTemporaryFile(prefix="imdb-sentiment-", suffix=".parquet") as spool:
        try:
            with location.system.open_input_stream(location.path) as stream:
                while block := stream.read(_COPY_BYTES):
                    spool.write(block)
        except OSError as error:
            raise InputError(f"{uri}: found what cannot be read ({reason_of(error)}); expected Parquet") from error
        spool.flush()
        yield Path(spool.name)


@contextmanager
def written_whole(uri: str) -> Iterator[Path]:
    """Yield a path of this machine to write to; its content takes the place of `uri` when the block ends well.

    Raises OutputError.
    """
    location = Location.parse(uri)
    if not location.scheme:
        with written_beside(Path(location.path)) as partial:
            yield partial
        return
    with tempfile.TemporaryDirectory(prefix="imdb-sentiment-") as folder:
        path = Path(folder) / "output.parquet"
        yield path
        # A stream that fails is closed all the same, and a store then keeps what it has: hence a name of its own.
        parent, _, name = location.path.rpartition("/")
        partial_path = f"{parent}/.{name}-{secrets.token_hex(4)}.partial"
        try:
            with path.open("rb") as file, location.system.open_output_stream(partial_path) as stream:
                while block := file.read(_COPY_BYTES):
                    stream.write(block)
            location.system.move(partial_path, location.path)
        except OSError as error:
            with suppress(OSError):
                location.system.delete_file(partial_path)
            raise OutputError(Path(uri), reason_of(error)) from error


def _find_files(source: str) -> tuple[str, list[Location]]:
    """Return the folder of the Parquet files that `source` names, and the files. Raises InputError."""
    location = Location.parse(source)
    parts = location.path.split("/")
    fixed = next((place for place, part in enumerate(parts) if set(part) & set(_WILDCARDS)), None)
    if fixed is None and _information(location).is_file:
        return location.path.rpartition("/")[0], [location]
    base = location.path if fixed is None else "/".join(parts[:fixed])
    *folders, last = ["*"] if fixed is None else parts[fixed:]
    paths = [base]
    for pattern in folders:
        paths = [child for path in paths for child in _children(location.at(path), pattern, is_file=False)]
    found = [child for path in paths for child in _children(location.at(path), last, is_file=True)]
    files = [location.at(path) for path in sorted(found) if path.lower().endswith(_PARQUET)]
    if not files:
        raise InputError(f"{source}: found no Parquet file; expected a file, a folder or a pattern of {_PARQUET[0]}")
    return base, files


def _children(folder: Location, pattern: str, is_file: bool) -> list[str]:
    found = [child.path for child in _list(folder, recursive=False) if child.is_file == is_file]
    names = {path: path.rpartition("/")[2] for path in found}
    return [path for path, name in names.items() if fnmatchcase(name, pattern) and not name.startswith(".")]


def _list(folder: Location, recursive: bool) -> list[Any]:
    from pyarrow import fs

    selector = fs.FileSelector(folder.path, recursive=recursive, allow_not_found=True)
    try:
        return [found for found in folder.system.get_file_info(selector) if found.path]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{folder.uri}: found no folder to list ({reason_of(error)}); expected one") from error


def _information(location: Location) -> Any:
    try:
        return location.system.get_file_info(location.path)
    except OSError as error:
        raise InputError(f"{location.uri}: found what cannot be read ({reason_of(error)}); expected Parquet") from error


def _existing(target: Location) -> set[str]:
    if _information(target).is_file:
        raise InputError(f"--output {target.uri}: found a file; expected a folder")
    return {target.at(found.path).uri for found in _list(target, recursive=True) if found.is_file}


def _is_same(one: str, other: str) -> bool:
    if one == other:
        return True
    with suppress(OSError):  # where one of them does not exist, or is not of this machine
        return Path(one).samefile(other)
    return False
