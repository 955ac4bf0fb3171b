"""The exported model at work: texts in, labels and probabilities out, by ONNX Runtime and NumPy, without TensorFlow."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.batches import length_grouped_rows
from imdb_sentiment.artifacts.labels import THRESHOLD
from imdb_sentiment.artifacts.polarity import PolarityTable
from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.runtime.errors import ArtifactError, InputError
from imdb_sentiment.runtime.files import read_json, write_json
from imdb_sentiment.runtime.progress import Progress, no_progress
from imdb_sentiment.runtime.threads import map_in_threads
from imdb_sentiment.text.cleaning import clean_text
from imdb_sentiment.text.encoder import TextEncoder

FORMAT: Final = 1
SETTINGS_NAME: Final = "settings.json"
GRAPH_NAME: Final = "model.onnx"
VOCABULARY_NAME: Final = "vocabulary.json"
POLARITY_NAME: Final = "polarity.npz"
MODEL_FILES: Final = r"settings\.json|model\.onnx|vocabulary\.json|polarity\.npz"
# The states of so few reviews stay in a core's cache: a quarter faster than batches of 32.
BATCH_SIZE: Final = 8
CHUNK_SIZE: Final = 4096  # texts whose token ids are held at once
FEW_TEXTS: Final = 16  # fewer are tokenized one by one: Arrow takes longer to import than they take


class Prediction(NamedTuple):
    """What the model says of B texts.

    labels: int8 [B], 1 for positive, 0 for negative; probabilities: float64 [B], of being positive.
    """

    labels: NDArray[np.int8]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class SentimentModel:
    """An exported model with what turns a text into its inputs.

    >>> model = SentimentModel.load("data/model")
    >>> model.predict(["A wonderful film.", "What a waste of time!"]).labels
    array([1, 0], dtype=int8)
    """

    encoder: TextEncoder
    table: PolarityTable | None  # None for a model that reads no polarity
    ignore_padding: bool  # False: the model reads each review at the full length
    session: Any  # onnxruntime.InferenceSession: it ships no types

    @classmethod
    def load(cls, folder: Path | str) -> "SentimentModel":
        """Read what the stage `export` wrote to `folder`. Raises ArtifactError if a file is missing or another's."""
        folder = Path(folder)
        settings = read_settings(folder)
        encoder = TextEncoder.load(folder / VOCABULARY_NAME)
        session = _open_session(folder / GRAPH_NAME)
        reads_polarity = any(value.name == "polarity" for value in session.get_inputs())
        table = PolarityTable.load(folder / POLARITY_NAME) if reads_polarity else None
        return cls(encoder, table, settings["ignore_padding"], session)

    def predict(self, texts: Sequence[str], progress: Progress = no_progress) -> Prediction:
        """Return the label and probability of each of `texts`, in their order.

        A text without any word is told by what the model says of one unknown word. Raises InputError for what is no
        list of texts.
        """
        checked = _checked_texts(texts)
        y_prob = np.empty(len(checked), np.float64)
        with progress("Predicting", len(checked), "reviews") as task:
            for start in range(0, len(checked), CHUNK_SIZE):
                chunk = [clean_text(text) for text in checked[start : start + CHUNK_SIZE]]
                y_prob[start : start + CHUNK_SIZE] = self.predict_encoded(*self._encode(chunk))
                task.advance(len(chunk))
        return Prediction((y_prob >= THRESHOLD).astype(np.int8), y_prob)

    def predict_encoded(self, token_ids: NDArray[np.int32], lengths: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the probabilities `float64 [B]` of `token_ids int32 [B, T]`, padded on the right to `lengths [B]`."""
        y_prob = np.empty(len(lengths), np.float64)
        batches = length_grouped_rows(lengths, BATCH_SIZE)

        def run(rows: NDArray[Any]) -> NDArray[np.float32]:
            return self._run(token_ids[rows, : lengths[rows].max() if self.ignore_padding else None])

        # A thread for a single batch would take longer to start than a short review to read.
        results = map(run, batches) if len(batches) == 1 else map_in_threads(run, batches)
        for rows, found in zip(batches, results, strict=True):
            y_prob[rows] = found
        return y_prob

    def _encode(self, texts: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        if len(texts) >= FEW_TEXTS:
            return self.encoder.encode_all(texts)
        encoded = [self.encoder.encode(text) for text in texts]
        return pad(encoded, self.encoder.max_length), np.array([len(ids) for ids in encoded], np.int32)

    def _run(self, token_ids: NDArray[np.int32]) -> NDArray[np.float32]:
        inputs: dict[str, NDArray[Any]] = {"token_ids": token_ids}
        if self.table is not None:
            inputs["polarity"] = self.table.channels(token_ids).astype(np.float32)
        probabilities: NDArray[np.float32] = self.session.run(None, inputs)[0]
        return probabilities[:, 0]


def write_settings(folder: Path, ignore_padding: bool, temperature: float) -> None:
    """Write what `SentimentModel.load` must know of the model whose other files are in `folder`."""
    settings = {
        "format": FORMAT,
        "ignore_padding": ignore_padding,
        "temperature": temperature,  # for the record: it is part of the graph
        "files": {name: _checksum(folder / name) for name in (GRAPH_NAME, VOCABULARY_NAME, POLARITY_NAME)},
    }
    write_json(settings, folder / SETTINGS_NAME)


def read_settings(folder: Path) -> dict[str, Any]:
    """Return what `write_settings` wrote. Raises ArtifactError if a file of the folder is missing or has changed."""
    if not folder.is_dir():
        raise ArtifactError(folder, "no such folder", "an exported model (`dvc repro export` makes one: data/model)")
    settings = read_json(folder / SETTINGS_NAME)
    if settings.get("format") != FORMAT:
        raise ArtifactError(
            folder / SETTINGS_NAME,
            f"format {settings.get('format')!r}",
            f"format {FORMAT}, that of this version: export the model again",
        )
    files, ignore_padding = settings.get("files"), settings.get("ignore_padding")
    if (
        not isinstance(files, dict)
        or type(ignore_padding) is not bool
        or not {GRAPH_NAME, VOCABULARY_NAME} <= set(files)
    ):
        raise ArtifactError(folder / SETTINGS_NAME, "settings of no model", f"the checksums of {GRAPH_NAME} and others")
    for name, checksum in files.items():
        if _checksum(folder / name) != checksum:
            raise ArtifactError(folder / name, "another file than was exported", "all files of one export")
    return settings


def _checksum(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArtifactError(path, f"no file to read ({error.strerror})", "all files of one export") from error


def _open_session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # A thread a batch, not several at one: reviews are short, and threads that share one wait for each other.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base but this, and a graph that cannot run is the user's
        raise ArtifactError(path, f"what ONNX Runtime cannot load ({error})", "an ONNX graph") from error


def _checked_texts(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        raise InputError("texts: found one text; expected a list of texts")
    checked = list(texts)
    for index, text in enumerate(checked):
        if not isinstance(text, str):
            raise InputError(f"texts[{index}]: found {type(text).__name__} {text!r}; expected a text")
    return checked
