"""The exported graph gives what Keras gives, for every kind of model that the params allow."""

from typing import Any, get_args

import numpy as np
import onnxruntime
import pytest

from imdb_sentiment.runtime.params import ModelParams
from tests.test_model import POOLINGS, TOKEN_IDS, VOCABULARY_SIZE, draw_weights, model_params, predict, train_params
from tests.test_polarity_model import INPUTS, POLARITY
from tests.test_polarity_model import create as create_polarity

ACTIVATIONS = get_args(ModelParams.model_fields["activation"].annotation)


def saved_model(members: int = 1, temperature: float = 1.0, **changes: Any) -> Any:
    from imdb_sentiment.network.model import create_model
    from imdb_sentiment.network.saved_model import SavedModel

    params = model_params(**changes)
    train = train_params(members=members)
    models = [draw_weights(create_model(VOCABULARY_SIZE, params, train), seed) for seed in range(members)]
    return SavedModel(models, VOCABULARY_SIZE, params, train, temperature)


def run_graph(saved: Any, inputs: dict[str, Any]) -> Any:
    from imdb_sentiment.export.onnx_graph import build_graph

    session = onnxruntime.InferenceSession(build_graph(saved).SerializeToString())
    return session.run(None, inputs)[0]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_plain_model_says_the_same(pooling: str, bidirectional: bool) -> None:
    saved = saved_model(pooling=pooling, bidirectional=bidirectional, lstm_layers=2)
    expected = predict(saved.whole(), TOKEN_IDS)
    np.testing.assert_allclose(run_graph(saved, {"token_ids": TOKEN_IDS}), expected, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("ignore_padding", [False, True])
def test_every_activation_says_the_same_with_and_without_the_padding(activation: str, ignore_padding: bool) -> None:
    saved = saved_model(activation=activation, ignore_padding=ignore_padding, pooling="last", bidirectional=True)
    expected = predict(saved.whole(), TOKEN_IDS)
    np.testing.assert_allclose(run_graph(saved, {"token_ids": TOKEN_IDS}), expected, atol=1e-5)
    assert len(np.unique(expected.round(4))) > 1


@pytest.mark.parametrize("inputs", [False, True])
@pytest.mark.parametrize("scores", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("segment_length", [1, 3, 4, 6, 9])
def test_the_model_of_segments_says_the_same(segment_length: int, pooling: str, inputs: bool, scores: bool) -> None:
    saved = saved_model(
        architecture="polarity",
        segment_length=segment_length,
        pooling=pooling,
        polarity_inputs=inputs,
        polarity_scores=scores,
        bidirectional=True,
    )
    expected = predict(saved.whole(), TOKEN_IDS, polarity=POLARITY)
    np.testing.assert_allclose(run_graph(saved, INPUTS), expected, atol=1e-5)
    assert len(np.unique(expected.round(4))) > 1


def test_members_and_temperature_say_the_same() -> None:
    saved = saved_model(members=3, temperature=2.5, architecture="polarity")
    np.testing.assert_allclose(run_graph(saved, INPUTS), predict(saved.whole(), **INPUTS), atol=1e-5)
    cooler = saved_model(members=3, architecture="polarity")
    assert np.abs(run_graph(saved, INPUTS) - run_graph(cooler, INPUTS)).max() > 0.01


def test_padding_changes_nothing() -> None:
    saved = saved_model(architecture="polarity", pooling="max_mean", bidirectional=True)
    padded = {
        "token_ids": np.pad(TOKEN_IDS, [(0, 0), (0, 7)]),
        "polarity": np.pad(POLARITY, [(0, 0), (0, 7), (0, 0)]),
    }
    np.testing.assert_allclose(run_graph(saved, padded), run_graph(saved, INPUTS), atol=1e-6)
    for row in range(len(TOKEN_IDS)):
        length = int((TOKEN_IDS[row] != 0).sum())
        alone = {name: array[row : row + 1, :length] for name, array in INPUTS.items()}
        np.testing.assert_allclose(run_graph(saved, alone), run_graph(saved, INPUTS)[row : row + 1], atol=1e-6)


def test_equal_weights_make_equal_bytes_and_shared_vectors_stand_once_in_half_precision() -> None:
    from imdb_sentiment.export.onnx_graph import build_graph

    def build(half: bool) -> Any:
        shared = {"architecture": "polarity", "pretrained_embeddings": True, "trainable_embeddings": False}
        saved = saved_model(members=2, **shared)
        vectors = np.random.default_rng(3).normal(size=(VOCABULARY_SIZE, 4)).astype(np.float16 if half else np.float32)
        for member in saved.members:
            member.get_layer("embedding").set_weights([vectors])
        return build_graph(saved)

    one, other = build(half=True), build(half=True)
    assert one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)
    for half, dtype in ((True, 10), (False, 1)):  # ONNX's numbers of half and single precision
        tables = [its for its in build(half).graph.initializer if list(its.dims) == [VOCABULARY_SIZE, 4]]
        assert [its.data_type for its in tables] == [dtype]


def test_the_polarity_model_of_the_other_tests_says_the_same() -> None:
    from imdb_sentiment.network.saved_model import SavedModel

    model = draw_weights(create_polarity(pooling="max_mean", lstm_layers=2))
    params = model_params(architecture="polarity", bidirectional=True, pooling="max_mean", lstm_layers=2)
    saved = SavedModel([model], VOCABULARY_SIZE, params, train_params())
    np.testing.assert_allclose(run_graph(saved, INPUTS), predict(model, **INPUTS), atol=1e-5)
