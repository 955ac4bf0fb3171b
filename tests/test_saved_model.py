"""The folder of a trained model: it loads as it was saved, and a damaged folder is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imdb_sentiment.artifacts.temperature import Temperature
from imdb_sentiment.runtime.errors import PipelineError
from tests.factories import snapshot
from tests.networks import (
    INPUTS,
    TOKEN_IDS,
    VOCABULARY_SIZE,
    draw_weights,
    make_ensemble,
    predict,
)

FROZEN = {"trainable_embeddings": False, "pretrained_embeddings": True}


def save(model: Any, folder: Path) -> Path:
    from imdb_sentiment.network.saved_model import save_model

    folder.mkdir()
    save_model(model, folder)
    return folder


def load(folder: Path) -> Any:
    from imdb_sentiment.network.saved_model import load_model

    return load_model(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"bidirectional": True, "lstm_layers": 2, "pooling": "mean", "l1": 0.001, "dropout_rate": 0.5},
        {"plain": {"ignore_padding": False}, "pooling": "last", "activation": "relu"},
        {"architecture": "polarity", "bidirectional": True, "pooling": "max_mean"},
    ],
)
def test_loaded_model_predicts_as_the_saved_one(tmp_path: Path, changes: dict[str, Any]) -> None:
    temperature = Temperature(0.5, -0.25, 1.0)
    saved = make_ensemble(members=2, temperature=temperature, **changes)
    loaded = load(save(saved, tmp_path / "model"))
    assert (loaded.params, loaded.train, loaded.temperature) == (saved.params, saved.train, temperature)
    assert loaded.vocabulary_size == VOCABULARY_SIZE
    inputs = INPUTS if saved.params.reads_polarity else {"token_ids": TOKEN_IDS}
    expected = predict(saved.as_single_model(), **inputs)
    np.testing.assert_array_equal(predict(loaded.as_single_model(), **inputs), expected)


def test_equal_models_give_equal_files(tmp_path: Path) -> None:
    first = snapshot(save(make_ensemble(), tmp_path / "first"))
    assert set(first) == {"model.json", "weights.npz"}
    assert snapshot(save(make_ensemble(), tmp_path / "second")) == first
    other = make_ensemble()
    draw_weights(other.members[0], seed=9)
    assert snapshot(save(other, tmp_path / "other"))["weights.npz"] != first["weights.npz"]


@pytest.mark.parametrize("members", [1, 2])
def test_probabilities_are_the_average_of_the_logits_over_the_temperature(members: int) -> None:
    saved = make_ensemble(members=members, temperature=Temperature(0.75, -0.25, 0.5))
    by_member = [predict(member, TOKEN_IDS).astype(float) for member in saved.members]
    logits = np.mean([np.log(y_prob / (1 - y_prob)) for y_prob in by_member], axis=0)
    found = predict(saved.as_single_model(), TOKEN_IDS)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits / saved.temperature.at(TOKEN_IDS)[:, None])), atol=1e-5)


def test_a_single_temperature_of_an_older_model_is_that_of_every_text(tmp_path: Path) -> None:
    from imdb_sentiment.network.saved_model import load_model

    folder = save(make_ensemble(), tmp_path / "model")
    change_settings(temperature=2.5)(folder)
    np.testing.assert_allclose(load_model(folder).temperature.at(TOKEN_IDS), 2.5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_frozen_pretrained_vectors_are_saved_once_and_as_small_as_they_can_be(tmp_path: Path, dtype: Any) -> None:
    saved = make_ensemble(members=2, **FROZEN)
    vectors = np.random.default_rng(0).normal(size=(VOCABULARY_SIZE, 4)).astype(dtype)
    for member in saved.members:
        member.get_layer("embedding").set_weights([vectors.astype(np.float32)])
    with np.load(save(saved, tmp_path / "model") / "weights.npz") as weights:
        assert [name for name in weights if "embedding" in name] == ["embedding/embeddings"]
        np.testing.assert_array_equal(weights["embedding/embeddings"], vectors, strict=True)
    loaded = load(tmp_path / "model")
    expected = predict(saved.as_single_model(), TOKEN_IDS)
    np.testing.assert_array_equal(predict(loaded.as_single_model(), TOKEN_IDS), expected)


def test_frozen_random_vectors_are_saved_for_each_member(tmp_path: Path) -> None:
    saved = make_ensemble(members=2, trainable_embeddings=False)
    loaded = load(save(saved, tmp_path / "model"))
    for found, expected in zip(loaded.members, saved.members, strict=True):
        np.testing.assert_array_equal(predict(found, TOKEN_IDS), predict(expected, TOKEN_IDS))


def change_settings(**changes: Any) -> Callable[[Path], None]:
    """Return a function that changes a folder's model.json: `model__lstm_units=5` changes a key of a section."""

    def change(folder: Path) -> None:
        settings = json.loads((folder / "model.json").read_text())
        for name, value in changes.items():
            *sections, key = name.split("__")
            section = settings[sections[0]] if sections else settings
            section[key] = value
        (folder / "model.json").write_text(json.dumps(settings))

    return change


def change_bias(value: Any) -> Callable[[Path], None]:
    """Return a function that changes the bias of the sigmoid unit in a folder's weights.npz."""

    def change(folder: Path) -> None:
        with np.load(folder / "weights.npz") as archive:
            weights = dict(archive)
        weights["member_1/sentiment/bias"] = np.array(value)
        np.savez(folder / "weights.npz", **weights)

    return change


@pytest.fixture(scope="module")
def saved_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all tests: do not change it."""
    return save(make_ensemble(), tmp_path_factory.mktemp("saved") / "model")


@pytest.mark.parametrize(
    ("damage", "file", "message"),
    [
        (lambda folder: (folder / "model.json").unlink(), "model.json", "found no such file"),
        (lambda folder: (folder / "weights.npz").unlink(), "weights.npz", "found no such file"),
        (lambda folder: (folder / "weights.npz").write_bytes(b"\x89HDF"), "weights.npz", "cannot be read as npz"),
        (change_settings(vocabulary_size="10"), "model.json", "found vocabulary_size '10'"),
        (change_settings(vocabulary_size=11), "weights.npz", "(10, 4) for embedding/embeddings"),
        (change_settings(temperature=0.0), "model.json", "found temperature 0.0"),
        (change_settings(temperature={"constant": 0.5}), "model.json", "expected a number above 0, or the numbers"),
        (change_settings(train__epochs=0), "model.json", "train: epochs: found 0"),
        (change_settings(train__members=2), "weights.npz", "nothing for embedding/embeddings"),
        (change_settings(model__heads=8), "model.json", "model: heads: found an unknown key"),
        (change_settings(model__lstm_units=5), "weights.npz", "(4, 16) for lstm_1/forward"),
        (change_bias([0.0, 0.0]), "weights.npz", "(2,) for sentiment/bias"),
        (change_bias(["x"]), "weights.npz", "sentiment/bias"),
        (change_bias(np.array([np.nan], np.float32)), "weights.npz", "sentiment/bias"),
    ],
)
def test_load_refuses_damaged_folder(
    saved_once: Path, tmp_path: Path, damage: Callable[[Path], object], file: str, message: str
) -> None:
    folder = shutil.copytree(saved_once, tmp_path / "model")
    damage(folder)
    with pytest.raises(PipelineError) as caught:
        load(folder)
    assert str(caught.value).startswith(f"{folder / file}: ")
    assert message in str(caught.value)
