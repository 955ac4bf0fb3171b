"""Writing the trained model as the files that prediction needs, and comparing them with Keras."""

import shutil
from pathlib import Path
from typing import Final

import numpy as np

from imdb_sentiment.artifacts.polarity import PolarityTable
from imdb_sentiment.artifacts.predictions import read_predictions
from imdb_sentiment.artifacts.reviews import iterate_reviews
from imdb_sentiment.artifacts.vocabulary import Vocabulary
from imdb_sentiment.export.onnx_graph import build_graph
from imdb_sentiment.network.saved_model import load_model
from imdb_sentiment.prediction.model_folder import GRAPH_NAME, POLARITY_NAME, VOCABULARY_NAME, write_settings
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.runtime.errors import ArtifactError, ExportError
from imdb_sentiment.runtime.progress import Progress, no_progress

TOLERANCE: Final = 1e-4  # how much a probability may differ from Keras's


def write_exported_model(trained: Path, vocabulary: Path, polarity: Path, folder: Path) -> None:
    """Write the model in the folder `trained` to the new `folder`, as `SentimentModel` reads it.

    The JSON file `vocabulary` and the npz file `polarity` are copied; prediction reads polarity only if the model does.
    Raises ArtifactError or ParamsError.
    """
    saved = load_model(trained)
    sizes = {vocabulary: Vocabulary.load(vocabulary).size}
    if saved.params.reads_polarity:
        sizes[polarity] = PolarityTable.load(polarity).vocabulary_size
    for path, size in sizes.items():
        if size != saved.vocabulary_size:
            raise ArtifactError(path, f"{size} tokens", f"{saved.vocabulary_size}, those of the model {trained}")
    folder.mkdir()
    (folder / GRAPH_NAME).write_bytes(build_graph(saved).SerializeToString(deterministic=True))
    for name, source in {VOCABULARY_NAME: vocabulary, POLARITY_NAME: polarity}.items():
        try:
            shutil.copyfile(source, folder / name)
        except FileNotFoundError as error:
            raise ArtifactError(source, "no such file", "the output of an earlier stage") from error
    write_settings(folder, saved.params.ignores_padding, temperature=saved.temperature.as_dict())


def compare_with_keras(
    model: SentimentModel, reviews: Path, predictions: Path, progress: Progress = no_progress
) -> dict[str, float | int]:
    """Predict the test reviews from their texts, and compare with Keras's probabilities in the CSV table `predictions`.

    Returns how many reviews were compared and the largest difference. The texts are read from the Parquet table
    `reviews`. Raises ArtifactError, or ExportError for a difference above TOLERANCE.
    """
    by_keras = read_predictions(predictions)["probability"]
    texts: dict[str, str] = {}
    for batch in iterate_reviews(reviews, ["review_id", "text"]):
        rows = zip(batch["review_id"].to_pylist(), batch["text"].to_pylist(), strict=True)
        texts |= {review_id: text for review_id, text in rows if review_id in by_keras.index}
    if len(texts) < len(by_keras):
        raise ArtifactError(reviews, f"{len(texts)} of the reviews of {predictions}", f"all {len(by_keras)}")
    found = model.predict([texts[review_id] for review_id in by_keras.index], progress).probabilities
    differences = np.abs(found - by_keras.to_numpy())
    largest = int(differences.argmax())
    if not differences[largest] <= TOLERANCE:
        raise ExportError(
            f"{by_keras.index[largest]}: found the probability {found[largest]:.6f} by ONNX Runtime; expected that by "
            f"Keras, {by_keras.iloc[largest]:.6f}, within {TOLERANCE:g}"
        )
    return {"compared_reviews": len(by_keras), "largest_difference": float(differences[largest])}
