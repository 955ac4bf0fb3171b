"""The probabilities that a Keras model gives: to many reviews of the pipeline, or to texts that are new."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keras
import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.batches import length_grouped_rows, take_batch
from imdb_sentiment.artifacts.sequences import Sequences, pad
from imdb_sentiment.network.saved_model import load_model
from imdb_sentiment.ngrams.polarity import PolarityTable
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.progress import Progress, no_progress, track
from imdb_sentiment.text.cleaning import clean_text
from imdb_sentiment.text.encoder import TextEncoder

BATCH_SIZE: Final = 256


def predict_probabilities(
    model: keras.Model, sequences: Sequences, ignore_padding: bool = True, progress: Progress = no_progress
) -> NDArray[np.float64]:
    """Return the probabilities of the positive class, `float64 [B]`, in the order of the sequences."""
    batches = length_grouped_rows(sequences.lengths, BATCH_SIZE)
    y_prob = np.empty(len(sequences), np.float64)
    for rows in track(progress, batches, "Predicting", len(batches), "batches"):
        inputs, _ = take_batch(sequences, rows, trim=ignore_padding)
        y_prob[rows] = model.predict_on_batch(inputs)[:, 0]
    return y_prob


@dataclass(frozen=True)
class TextClassifier:
    """A trained model with what turns a text into its inputs."""

    model: keras.Model
    encoder: TextEncoder
    table: PolarityTable | None  # None for a model that reads no polarity
    ignore_padding: bool

    @classmethod
    def load(cls, folder: Path, vocabulary: Path, table: Path) -> "TextClassifier":
        """Read what the stages train, preprocess and polarity wrote. Raises ArtifactError or ParamsError."""
        saved = load_model(folder)
        reads_polarity = saved.params.architecture == "polarity"
        encoder = TextEncoder.load(vocabulary)
        polarity = PolarityTable.load(table) if reads_polarity else None
        sizes = {vocabulary: encoder.vocabulary_size} | ({table: polarity.vocabulary_size} if polarity else {})
        for path, size in sizes.items():
            if size != saved.vocabulary_size:
                raise ArtifactError(path, f"{size} tokens", f"{saved.vocabulary_size}, those of the model {folder}")
        return cls(saved.whole(), encoder, polarity, saved.params.ignore_padding or reads_polarity)

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Return the probabilities of the positive class, `float64 [B]`."""
        encoded = [self.encoder.encode(clean_text(text)) for text in texts]
        token_ids = pad(encoded, self.encoder.max_length)
        sequences = Sequences(
            review_ids=np.arange(len(texts)).astype(np.str_),
            token_ids=token_ids,
            lengths=np.array([len(ids) for ids in encoded], np.int32),
            labels=np.zeros(len(texts), np.int8),
            movies=np.arange(len(texts), dtype=np.int32),
            seen_in_train=np.zeros(len(texts), bool),
            polarity=self.table.channels(token_ids) if self.table else None,
        )
        return predict_probabilities(self.model, sequences, self.ignore_padding)
