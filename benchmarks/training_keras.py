"""The contenders of `benchmarks.training` that fit by Keras: this project's own epoch, and Keras's `fit`."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training_task import SEED, Losses, Task
from imdb_sentiment.artifacts.batches import take_batch
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.runtime.files import write_npz


def ours(data: str, params: dict[str, Any], steps: int, keras_lstm: bool = False) -> dict[str, Any]:
    """Fit an epoch as the stage train does, with `keras_lstm` by Keras's layers."""
    from imdb_sentiment.runtime.progress import no_progress
    from imdb_sentiment.training.epoch import fit_epoch
    from imdb_sentiment.training.fit import make_reproducible
    from imdb_sentiment.training.state import FitState

    task = Task(data, params, steps)
    make_reproducible(SEED)
    model = _create_model(task, keras_lstm)
    state, train_on_batch = FitState(model, task.train), model.train_on_batch

    def fit(part: Sequences) -> Losses:
        losses = []

        def record(*args: Any, **kwargs: Any) -> Any:
            metrics = train_on_batch(*args, **kwargs)
            losses.append(float(metrics["loss"]))
            return metrics

        model.train_on_batch = record
        fit_epoch(state, part, 1, params=task.model, train=task.train, progress=no_progress)
        return losses

    return task.run(fit)


def keras_padded(data: str, params: dict[str, Any], steps: int) -> dict[str, Any]:
    """Fit an epoch by Keras's LSTM layers and its `fit`, on arrays padded to max_length."""
    import keras

    task = Task(data, params, steps)
    keras.utils.set_random_seed(SEED)
    model = _create_model(task, keras_lstm=True)

    def fit(part: Sequences) -> Losses:
        means: Losses = []
        record = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: means.append(float(logs["loss"])))
        inputs, labels = take_batch(part, np.concatenate(task.batches(part)), trim=False)
        model.fit(inputs, labels, batch_size=task.train.batch_size, shuffle=False, verbose=0, callbacks=[record])
        totals = [mean * step for step, mean in enumerate(means, 1)]
        return np.diff(totals, prepend=0).tolist()

    return task.run(fit)


def first_weights(data: str, params: dict[str, Any], steps: int, output: str) -> dict[str, Any]:
    """Write the weights that the others begin with to an npz file, for PyTorch."""
    import keras

    task = Task(data, params, steps)
    keras.utils.set_random_seed(SEED)
    write_npz({weight.path: np.asarray(weight) for weight in _create_model(task, True).weights}, Path(output))
    return {}


def _create_model(task: Task, keras_lstm: bool) -> Any:
    from imdb_sentiment.network.lstm import RowwiseLSTM
    from imdb_sentiment.network.model import create_model

    model = create_model(task.vocabulary_size, task.model, task.train)
    embedding = model.get_layer("embedding")
    if task.vectors is not None:
        embedding.set_weights([task.vectors])
    for layer in model.layers:
        if isinstance(layer, RowwiseLSTM) and keras_lstm:
            layer.is_fast = False
            if task.model.reads_polarity and not task.model.embedding_dropout_rate:
                # Telling the distinct words apart would only cost Keras's layers time.
                embedding.call = lambda token_ids: (embedding.embeddings, token_ids)
    return model
