"""An estimate of the memory that a fit needs: without enough, a process ends without a message."""

import os
from typing import Final

from imdb_sentiment.artifacts.polarity import CHANNELS
from imdb_sentiment.runtime.errors import ParamsError
from imdb_sentiment.runtime.params import ModelParams

# How many arrays of its own an optimizer keeps for each trained weight.
_OPTIMIZER_ARRAYS: Final = {"adam": 2, "adamw": 2, "nadam": 2, "rmsprop": 1, "adagrad": 1, "sgd": 0}
# Measured: gradients, the weights of the best epoch, and what the LSTM and the optimizer compute with.
_WORKING_COPIES: Final = 6
_FLOAT: Final = 4  # bytes


def check_memory(vocabulary_size: int, params: ModelParams, optimizer: str, members: int) -> None:
    """Raise ParamsError if fitting `members` models needs more memory than the machine has."""
    needed, available = estimate_memory(vocabulary_size, params, optimizer, members), machine_memory()
    if needed > available:
        raise ParamsError(
            f"model.lstm_units: found {params.lstm_units} in {params.lstm_layers} layers, for which a fit needs about "
            f"{needed / 2**30:.1f} GiB of memory; expected at most the {available / 2**30:.1f} GiB of this machine"
        )


def estimate_memory(vocabulary_size: int, params: ModelParams, optimizer: str, members: int) -> int:
    """Return the bytes that the weights of `members` models and all arrays of their size take in a fit.

    The arrays of a batch come on top.
    """
    kept = members * (1 + _OPTIMIZER_ARRAYS[optimizer])
    embedding_copies = kept + 2 if params.trainable_embeddings else members + 1
    embedding, others = vocabulary_size * params.embedding_dim, _count_other_weights(params)
    return _FLOAT * (embedding * embedding_copies + others * (kept + _WORKING_COPIES))


def _count_other_weights(params: ModelParams) -> int:
    """Return the number of weights of all layers after the embedding."""
    directions = 2 if params.bidirectional else 1
    width = params.embedding_dim + (CHANNELS if params.reads_polarity and params.polarity.inputs else 0)
    count = 0
    for _ in range(params.lstm_layers):
        count += directions * 4 * params.lstm_units * (width + params.lstm_units + 1)
        width = directions * params.lstm_units
    features = width * len(params.pooling.split("_"))
    features += CHANNELS if params.reads_polarity and params.polarity.scores else 0
    return count + features + 1


def machine_memory() -> int:
    """Return the bytes of this machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
