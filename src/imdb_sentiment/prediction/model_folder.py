"""The folder of an exported model: which files it has, and that they belong together.

    settings.json     format, ignore_padding, temperature, and the SHA-256 of each file below
    model.onnx        the graph, calibrated
    vocabulary.json   the tokens, and how long a review may be
    polarity.npz      the log-odds of n-grams; read only if the graph has an input for them

A folder may come from anybody: nothing in it is opened before it is known to be a file of a bounded size.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import check_file, read_json, write_json

FORMAT: Final = 1
SETTINGS_NAME: Final = "settings.json"
GRAPH_NAME: Final = "model.onnx"
VOCABULARY_NAME: Final = "vocabulary.json"
POLARITY_NAME: Final = "polarity.npz"
MODEL_FILES: Final = r"settings\.json|model\.onnx|vocabulary\.json|polarity\.npz"
_MAX_BYTES: Final = 1_000_000_000  # of each file
_NAMES: Final = (GRAPH_NAME, VOCABULARY_NAME, POLARITY_NAME)
_REQUIRED: Final = {GRAPH_NAME, VOCABULARY_NAME}


def write_settings(folder: Path, ignore_padding: bool, temperature: Mapping[str, float]) -> None:
    """Write the settings of the model whose other files are in `folder`."""
    settings = {
        "format": FORMAT,
        "ignore_padding": ignore_padding,
        "temperature": dict(temperature),  # for the record: it is part of the graph
        "files": {name: _checksum(folder / name) for name in _NAMES},
    }
    write_json(settings, folder / SETTINGS_NAME)


def read_settings(folder: Path) -> dict[str, Any]:
    """Return what `write_settings` wrote. Raises ArtifactError if a file of the folder is missing or has changed."""
    if not folder.is_dir():
        raise ArtifactError(folder, "no such folder", "an exported model (`dvc repro export` makes one: data/model)")
    path = folder / SETTINGS_NAME
    settings = read_json(path)
    found = settings.get("format")
    if found != FORMAT:
        raise ArtifactError(path, f"format {found!r}", f"format {FORMAT}, that of this version: export the model again")
    if type(settings.get("ignore_padding")) is not bool:
        raise ArtifactError(path, f"ignore_padding {settings.get('ignore_padding')!r}", "true or false")
    files = settings.get("files")
    if not isinstance(files, dict) or not _REQUIRED <= set(files) <= set(_NAMES):
        names = ", ".join(files) if isinstance(files, dict) else repr(files)
        raise ArtifactError(path, f"files: {names or 'none'}", f"the SHA-256 of {', '.join(_NAMES)}")
    for name, checksum in files.items():
        if _checksum(folder / name) != checksum:
            raise ArtifactError(folder / name, "another file than was exported", "all files of one export")
    return settings


def _checksum(path: Path) -> str:
    try:
        check_file(path, _MAX_BYTES)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArtifactError(path, f"what cannot be read ({error.strerror})", "all files of one export") from error
