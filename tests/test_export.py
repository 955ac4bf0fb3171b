"""The stage export: the files it writes, how they are compared with Keras, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.artifacts.vocabulary import SPECIAL_TOKENS, Vocabulary
from tests.factories import snapshot
from tests.networks import VOCABULARY_SIZE, create_plain, draw_weights, model_params, predict, train_params
from tests.stage_runs import assert_stage_refuses, run_stage


def test_export_writes_all_that_prediction_needs_and_the_same_again(exported: Path) -> None:
    written = snapshot(exported / "data/model")
    assert set(written) == {"model.onnx", "polarity.npz", "settings.json", "vocabulary.json"}
    check = json.loads((exported / "metrics/export.json").read_text())
    assert check["compared_reviews"] == len(pd.read_csv(exported / "data/predictions.csv"))
    assert 0 <= check["largest_difference"] < 1e-5
    (exported / "data/model/README.md").write_text("the model card of the stage report")
    result = run_stage("export", exported)
    assert result.exit_code == 0, result.stderr
    assert snapshot(exported / "data/model") == {**written, "README.md": b"the model card of the stage report"}


def test_plain_model_predicts_as_keras_and_needs_no_polarity(tmp_path: Path) -> None:
    from imdb_sentiment.export.export import write_exported_model
    from imdb_sentiment.network.saved_model import SavedModel, save_model
    from imdb_sentiment.prediction.predictor import SentimentModel

    (tmp_path / "trained").mkdir()
    plain = draw_weights(create_plain(plain={"ignore_padding": False}, pooling="last"))
    params = model_params(plain={"ignore_padding": False}, pooling="last")
    save_model(SavedModel([plain], VOCABULARY_SIZE, params, train_params()), tmp_path / "trained")
    Vocabulary((*SPECIAL_TOKENS, *"abcdefgh"), 6, 0.25).save(tmp_path / "vocabulary.json")
    (tmp_path / "polarity.npz").write_bytes(b"not read")
    write_exported_model(
        tmp_path / "trained", tmp_path / "vocabulary.json", tmp_path / "polarity.npz", tmp_path / "model"
    )
    found = SentimentModel.load(tmp_path / "model").predict(["a b d", "h z"]).probabilities
    np.testing.assert_allclose(found, predict(plain, pad([[2, 3, 5], [9, 1]], 6))[:, 0], atol=1e-6)


def test_probability_that_keras_does_not_give_is_refused(exported: Path) -> None:
    path = exported / "data/predictions.csv"
    predictions = pd.read_csv(path)
    predictions["probability"] += np.where(predictions.index == 3, 0.0002, 0)
    predictions.to_csv(path, index=False)
    expected = f"that by Keras, {predictions['probability'][3]:.6f}"
    assert_stage_refuses("export", exported, str(predictions["review_id"][3]), expected)


def remove_test_reviews(workspace: Path) -> None:
    path = workspace / "data/reviews.parquet"
    table = pq.read_table(path)
    pq.write_table(table.filter(pc.not_equal(table["split"], "test")), path)


def add_token_to_vocabulary(workspace: Path) -> None:
    path = workspace / "data/vocabulary.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "tokens": [*content["tokens"], "one more"]}), encoding="utf-8")


def add_token_to_polarity(workspace: Path) -> None:
    path = workspace / "data/polarity.npz"
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, "vocabulary_size": arrays["vocabulary_size"] + 1})


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("reviews.parquet", remove_test_reviews, "expected all"),
        ("vocabulary.json", add_token_to_vocabulary, "those of the model"),
        ("polarity.npz", add_token_to_polarity, "those of the model"),
    ],
)
def test_input_of_another_model_is_refused(
    exported: Path, name: str, change: Callable[[Path], None], expected: str
) -> None:
    change(exported)
    assert_stage_refuses("export", exported, f"data/{name}: found", expected)
