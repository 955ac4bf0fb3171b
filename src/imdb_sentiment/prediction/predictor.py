"""The exported model: texts in, labels and probabilities out, by ONNX Runtime and NumPy, without TensorFlow."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.batches import length_grouped_rows
from imdb_sentiment.artifacts.labels import LABEL_NAMES, THRESHOLD
from imdb_sentiment.artifacts.polarity import PolarityTable
from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.artifacts.vocabulary import UNKNOWN_ID
from imdb_sentiment.prediction.model_folder import (
    GRAPH_NAME,
    POLARITY_NAME,
    SETTINGS_NAME,
    VOCABULARY_NAME,
    read_settings,
)
from imdb_sentiment.prediction.onnx_session import open_session
from imdb_sentiment.runtime.errors import ArtifactError, InputError
from imdb_sentiment.runtime.progress import Progress, no_progress
from imdb_sentiment.runtime.threads import map_in_threads
from imdb_sentiment.text.cleaning import clean_text
from imdb_sentiment.text.encoder import TextEncoder

# The states of so few reviews stay in a core's cache: a quarter faster than batches of 32.
BATCH_SIZE: Final = 8
# Texts and token ids that are held at once.
CHUNK_SIZE: Final = 4096
_CHUNK_IDS: Final = 4_000_000
_BATCH_IDS: Final = 16_384  # of texts of up to 2,048 tokens, a batch has BATCH_SIZE
FEW_TEXTS: Final = 16  # fewer are tokenized one by one: Arrow takes longer to import than they take
LONGEST: Final = 100_000  # tokens of a review, as in params.yaml


class Prediction(NamedTuple):
    """The predictions for B texts.

    labels: int8 [B], 1 for positive, 0 for negative; probabilities: float64 [B], of being positive.
    """

    labels: NDArray[np.int8]
    probabilities: NDArray[np.float64]

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return a dictionary for each text, ready for JSON: `[{"label": "positive", "probability": 0.98}]`."""
        pairs = zip(self.labels.tolist(), self.probabilities.tolist(), strict=True)
        return [{"label": LABEL_NAMES[label], "probability": probability} for label, probability in pairs]


@dataclass(frozen=True, eq=False, repr=False)
class SentimentModel:
    """An exported model with what turns a text into its inputs.

    Two models are equal if they are of one folder and its files are the same. A model can be sent to another process:
    its folder travels, and is loaded there.

    >>> model = SentimentModel.load("data/model")
    >>> model.predict(["A wonderful film.", "What a waste of time!"]).labels
    array([1, 0], dtype=int8)
    """

    encoder: TextEncoder
    table: PolarityTable | None  # None for a model that reads no polarity
    ignore_padding: bool  # False: the model reads each review at the full length
    session: Any  # onnxruntime.InferenceSession: it ships no types
    folder: Path | None = None  # where it was loaded from
    checksums: tuple[tuple[str, str], ...] = ()  # of its files, by their names
    threads: int | None = None  # None for one for each core

    @classmethod
    def load(cls, folder: Path | str, threads: int | None = None) -> "SentimentModel":
        """Read what the stage `export` wrote to `folder`.

        `threads`: how many classify texts at once; by default one for each core that the process may use.
        Raises ArtifactError if a file is missing, has changed, or does not fit the others, ValueError for less than one
        thread.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads: found {threads}; expected 1 or more")
        folder = Path(folder)
        settings = read_settings(folder)
        encoder = TextEncoder.load(folder / VOCABULARY_NAME)
        if encoder.max_length > LONGEST:
            raise ArtifactError(folder / VOCABULARY_NAME, f"max_length {encoder.max_length}", f"at most {LONGEST}")
        session = open_session(folder / GRAPH_NAME)
        reads_polarity = any(value.name == "polarity" for value in session.get_inputs())
        if reads_polarity and POLARITY_NAME not in settings["files"]:
            raise ArtifactError(folder / SETTINGS_NAME, f"no {POLARITY_NAME}", "its SHA-256, as the graph reads it")
        table = PolarityTable.load(folder / POLARITY_NAME) if reads_polarity else None
        if table is not None and table.vocabulary_size != encoder.size:
            expected = f"{encoder.size}, as {VOCABULARY_NAME} has"
            raise ArtifactError(folder / POLARITY_NAME, f"{table.vocabulary_size} tokens", expected)
        checksums = tuple(sorted(settings["files"].items()))
        model = cls(encoder, table, settings["ignore_padding"], session, folder.resolve(), checksums, threads)
        model._check_graph(folder / GRAPH_NAME)
        return model

    def __repr__(self) -> str:
        tokens = f"{self.encoder.size:,} tokens, reads {self.encoder.max_length:,} of a text"
        return f"SentimentModel({str(self.folder)!r}: {tokens})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SentimentModel) or self.folder is None:
            return self is other
        return (self.folder, self.checksums) == (other.folder, other.checksums)

    def __hash__(self) -> int:
        return id(self) if self.folder is None else hash((self.folder, self.checksums))

    def __reduce__(self) -> tuple[Any, ...]:
        if self.folder is None:
            raise TypeError("found a model that was not loaded from a folder; expected one by SentimentModel.load")
        return SentimentModel.load, (self.folder, self.threads)

    @property
    def classes_(self) -> NDArray[np.int8]:
        """The labels of the columns of `predict_proba`: `int8 [2]`, as scikit-learn names them."""
        return np.array([0, 1], np.int8)

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the probabilities of being negative and of being positive, `float64 [B, 2]`, as scikit-learn does.

        What explains or measures any classifier takes this function. Raises what `predict` raises.
        """
        positive = self.predict(texts).probabilities
        return np.stack([1 - positive, positive], axis=1)

    def predict(self, texts: Sequence[str], progress: Progress = no_progress) -> Prediction:
        """Return the label and probability of each of `texts`, in order.

        A text without any word gets the prediction for one unknown word. Raises TypeError for what is not a list of
        texts, InputError for an item that is not a text.
        """
        return self.predict_with_known(texts, progress)[0]

    def predict_with_known(
        self, texts: Sequence[str], progress: Progress = no_progress
    ) -> tuple[Prediction, NDArray[np.bool_]]:
        """Return what `predict` returns, and which texts have a word that the model knows: `bool [B]`."""
        checked = _check_texts(texts)
        y_prob = np.empty(len(checked), np.float64)
        is_known = np.empty(len(checked), np.bool_)
        size = min(CHUNK_SIZE, max(BATCH_SIZE, _CHUNK_IDS // self.encoder.max_length))
        with progress("Predicting", len(checked), "reviews") as task:
            for start in range(0, len(checked), size):
                chunk = [clean_text(text) for text in checked[start : start + size]]
                token_ids, lengths = self._encode(chunk)
                y_prob[start : start + size] = self.predict_encoded(token_ids, lengths)
                is_known[start : start + size] = (token_ids > UNKNOWN_ID).any(axis=1)
                task.advance(len(chunk))
        return Prediction((y_prob >= THRESHOLD).astype(np.int8), y_prob), is_known

    def predict_encoded(self, token_ids: NDArray[np.int32], lengths: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the probabilities `float64 [B]` of `token_ids int32 [B, T]`, padded on the right to `lengths [B]`."""
        y_prob = np.empty(len(lengths), np.float64)
        # The states of a batch are in memory for all of its tokens.
        size = max(1, min(BATCH_SIZE, _BATCH_IDS // max(1, token_ids.shape[1])))
        batches = length_grouped_rows(lengths, size)

        def run(rows: NDArray[Any]) -> NDArray[np.float32]:
            return self._run(token_ids[rows, : lengths[rows].max() if self.ignore_padding else None])

        # A thread for a single batch would take longer to start than a short review takes to read.
        results = map(run, batches) if len(batches) == 1 else map_in_threads(run, batches, self.threads)
        for rows, found in zip(batches, results, strict=True):
            y_prob[rows] = found
        return y_prob

    def _encode(self, texts: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        if len(texts) >= FEW_TEXTS:
            return self.encoder.encode_all(texts, self.threads)
        encoded = [self.encoder.encode(text) for text in texts]
        return pad(encoded, self.encoder.max_length), np.array([len(ids) for ids in encoded], np.int32)

    def _run(self, token_ids: NDArray[np.int32]) -> NDArray[np.float32]:
        inputs: dict[str, NDArray[Any]] = {"token_ids": token_ids}
        if self.table is not None:
            inputs["polarity"] = self.table.channels(token_ids).astype(np.float32)
        probabilities: NDArray[np.float32] = self.session.run(None, inputs)[0]
        return probabilities[:, 0]

    def _check_graph(self, path: Path) -> None:
        """Raise ArtifactError unless the graph gives a probability for the vocabulary's largest id."""
        ids = [self.encoder.size - 1]
        expected = "a graph that gives probabilities for the ids of its vocabulary"
        try:
            found = self.predict_encoded(pad([ids], self.encoder.max_length), np.array([1], np.int32))[0]
        except Exception as error:  # ONNX Runtime's errors have no other common base
            raise ArtifactError(path, f"a graph that fails for the id {ids[0]} ({error})", expected) from error
        if not 0 <= found <= 1:
            raise ArtifactError(path, f"the output {found}", expected)


def _check_texts(texts: Sequence[str]) -> list[str]:
    # Each of these can be iterated over, but not text by text, or in no order.
    is_other = isinstance(texts, str | bytes | Mapping | Set) or len(getattr(texts, "shape", (0,))) != 1
    if is_other or not hasattr(texts, "__iter__"):
        raise TypeError(
            f"texts: found {type(texts).__name__}; expected a list of texts, or a column of them such as frame['text']"
        )
    checked = list(texts)
    for index, text in enumerate(checked):
        if not isinstance(text, str):
            raise InputError(f"texts[{index}]: found {type(text).__name__} {text!r}; expected a text")
    return checked
