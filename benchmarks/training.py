"""Claim: an epoch of training is several times as fast as by Keras's `fit`, and faster than by PyTorch.

    python -m benchmarks.training

Measured by the params as they are, and by those of variants/plain.yaml, both at a constant learning rate, on 30 batches
or as many as `--reviews` fill:

- ours: the epoch of the stage train, in batches of about the same length without padding beyond the longest.
- keras_lstm: the same with Keras's LSTM layers in the place of this project's, as on other devices.
- keras_padded: Keras's LSTM layers and `fit` on arrays padded to max_length, as its guides have it.
- keras_whole: the same, but the LSTM reads each review in one piece, as in most tutorials: another model.
- torch_padded, torch_grouped: PyTorch's nn.LSTM on the padded arrays, and in batches that end with the longest review.

All but keras_whole are the same model, pooled over real tokens alone and with the same polarity inputs and scores. They
start from the same weights and take the same steps in the same order. Without dropout the losses of their steps are
equal but for rounding (tests/test_benchmarks.py); with it, PyTorch draws other random numbers. One difference is left,
where word vectors are trained: Keras's Adam adds the squares of the gradients of a word's occurrences, PyTorch's
squares their sum.
"""

from importlib.util import find_spec
from typing import Any, Final

from benchmarks.harness import ROOT, Contender, Setting, function, run_process, speed_app
from benchmarks.training_keras import first_weights, keras_padded, ours
from benchmarks.training_task import WARM_UP
from benchmarks.training_torch import torch_grouped
from imdb_sentiment.runtime.errors import ParamsError
from imdb_sentiment.runtime.params import Params, check, read_yaml
from imdb_sentiment.workspaces.project import merge

STEPS: Final = 30
_OTHER_MODEL: Final = "another model: its LSTM reads each review in one piece"
_OTHER_STEPS: Final = (
    "word vectors take other steps: Keras and PyTorch differ in the square of a repeated word's gradient"
)


def contenders(setting: Setting) -> dict[str, list[Contender]]:
    """Return ways to fit by the params, and by those of the plain variant."""
    changes = {"default": {}, "plain": read_yaml(ROOT / "variants/plain.yaml")}
    return {
        f"training by {name} params: one pass, tokens of text": _contenders(name, changed, setting)
        for name, changed in changes.items()
    }


def _contenders(name: str, changes: dict[str, Any], setting: Setting) -> list[Contender]:
    constant = {"train": {"learning_rate_schedule": "constant"}}
    params = check(merge(merge(setting.params.model_dump(), changes), constant), Params, name)
    _check_equal_models(params, name)
    reviews = setting.reviews or (STEPS + WARM_UP) * params.train.batch_size
    steps = reviews // params.train.batch_size - WARM_UP
    task: dict[str, Any] = {"data": setting.data, "params": params.model_dump(), "steps": steps}
    weights = setting.folder / f"{name}.npz"
    if find_spec("torch"):
        run_process(function(first_weights, **task, output=weights).command)
    note = _OTHER_STEPS if params.model.trainable_embeddings else None
    by_torch: dict[str, Any] = {"weights": weights, "note": note}
    found = [
        function(ours, needs="keras", **task),
        function(ours, "keras_lstm", "keras", **task, keras_lstm=True),
        function(keras_padded, needs="keras", **task),
        function(torch_grouped, needs="torch", **task, **by_torch),
        function(torch_grouped, "torch_padded", "torch", **task, **by_torch, padded=True),
    ]
    if params.model.reads_polarity:
        whole = merge(params.model_dump(), {"model": {"polarity": {"segment_length": params.preprocess.max_length}}})
        found.append(function(keras_padded, "keras_whole", "keras", _OTHER_MODEL, **{**task, "params": whole}))
    return found


def _check_equal_models(params: Params, name: str) -> None:
    """Raise ParamsError for what PyTorch's contender does not have."""
    model, train = params.model, params.train
    expected = {"optimizer": "adam", "averaged_share": 0, "activation": "tanh", "lstm_layers": 1, "l1": 0, "l2": 0}
    for key, value in expected.items():
        found = getattr(train if key in type(train).model_fields else model, key)
        if found != value:
            raise ParamsError(f"{name}: {key}: found {found!r}; expected {value!r}: all contenders are measured so")
    if model.pooling == "last" or not model.ignores_padding:
        raise ParamsError(f"{name}: found pooling of the last state or of padding; expected neither")


app = speed_app("training", "tokens", contenders)

if __name__ == "__main__":
    app()
