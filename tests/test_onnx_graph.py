"""The exported graph gives the probabilities of Keras, for every kind of model that the params allow."""

from typing import Any, get_args

import numpy as np
import pytest

from imdb_sentiment.artifacts.temperature import Temperature
from imdb_sentiment.prediction.onnx_session import import_onnxruntime
from imdb_sentiment.runtime.params import ModelParams
from tests.networks import INPUTS, POOLINGS, SEGMENT, TOKEN_IDS, VOCABULARY_SIZE, make_ensemble, predict

ACTIVATIONS = get_args(ModelParams.model_fields["activation"].annotation)
HALF, SINGLE = 10, 1  # ONNX's numbers for the types float16 and float32


def run_graph(saved: Any, inputs: dict[str, Any]) -> Any:
    from imdb_sentiment.export.onnx_graph import build_graph

    session = import_onnxruntime().InferenceSession(build_graph(saved).SerializeToString())
    return session.run(None, inputs)[0]


def assert_graph_equals_keras(inputs: dict[str, Any], **changes: Any) -> None:
    saved = make_ensemble(bidirectional=True, **changes)
    expected = predict(saved.as_single_model(), **inputs)
    np.testing.assert_allclose(run_graph(saved, inputs), expected, atol=1e-5)
    assert len(np.unique(expected.round(4))) > 1


@pytest.mark.parametrize("pooling", POOLINGS)
def test_graph_of_plain_model_equals_keras(pooling: str) -> None:
    assert_graph_equals_keras({"token_ids": TOKEN_IDS}, pooling=pooling, lstm_layers=2)


def test_graph_of_one_direction_equals_keras() -> None:
    saved = make_ensemble(lstm_layers=2)
    expected = predict(saved.as_single_model(), TOKEN_IDS)
    np.testing.assert_allclose(run_graph(saved, {"token_ids": TOKEN_IDS}), expected, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_graph_of_each_activation_equals_keras(activation: str) -> None:
    assert_graph_equals_keras({"token_ids": TOKEN_IDS}, activation=activation, pooling="last")


@pytest.mark.parametrize("pooling", POOLINGS)
def test_graph_of_model_that_counts_padding_equals_keras(pooling: str) -> None:
    assert_graph_equals_keras({"token_ids": TOKEN_IDS}, plain={"ignore_padding": False}, pooling=pooling)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("segment_length", [1, 3, 6, 9])
def test_graph_of_polarity_model_equals_keras(segment_length: int, pooling: str) -> None:
    polarity = {"segment_length": segment_length, "inputs": True, "scores": True}
    assert_graph_equals_keras(INPUTS, architecture="polarity", polarity=polarity, pooling=pooling)


@pytest.mark.parametrize(("inputs", "scores"), [(True, False), (False, True), (False, False)])
def test_graph_of_polarity_model_without_inputs_or_scores_equals_keras(inputs: bool, scores: bool) -> None:
    polarity = {"segment_length": SEGMENT, "inputs": inputs, "scores": scores}
    assert_graph_equals_keras(INPUTS, architecture="polarity", polarity=polarity, lstm_layers=2, pooling="max_mean")


def test_graph_of_ensemble_equals_keras_at_its_temperature() -> None:
    saved = make_ensemble(members=3, temperature=Temperature(0.75, -0.25, 0.5), architecture="polarity")
    found = run_graph(saved, INPUTS)
    np.testing.assert_allclose(found, predict(saved.as_single_model(), **INPUTS), atol=1e-5)
    assert np.abs(found - run_graph(make_ensemble(members=3, architecture="polarity"), INPUTS)).max() > 0.01


def test_padding_and_other_reviews_change_nothing() -> None:
    saved = make_ensemble(architecture="polarity", pooling="max_mean", bidirectional=True)
    expected = run_graph(saved, INPUTS)
    padded = {name: np.pad(array, [(0, 0), (0, 7), (0, 0)][: array.ndim]) for name, array in INPUTS.items()}
    np.testing.assert_allclose(run_graph(saved, padded), expected, atol=1e-6)
    for row in range(len(TOKEN_IDS)):
        alone = {name: array[row : row + 1, : row + 1] for name, array in INPUTS.items()}
        np.testing.assert_allclose(run_graph(saved, alone), expected[row : row + 1], atol=1e-6)


@pytest.mark.parametrize(("dtype", "onnx_type"), [(np.float16, HALF), (np.float32, SINGLE)])
def test_equal_models_give_equal_bytes_with_shared_vectors_once(dtype: Any, onnx_type: int) -> None:
    from imdb_sentiment.export.onnx_graph import build_graph

    def build() -> Any:
        frozen = {"pretrained_embeddings": True, "trainable_embeddings": False}
        saved = make_ensemble(members=2, architecture="polarity", **frozen)
        vectors = np.random.default_rng(3).normal(size=(VOCABULARY_SIZE, 4)).astype(dtype)
        for member in saved.members:
            member.get_layer("embedding").set_weights([vectors])
        return build_graph(saved)

    graph = build()
    assert graph.SerializeToString(deterministic=True) == build().SerializeToString(deterministic=True)
    tables = [table for table in graph.graph.initializer if list(table.dims) == [VOCABULARY_SIZE, 4]]
    assert [table.data_type for table in tables] == [onnx_type]
