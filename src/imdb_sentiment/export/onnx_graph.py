"""The trained model as an ONNX graph, which any ONNX runtime computes without Keras.

Built node by node rather than traced from Keras: the graph has only the operations of prediction, its LSTMs are ONNX's
own (which skip the padding of a review), what the members share is in it once, and equal weights give equal bytes. The
stage `export` compares its probabilities with Keras's.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from imdb_sentiment.artifacts.polarity import CHANNELS
from imdb_sentiment.artifacts.temperature import LARGEST, REFERENCE_LENGTH, Temperature
from imdb_sentiment.artifacts.vocabulary import PAD_ID, UNKNOWN_ID
from imdb_sentiment.network.saved_model import SavedModel
from imdb_sentiment.runtime.params import ModelParams

OPSET: Final = 17
IR_VERSION: Final = 8  # the one of opset 17, so that older runtimes can read the file
Array = NDArray[Any]


def build_graph(saved: SavedModel) -> onnx.ModelProto:
    """Return the graph that gives the calibrated `probabilities float32 [B, 1]`.

    It takes `token_ids int32 [B, T]` and, where the model reads it, `polarity float32 [B, T, 6]`.
    """
    graph = _Graph()
    inputs = [helper.make_tensor_value_info("token_ids", TensorProto.INT32, ["B", "T"])]
    if saved.params.reads_polarity:
        inputs.append(helper.make_tensor_value_info("polarity", TensorProto.FLOAT, ["B", "T", CHANNELS]))
    logits = [_Member(graph, member, saved.params).logit() for member in saved.members]
    total = logits[0] if len(logits) == 1 else graph.add("Sum", *logits)
    average = graph.add("Mul", total, graph.constant(np.array(1 / len(logits), np.float32)))
    calibrated = graph.add("Div", average, _temperatures(graph, saved.temperature))
    graph.nodes.append(helper.make_node("Sigmoid", [calibrated], ["probabilities"]))
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["B", 1])
    weights = [numpy_helper.from_array(array, name) for name, array in graph.constants.items()]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "imdb_sentiment", inputs, [output], weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="imdb-sentiment",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


@dataclass
class _Graph:
    """Nodes and constants; one that is added twice, as by two members, is in the graph once."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    _known: dict[Any, str] = field(default_factory=dict)

    def add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Return the name of the output of ONNX's `operation`."""
        key = (operation, inputs, repr(sorted(attributes.items())))
        if key not in self._known:
            self._known[key] = f"{operation.lower()}_{len(self.nodes)}"
            self.nodes.append(helper.make_node(operation, inputs, [self._known[key]], **attributes))
        return self._known[key]

    def constant(self, array: Array) -> str:
        """Return the name of `array`."""
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = f"constant_{len(self.constants)}"
            self.constants[self._known[key]] = array
        return self._known[key]

    def numbers(self, *values: int) -> str:
        """Return the name of a vector of integers, such as axes or a shape."""
        return self.constant(np.array(values, np.int64))

    def cast(self, value: str, to: int) -> str:
        return self.add("Cast", value, to=to)

    def size(self, axis: int) -> str:
        """Return the size `int64 [1]` of an axis of the token ids: 0 is B, 1 is T."""
        return self.add("Shape", "token_ids", start=axis, end=axis + 1)


class _Member:
    """Adds one member's layers to the graph (see `create_model`); the segments of all reviews are R = B * N rows."""

    def __init__(self, graph: _Graph, model: Any, params: ModelParams) -> None:
        self._graph, self._model, self._params = graph, model, params
        self._is_segmented = params.reads_polarity
        real = graph.add("Not", graph.add("Equal", "token_ids", graph.constant(np.array(PAD_ID, np.int32))))
        if not params.ignores_padding:
            real = graph.add("Equal", "token_ids", "token_ids")
        self._real = graph.cast(real, TensorProto.FLOAT)  # [B, T], 1 for a token
        self._lengths = graph.add("ReduceSum", self._real, graph.numbers(1), keepdims=1)  # [B, 1]

    def logit(self) -> str:
        """Return the logits, the sums of the sigmoid unit, `float32 [B, 1]`."""
        graph, params = self._graph, self._params
        rows = self._split(self._real, [])  # [R, S]
        row_lengths = graph.cast(graph.add("ReduceSum", rows, graph.numbers(1), keepdims=0), TensorProto.INT32)
        states = graph.add("Transpose", self._split(self._words(), [self._width()]), perm=[1, 0, 2])  # [S, R, E]
        for layer in range(1, params.lstm_layers + 1):
            if layer > 1:  # [S, D, R, H] -> [S, R, D * H]
                turned = graph.add("Transpose", states, perm=[0, 2, 1, 3])
                states = graph.add("Reshape", turned, graph.numbers(0, 0, -1))
            states = self._lstm(states, row_lengths, layer)
        mask = graph.add("Unsqueeze", graph.add("Transpose", rows, perm=[1, 0]), graph.numbers(1, 3))  # [S, 1, R, 1]
        features = [self._pool(states, mask, kind) for kind in params.pooling.split("_")]
        if self._is_segmented and params.polarity.scores:
            sums = graph.add("ReduceSum", "polarity", graph.numbers(1), keepdims=0)
            features.append(graph.add("Div", sums, graph.add("Sqrt", self._lengths)))
        kernel, bias = (np.asarray(weight) for weight in self._model.get_layer("sentiment").weights)
        joined = features[0] if len(features) == 1 else graph.add("Concat", *features, axis=1)
        return graph.add("Gemm", joined, graph.constant(kernel), graph.constant(bias))

    def _words(self) -> str:
        """Return the inputs of the first LSTM, `float32 [B, T, E]`."""
        graph = self._graph
        table = np.asarray(self._model.get_layer("embedding").weights[0])
        half = table.astype(np.float16)
        # Vectors that were read in half precision lose nothing by it, and take half the space.
        words = graph.add("Gather", graph.constant(half if (half == table).all() else table), "token_ids")
        words = graph.cast(words, TensorProto.FLOAT)
        if self._is_segmented and self._params.polarity.inputs:
            words = graph.add("Concat", words, "polarity", axis=2)
        return words

    def _width(self) -> int:
        reads_polarity = self._is_segmented and self._params.polarity.inputs
        return self._params.embedding_dim + (CHANNELS if reads_polarity else 0)

    def _split(self, value: str, rest: list[int]) -> str:
        """Return `[B, T, *rest]` as `[R, S, *rest]`, the last segment of a review filled up with zeros."""
        graph, segment_length = self._graph, self._params.polarity.segment_length
        if not self._is_segmented:
            return value
        segment = graph.numbers(segment_length)
        over = graph.add("Mod", graph.size(1), segment)
        missing = graph.add("Mod", graph.add("Sub", segment, over), segment)
        begin = graph.numbers(*[0] * (2 + len(rest) + 1))  # no padding before any axis, nor after B
        pads = [begin, missing, *([graph.numbers(*[0] * len(rest))] if rest else [])]
        filled = graph.add("Pad", value, graph.add("Concat", *pads, axis=0))
        return graph.add("Reshape", filled, graph.numbers(-1, segment_length, *rest))

    def _lstm(self, states: str, row_lengths: str, layer: int) -> str:
        """Return the states `[S, D, R, H]` of one layer for `[S, R, E]`."""
        directions = self._model.get_layer(f"lstm_{layer}").directions
        weights = [_lstm_weights(direction) for direction in directions]
        names = [self._graph.constant(np.stack(arrays)) for arrays in zip(*weights, strict=True)]
        activation = self._params.activation.capitalize()
        return self._graph.add(
            "LSTM",
            states,
            *names,
            row_lengths,
            hidden_size=self._params.lstm_units,
            direction="bidirectional" if self._params.bidirectional else "forward",
            activations=["Sigmoid", activation, activation] * len(directions),
        )

    def _pool(self, states: str, mask: str, kind: str) -> str:
        """Reduce `[S, D, R, H]` to `[B, D * H]` over the real tokens of each review, first within each segment."""
        graph = self._graph
        if kind == "max":
            # log(1) = 0 leaves a state as it is, log(0) = -inf hides it: in half the time of the operation Where.
            masked = graph.add("Add", states, graph.add("Log", mask))
            by_row = graph.add("ReduceMax", masked, axes=[0], keepdims=0)
            return self._join(graph.add("ReduceMax", self._by_review(by_row), axes=[2], keepdims=0))
        weighted = graph.add("Mul", states, mask if kind == "mean" else self._last())
        by_row = graph.add("ReduceSum", weighted, graph.numbers(0), keepdims=0)
        total = self._join(graph.add("ReduceSum", self._by_review(by_row), graph.numbers(2), keepdims=0))
        return graph.add("Div", total, self._lengths) if kind == "mean" else total

    def _last(self) -> str:
        """Return the mask `[S, 1, R, 1]` of each review's last real token."""
        graph = self._graph
        is_at_end = graph.add("Equal", graph.add("CumSum", self._real, graph.numbers(1)), self._lengths)
        last = graph.add("Mul", graph.cast(is_at_end, TensorProto.FLOAT), self._real)
        rows = self._split(last, [])
        return graph.add("Unsqueeze", graph.add("Transpose", rows, perm=[1, 0]), graph.numbers(1, 3))

    def _by_review(self, by_row: str) -> str:
        """Return `[D, R, H]` as `[D, B, N, H]`."""
        graph = self._graph
        shape = [graph.numbers(0), graph.size(0), graph.numbers(-1, self._params.lstm_units)]
        return graph.add("Reshape", by_row, graph.add("Concat", *shape, axis=0))

    def _join(self, by_review: str) -> str:
        """Return `[D, B, H]` as `[B, D * H]`."""
        turned = self._graph.add("Transpose", by_review, perm=[1, 0, 2])
        return self._graph.add("Reshape", turned, self._graph.numbers(0, -1))


def _temperatures(graph: _Graph, temperature: Temperature) -> str:
    """Return what `Temperature.at` returns, `float32 [B, 1]`."""

    def count(token_id: int) -> str:
        found = graph.add("Equal", "token_ids", graph.constant(np.array(token_id, np.int32)))
        return graph.add("ReduceSum", graph.cast(found, TensorProto.FLOAT), graph.numbers(1), keepdims=1)

    def number(value: float) -> str:
        return graph.constant(np.array(value, np.float32))

    lengths = graph.add("Sub", graph.cast(graph.size(1), TensorProto.FLOAT), count(PAD_ID))
    relative = graph.add("Mul", lengths, number(1 / REFERENCE_LENGTH))
    by_length = graph.add("Mul", graph.add("Log", relative), number(temperature.log_length))
    unknown = graph.add("Div", count(UNKNOWN_ID), lengths)
    by_unknown = graph.add("Mul", unknown, number(temperature.unknown_share))
    logs = graph.add("Sum", number(temperature.constant), by_length, by_unknown)
    bounded = graph.add("Clip", logs, number(-math.log(LARGEST)), number(math.log(LARGEST)))
    return graph.add("Exp", bounded)


def _lstm_weights(layer: Any) -> tuple[Array, Array, Array]:
    kernel, recurrent, bias = (np.asarray(weight) for weight in layer.weights)
    # ONNX has a second bias, which is 0 in Keras.
    biases = np.concatenate([_reorder_gates(bias), np.zeros_like(bias)])
    return _reorder_gates(kernel).T, _reorder_gates(recurrent).T, biases


def _reorder_gates(weights: Array) -> Array:
    """Return the gates `[..., 4 H]` in ONNX's order (i, o, f, c); Keras's is (i, f, c, o)."""
    i, f, c, o = np.split(weights, 4, axis=-1)
    return np.concatenate([i, o, f, c], axis=-1)
