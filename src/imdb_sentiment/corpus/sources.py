"""What a source is: an archive or folder in the dataset's layout, or tables of reviews."""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imdb_sentiment.corpus.layout import locate
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.tables.formats import has_table_name
from imdb_sentiment.tables.zip_files import open_zip

# How a split is called in the name of a file, or in a column.
SPLITS: Final = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("unsupervised", "unsup", "unlabelled", "unlabeled"), "unsupervised"),
}


@dataclass(frozen=True)
class TableFileSource:
    """A file with a table of reviews, and the split that its name says."""

    path: Path
    split: str | None


def find_tables(source: Path, is_table: bool) -> list[TableFileSource]:
    """Return the tables of reviews in `source`; none if it is an archive or folder in the layout, or does not exist.

    `is_table`: a file is a table, whatever its name. Raises SourceError if some of several tables have a split in their
    names, and some have not.
    """
    source = inner_folder(source)
    if not source.is_dir():
        is_found = source.is_file() and (is_table or _is_table(source))
        return [TableFileSource(source, None)] if is_found else []
    if is_layout(source):
        return []
    found = [TableFileSource(path, _split_in(path)) for path in _tables_in(source)]
    without = [table.path.name for table in found if table.split is None]
    if 0 < len(without) < len(found):
        raise SourceError(
            f"{source}: found {without[0]} among tables with a split in their names; expected one in each (train, "
            "test, validation, unsupervised), or in none"
        )
    return found


def inner_folder(source: Path) -> Path:
    """Return the only folder in the folder `source`, if it has nothing else to read; or else `source`."""
    if not source.is_dir() or is_layout(source) or _tables_in(source):
        return source
    folders = [path for path in source.iterdir() if path.is_dir() and not path.name.startswith((".", "__MACOSX"))]
    return folders[0] if len(folders) == 1 else source


def is_layout(folder: Path) -> bool:
    """Tell whether `folder` has the folders of the layout."""
    return any((folder / split).is_dir() for split in ("train", "test"))


def is_layout_zip(path: Path) -> bool:
    """Tell whether `path` is a ZIP file with reviews in the layout."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with open_zip(path) as archive:
            return any(locate(name, path) for name in archive.namelist() if not name.endswith("/"))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceError(f"{path}: found a damaged ZIP file ({error}); expected a complete one") from error


def _is_table(path: Path) -> bool:
    return has_table_name(path.name) and not is_layout_zip(path)


def _tables_in(folder: Path) -> list[Path]:
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return [path for path in paths if has_table_name(path.name) and path.is_file()]


def _split_in(path: Path) -> str | None:
    words = [word for word in re.split(r"[^a-z]+", path.name.lower()) if word in SPLITS]
    return SPLITS[words[0]] if len(set(words)) == 1 else None
