"""The folder that keeps a trained model: what is saved comes back, and nothing that is broken is loaded."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imdb_sentiment.runtime.errors import PipelineError
from tests.conftest import snapshot
from tests.test_model import TOKEN_IDS, VOCABULARY_SIZE, create, draw_weights, model_params, predict, train_params

BIAS = "member_1/sentiment/bias"


def save(model: Any, folder: Path, **changes: Any) -> Path:
    from imdb_sentiment.network.saved_model import SavedModel, save_model

    folder.mkdir()
    save_model(SavedModel([model], VOCABULARY_SIZE, model_params(**changes), train_params()), folder)
    return folder


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"bidirectional": True, "lstm_layers": 2, "pooling": "mean", "l1": 0.001, "dropout_rate": 0.5},
        {"ignore_padding": False, "pooling": "last", "activation": "relu"},
    ],
)
def test_a_saved_and_loaded_model_predicts_the_same(tmp_path: Path, changes: dict[str, Any]) -> None:
    from imdb_sentiment.network.saved_model import load_model

    model = draw_weights(create(**changes))
    loaded = load_model(save(model, tmp_path / "model", **changes))
    assert loaded.params == model_params(**changes)
    assert loaded.vocabulary_size == VOCABULARY_SIZE
    np.testing.assert_array_equal(predict(loaded.whole(), TOKEN_IDS), predict(model, TOKEN_IDS))


def test_equal_models_make_equal_files(tmp_path: Path) -> None:
    one = snapshot(save(draw_weights(create()), tmp_path / "one"))
    assert snapshot(save(draw_weights(create()), tmp_path / "two")) == one
    assert set(one) == {"model.json", "weights.npz"}
    assert snapshot(save(draw_weights(create(), seed=1), tmp_path / "other"))["weights.npz"] != one["weights.npz"]


def in_settings(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def break_it(folder: Path) -> None:
        settings = json.loads((folder / "model.json").read_text())
        change(settings)
        (folder / "model.json").write_text(json.dumps(settings))

    return break_it


def in_weights(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def break_it(folder: Path) -> None:
        with np.load(folder / "weights.npz") as archive:
            weights = dict(archive)
        change(weights)
        np.savez(folder / "weights.npz", **weights)

    return break_it


@pytest.mark.parametrize(
    ("break_it", "file", "message"),
    [
        (lambda folder: (folder / "model.json").unlink(), "model.json", "found no such file"),
        (lambda folder: (folder / "weights.npz").unlink(), "weights.npz", "found no such file"),
        (lambda folder: (folder / "model.json").write_text("[]"), "model.json", "a JSON list"),
        (lambda folder: (folder / "weights.npz").write_bytes(b"\x89HDF"), "weights.npz", "cannot be read as npz"),
        (in_settings(lambda its: its.clear()), "model.json", "found vocabulary_size None"),
        (in_settings(lambda its: its.update(vocabulary_size="10")), "model.json", "vocabulary_size"),
        (in_settings(lambda its: its.update(vocabulary_size=-1)), "model.json", "vocabulary_size"),
        (in_settings(lambda its: its.update(vocabulary_size=11)), "weights.npz", "(10, 4) for embedding/embeddings"),
        (in_settings(lambda its: its.pop("model")), "model.json", "model"),
        (in_settings(lambda its: its.pop("temperature")), "model.json", "found temperature None"),
        (in_settings(lambda its: its.update(temperature="hot")), "model.json", "found temperature 'hot'"),
        (in_settings(lambda its: its.update(temperature=0.0)), "model.json", "found temperature 0.0"),
        (in_settings(lambda its: its.update(temperature=-1.0)), "model.json", "found temperature -1.0"),
        (in_settings(lambda its: its.update(temperature=math.inf)), "model.json", "found temperature inf"),
        (in_settings(lambda its: its["train"].update(members=2)), "weights.npz", "nothing for embedding/embeddings"),
        (in_settings(lambda its: its["train"].update(epochs=0)), "model.json", "train: epochs: found 0"),
        (in_settings(lambda its: its["model"].update(heads=8)), "model.json", "model: heads: found an unknown key"),
        (in_settings(lambda its: its["model"].update(lstm_units=5)), "weights.npz", "(4, 16) for lstm_1/forward"),
        (in_weights(lambda its: its.pop(BIAS)), "weights.npz", "nothing for sentiment/bias"),
        (in_weights(lambda its: its.clear()), "weights.npz", "nothing for embedding/embeddings"),
        (
            in_weights(lambda its: its.update({"member_1/sentiment/bias": np.zeros(2)})),
            "weights.npz",
            "(2,) for sentiment/bias",
        ),
        (
            in_weights(lambda its: its.update({"member_1/sentiment/bias": np.array(["x"])})),
            "weights.npz",
            "sentiment/bias",
        ),
        (
            in_weights(lambda its: its.update({"member_1/sentiment/bias": np.array([np.nan])})),
            "weights.npz",
            "sentiment/bias",
        ),
    ],
)
def test_a_folder_that_holds_no_model_is_refused(
    tmp_path: Path, break_it: Callable[[Path], object], file: str, message: str
) -> None:
    from imdb_sentiment.network.saved_model import load_model

    folder = save(create(), tmp_path / "model")
    break_it(folder)
    with pytest.raises(PipelineError) as caught:
        load_model(folder)
    assert str(caught.value).startswith(f"{folder / file}: ")
    assert message in str(caught.value)


FROZEN = {"trainable_embeddings": False, "pretrained_embeddings": True}


def ensemble(temperature: float = 1.0, **changes: Any) -> Any:
    from imdb_sentiment.network.saved_model import SavedModel

    members = [draw_weights(create(**changes), seed) for seed in (1, 2)]
    return SavedModel(members, VOCABULARY_SIZE, model_params(**changes), train_params(members=2), temperature)


def test_the_logits_of_the_members_are_averaged_and_divided_by_the_temperature() -> None:
    saved = ensemble(temperature=2.5)
    one, two = (predict(member, TOKEN_IDS).astype(float) for member in saved.members)
    logits = (np.log(one / (1 - one)) + np.log(two / (1 - two))) / 2
    np.testing.assert_allclose(predict(saved.whole(), TOKEN_IDS), 1 / (1 + np.exp(-logits / 2.5)), atol=1e-5)


def test_several_members_come_back_and_what_does_not_train_stands_once(tmp_path: Path) -> None:
    from imdb_sentiment.network.saved_model import load_model, save_model

    saved = ensemble(temperature=0.5, **FROZEN)
    vectors = np.linspace(-1, 1, 40, dtype=np.float16).reshape(10, 4)
    for member in saved.members:
        member.get_layer("embedding").set_weights([vectors.astype(np.float32)])
    save_model(saved, tmp_path)
    with np.load(tmp_path / "weights.npz") as weights:
        assert [name for name in weights if "embedding" in name] == ["embedding/embeddings"]
        np.testing.assert_array_equal(weights["embedding/embeddings"], vectors, strict=True)
    loaded = load_model(tmp_path)
    np.testing.assert_array_equal(predict(loaded.whole(), TOKEN_IDS), predict(saved.whole(), TOKEN_IDS))


def test_frozen_vectors_that_half_precision_would_round_are_kept_whole(tmp_path: Path) -> None:
    from imdb_sentiment.network.saved_model import save_model

    saved = ensemble(**FROZEN)
    for member in saved.members:
        member.get_layer("embedding").set_weights([np.full((10, 4), 0.1, np.float32)])
    save_model(saved, tmp_path)
    with np.load(tmp_path / "weights.npz") as weights:
        assert weights["embedding/embeddings"].dtype == np.float32


def test_the_temperature_holds_for_one_member_too() -> None:
    from imdb_sentiment.network.saved_model import SavedModel

    member = draw_weights(create())
    alone = predict(member, TOKEN_IDS).astype(float)
    saved = SavedModel([member], VOCABULARY_SIZE, model_params(), train_params(), temperature=2.0)
    logits = np.log(alone / (1 - alone))
    np.testing.assert_allclose(predict(saved.whole(), TOKEN_IDS), 1 / (1 + np.exp(-logits / 2)), atol=1e-5)


def test_random_vectors_that_do_not_train_are_each_members_own(tmp_path: Path) -> None:
    from imdb_sentiment.network.saved_model import load_model, save_model

    saved = ensemble(trainable_embeddings=False)
    save_model(saved, tmp_path)
    for found, expected in zip(load_model(tmp_path).members, saved.members, strict=True):
        np.testing.assert_array_equal(predict(found, TOKEN_IDS), predict(expected, TOKEN_IDS))
