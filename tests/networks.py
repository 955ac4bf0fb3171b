"""Tiny Keras models for tests, and a slow LSTM to compare them with."""

from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.polarity import CHANNELS
from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.artifacts.vocabulary import PAD_ID
from imdb_sentiment.runtime.params import ModelParams, TrainParams, read_yaml
from tests.factories import ROOT

VOCABULARY_SIZE = 10
SEGMENT = 4
POOLINGS = get_args(ModelParams.model_fields["pooling"].annotation)
# Reviews of 1 to 6 tokens, and a polarity for each token.
TOKEN_IDS = pad([[3], [4, 5], [6, 7, 8], [9, 2, 3, 4], [5, 6, 7, 8, 9], [2, 4, 6, 8, 3, 5]], 6)
_DRAWN = np.random.default_rng(7).normal(size=(6, 6, CHANNELS)).astype(np.float32)
POLARITY = np.where(TOKEN_IDS[..., None] != PAD_ID, _DRAWN, 0).astype(np.float32)
INPUTS: dict[str, Any] = {"token_ids": TOKEN_IDS, "polarity": POLARITY}
LABELS = np.array([[1], [0], [0], [1], [0], [1]], np.float32)
_DEFAULTS = read_yaml(ROOT / "params.yaml")


def model_params(**changes: Any) -> ModelParams:
    """Return the params of a tiny plain model without dropout; `plain` and `polarity` are whole sections."""
    rates = dict.fromkeys(("word_dropout_rate", "embedding_dropout_rate", "dropout_rate", "l1", "l2"), 0.0)
    tiny = {"embedding_dim": 4, "lstm_units": 4, "lstm_layers": 1, "bidirectional": False, "pooling": "max"}
    fixed = {"architecture": "plain", "activation": "tanh", "pretrained_embeddings": False}
    sections = {
        "trainable_embeddings": True,
        "plain": {"ignore_padding": True},
        "polarity": {"segment_length": SEGMENT, "inputs": True, "scores": True},
    }
    return ModelParams(**{**_DEFAULTS["model"], **tiny, **rates, **fixed, **sections, **changes})


def train_params(**changes: Any) -> TrainParams:
    """Return the params of a short fit."""
    tiny = {"optimizer": "adam", "learning_rate": 0.01, "batch_size": 4, "epochs": 2, "seed": 0}
    fixed = {"learning_rate_schedule": "constant", "clip_norm": 0.0, "averaged_share": 0.0, "members": 1}
    fixed |= {"pieces": 0.0, "edited_pieces": 0.0}
    return TrainParams(**{**_DEFAULTS["train"], **tiny, **fixed, **changes})


def create_plain(train: TrainParams | None = None, **changes: Any) -> Any:
    """Return a tiny model of the architecture plain."""
    from imdb_sentiment.network.model import create_baseline_model

    return create_baseline_model(VOCABULARY_SIZE, model_params(**changes), train or train_params())


def create_polarity(train: TrainParams | None = None, **changes: Any) -> Any:
    """Return a tiny model of the architecture polarity, bidirectional unless changed."""
    from imdb_sentiment.network.model import create_polarity_model

    params = model_params(**{"architecture": "polarity", "bidirectional": True, **changes})
    return create_polarity_model(VOCABULARY_SIZE, params, train or train_params())


def make_ensemble(members: int = 1, temperature: Any = None, **changes: Any) -> Any:
    """Return a SavedModel of tiny models with drawn weights, of the architecture plain unless changed."""
    from imdb_sentiment.artifacts.temperature import Temperature
    from imdb_sentiment.network.model import create_model
    from imdb_sentiment.network.saved_model import SavedModel

    params, train = model_params(**changes), train_params(members=members)
    models = [draw_weights(create_model(VOCABULARY_SIZE, params, train), seed) for seed in range(members)]
    return SavedModel(models, VOCABULARY_SIZE, params, train, temperature or Temperature())


def draw_weights(model: Any, seed: int = 0) -> Any:
    """Give every weight a value of about one, so that whatever should have no effect would show if it had one."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    return model


def predict(model: Any, token_ids: Any, **more: Any) -> NDArray[np.float32]:
    """Return the model's probabilities, `float32 [B, 1]`."""
    return np.asarray(model({"token_ids": token_ids, **more}, training=False))


def lstm_by_hand(inputs: NDArray[Any], layer: Any) -> NDArray[Any]:
    """Return the states `[T, H]` of the inputs `[T, E]`, step by step (Hochreiter, Schmidhuber 1997; Gers 2000)."""
    kernel, recurrent_kernel, bias = layer.get_weights()
    state = cell = np.zeros(recurrent_kernel.shape[0])
    states = []
    for step in inputs:
        input_gate, forget, candidate, output = np.split(step @ kernel + state @ recurrent_kernel + bias, 4)
        cell = cell / (1 + np.exp(-forget)) + np.tanh(candidate) / (1 + np.exp(-input_gate))
        state = np.tanh(cell) / (1 + np.exp(-output))
        states.append(state)
    return np.array(states)
