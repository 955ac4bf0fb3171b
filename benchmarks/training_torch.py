"""The contender of `benchmarks.training` that fits by PyTorch; TensorFlow must not be imported in its process."""

import itertools
from typing import Any

import numpy as np

from benchmarks.training_task import SEED, Losses, Task
from imdb_sentiment.artifacts.batches import take_batch
from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.artifacts.vocabulary import PAD_ID, UNKNOWN_ID


def torch_grouped(data: str, params: dict[str, Any], steps: int, weights: str, padded: bool = False) -> dict[str, Any]:
    """Fit an epoch by PyTorch's `nn.LSTM`, from the `weights` in an npz file."""
    import torch

    task = Task(data, params, steps)
    torch.manual_seed(SEED)
    with np.load(weights) as arrays:
        model = _create_model(task, {name: torch.from_numpy(arrays[name]) for name in arrays.files})
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(trained, task.train.learning_rate)
    loss_of, numbers = torch.nn.BCEWithLogitsLoss(), itertools.count(1)

    def fit(part: Sequences) -> Losses:
        losses = []
        for rows in task.batches(part):
            inputs, labels = take_batch(part, rows, trim=not padded)
            tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in inputs.items()}
            optimizer.zero_grad()
            loss = loss_of(model(torch.from_numpy(part.lengths[rows]), **tensors), torch.from_numpy(labels))
            loss.backward()
            if task.train.clip_norm:
                torch.nn.utils.clip_grad_norm_(trained, task.train.clip_norm)
            # Keras adds its epsilon before it corrects the bias of the second moment, PyTorch afterwards.
            optimizer.param_groups[0]["eps"] = 1e-7 / (1 - 0.999 ** next(numbers)) ** 0.5
            optimizer.step()
            losses.append(float(loss))
        return losses

    return task.run(fit)


def _create_model(task: Task, weights: dict[str, Any]) -> Any:
    import torch
    from torch import nn

    params = task.model
    segment = params.polarity.segment_length if params.reads_polarity else 0

    def lstm(path: str) -> Any:
        kernel, recurrent, bias = (
            weights[f"{path}/lstm_cell/{name}"] for name in ("kernel", "recurrent_kernel", "bias")
        )
        layer = nn.LSTM(len(kernel), params.lstm_units, batch_first=True)
        # The gates are in the order of Keras's. Of the two biases, whose sum counts, one stays 0.
        for weight, value in zip(layer.all_weights[0], (kernel.T, recurrent.T, bias, 0 * bias), strict=True):
            weight.data.copy_(value)
        layer.bias_hh_l0.requires_grad = False
        return layer

    def reverse(rows: Any, lengths: Any) -> Any:
        steps, ends = torch.arange(rows.shape[1]), lengths[:, None]
        source = torch.where(steps < ends, ends - 1 - steps, steps) + rows.shape[1] * torch.arange(len(rows))[:, None]
        return rows.flatten(0, 1).index_select(0, source.flatten()).reshape(rows.shape)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            frozen = not params.trainable_embeddings
            self.embedding = nn.Embedding.from_pretrained(weights["embedding/embeddings"], freeze=frozen)
            self.words_dropout, self.dropout = (
                nn.Dropout1d(params.embedding_dropout_rate),
                nn.Dropout(params.dropout_rate),
            )
            directions = ("forward", "backward") if params.bidirectional else ("forward",)
            self.lstms = nn.ModuleList(lstm(f"lstm_1/{direction}") for direction in directions)
            self.sentiment = nn.Linear(len(weights["sentiment/kernel"]), 1)
            self.sentiment.weight.data.copy_(weights["sentiment/kernel"].T)
            self.sentiment.bias.data.copy_(weights["sentiment/bias"])

        def forward(self, lengths: Any, token_ids: Any, polarity: Any = None) -> Any:
            batch, longest = token_ids.shape
            hidden = (torch.rand(token_ids.shape) < params.word_dropout_rate) & (token_ids != PAD_ID)
            words = self.embedding(token_ids.masked_fill(hidden, UNKNOWN_ID))
            words, ends = self.words_dropout(words.transpose(1, 2)).transpose(1, 2), lengths
            if segment:
                words = torch.cat([words, polarity], 2) if params.polarity.inputs else words
                words = nn.functional.pad(words, (0, 0, 0, -longest % segment)).reshape(-1, segment, words.shape[2])
                ends = (lengths[:, None] - torch.arange(0, longest, segment)).clamp(0, segment).flatten()
            states = self.lstms[0](words)[0]
            if params.bidirectional:
                states = torch.cat([states, reverse(self.lstms[1](reverse(words, ends))[0], ends)], 2)
            states = states.reshape(batch, -1, states.shape[2])
            is_real = (torch.arange(states.shape[1]) < lengths[:, None])[:, :, None]
            pooled = {
                "max": states.masked_fill(~is_real, -torch.inf).amax(1),
                "mean": (states * is_real).sum(1) / lengths[:, None],
            }
            features = self.dropout(torch.cat([pooled[name] for name in params.pooling.split("_")], 1))
            if segment and params.polarity.scores:
                features = torch.cat([features, polarity.sum(1) / lengths[:, None].sqrt()], 1)
            return self.sentiment(features)

    return Model()
