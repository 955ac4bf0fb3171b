"""The folder of a trained model: its weights, and the params that its layers are built from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.artifacts.temperature import Temperature
from imdb_sentiment.network.layers import CalibratedAverage
from imdb_sentiment.network.model import create_model
from imdb_sentiment.network.predict import predict_probabilities
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_json, read_npz, write_json, write_npz
from imdb_sentiment.runtime.params import ModelParams, TrainParams, check
from imdb_sentiment.runtime.progress import Progress, no_progress

# Not a `.keras` file: it holds the time at which it was saved, so that equal models would differ.
SETTINGS_NAME: Final = "model.json"
WEIGHTS_NAME: Final = "weights.npz"
TRAINED_FILES: Final = r"model\.json|weights\.npz"


@dataclass(frozen=True)
class SavedModel:
    """An ensemble: its members, whose logits are averaged, and the temperature that divides the average."""

    members: list[keras.Model]
    vocabulary_size: int
    params: ModelParams
    train: TrainParams
    temperature: Temperature = field(default_factory=Temperature)

    def as_single_model(self) -> keras.Model:
        """Return one model with the members' inputs that gives the calibrated probabilities `float32 [B, 1]`."""
        if len(self.members) == 1 and self.temperature == Temperature():
            return self.members[0]
        inputs = {
            tensor.name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
            for tensor in self.members[0].inputs
        }
        for number, member in enumerate(self.members, 1):
            member.name = f"member_{number}"  # names may not be equal within a model
        probabilities = [member(inputs) for member in self.members]
        calibrated = CalibratedAverage(self.temperature, name="calibrated_average")(probabilities, inputs["token_ids"])
        return keras.Model(inputs, calibrated, name="ensemble")

    def predict(self, sequences: Sequences, progress: Progress = no_progress) -> NDArray[np.float64]:
        """Return the calibrated probabilities of the positive class, `float64 [B]`."""
        return predict_probabilities(self.as_single_model(), sequences, self.params.ignores_padding, progress)


def save_model(model: SavedModel, folder: Path) -> None:
    """Write the weights, and the params that `load_model` builds the layers from, into `folder`.

    Pretrained vectors that are not trained are equal in all members and written once. Weights that are not trained are
    written in half precision where that loses nothing, as with vectors that were read in half precision.
    """
    settings = {
        "vocabulary_size": model.vocabulary_size,
        "temperature": model.temperature.as_dict(),
        "model": model.params.model_dump(),
        "train": model.train.model_dump(),
    }
    write_json(settings, folder / SETTINGS_NAME)
    weights = {
        _entry_name(weight, number, model.params): _compact(weight)
        for number, member in enumerate(model.members, 1)
        for weight in member.weights
    }
    write_npz(weights, folder / WEIGHTS_NAME)


def load_model(folder: Path) -> SavedModel:
    """Return what `save_model` wrote. Raises ArtifactError or ParamsError."""
    settings_path, weights_path = folder / SETTINGS_NAME, folder / WEIGHTS_NAME
    settings = read_json(settings_path)
    vocabulary_size = settings.get("vocabulary_size")
    if type(vocabulary_size) is not int or vocabulary_size < 1:
        raise ArtifactError(settings_path, f"vocabulary_size {vocabulary_size!r}", "a whole number of at least 1")
    temperature = Temperature.parse(settings.get("temperature"), settings_path)
    params = check(settings.get("model"), ModelParams, f"{settings_path}: model")
    train = check(settings.get("train"), TrainParams, f"{settings_path}: train")
    weights = read_npz(weights_path)
    members = [create_model(vocabulary_size, params, train) for _ in range(train.members)]
    for number, member in enumerate(members, 1):
        for weight in member.weights:
            weight.assign(
                _checked(weights.get(_entry_name(weight, number, params)), weight, weights_path).astype(weight.dtype)
            )
    return SavedModel(members, vocabulary_size, params, train, temperature)


def _compact(weight: Any) -> NDArray[Any]:
    array = np.asarray(weight)
    half = array.astype(np.float16)
    return half if not weight.trainable and (half == array).all() else array


def _entry_name(weight: Any, number: int, params: ModelParams) -> str:
    # Vectors that are neither pretrained nor trained are random, and differ between the members.
    is_shared = params.pretrained_embeddings and not weight.trainable
    return str(weight.path) if is_shared else f"member_{number}/{weight.path}"


def _checked(found: NDArray[Any] | None, weight: Any, path: Path) -> NDArray[Any]:
    if found is None or found.shape != weight.shape:
        shape = "nothing" if found is None else found.shape
        raise ArtifactError(path, f"{shape} for {weight.path}", f"the shape {weight.shape}")
    dtypes = {weight.dtype} if weight.trainable else {weight.dtype, "float16"}
    if found.dtype.name not in dtypes or not np.isfinite(found).all():
        raise ArtifactError(path, f"{found.dtype} for {weight.path}, or infinite values", f"finite {weight.dtype}")
    return found
