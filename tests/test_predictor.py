"""The exported model at work: the same probability everywhere, without TensorFlow, and no broken folder loaded."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import imdb_sentiment
from imdb_sentiment import SentimentModel
from imdb_sentiment.evaluation.metrics import read_predictions
from imdb_sentiment.prediction import predictor
from imdb_sentiment.runtime.errors import ArtifactError, InputError
from tests.test_saved_model import save

# Not pandas: pyarrow imports it wherever it is installed.
HEAVY = ("tensorflow", "keras", "dvc", "dvclive", "scipy", "sklearn", "pydantic", "ruamel", "requests", "onnx")


@pytest.fixture
def model(exported_once: Path) -> SentimentModel:
    return SentimentModel.load(exported_once / "exported")


@pytest.fixture
def texts(exported_once: Path) -> dict[str, str]:
    """The test reviews by their ids."""
    table = pq.read_table(exported_once / "reviews.parquet").to_pandas().set_index("review_id")
    found: dict[str, str] = table.loc[read_predictions(exported_once / "predictions.csv").index, "text"].to_dict()
    return found


def test_a_review_gets_one_probability_alone_in_a_batch_in_any_order_and_from_evaluate(
    model: SentimentModel, texts: dict[str, str], exported_once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_keras = read_predictions(exported_once / "predictions.csv")["probability"]
    together = model.predict(list(texts.values()))
    assert together.probabilities.dtype == np.float64
    assert together.labels.dtype == np.int8
    assert len(texts) == len(together.labels) >= predictor.FEW_TEXTS
    assert (together.labels == (together.probabilities >= 0.5)).all()
    np.testing.assert_allclose(together.probabilities, by_keras, atol=1e-5)
    alone = [model.predict([text]).probabilities[0] for text in texts.values()]
    np.testing.assert_allclose(alone, together.probabilities, atol=1e-6)
    order = np.random.default_rng(0).permutation(len(texts))
    monkeypatch.setattr(predictor, "CHUNK_SIZE", 5)
    shuffled = model.predict([list(texts.values())[index] for index in order]).probabilities
    np.testing.assert_allclose(shuffled, together.probabilities[order], atol=1e-6)
    assert len(np.unique(together.probabilities.round(4))) > 1


def test_markup_and_white_space_are_cleaned_as_ingest_does(model: SentimentModel) -> None:
    plain, marked = model.predict(["I loved it, and I left.", "I <br />loved   it,<br /><br />and I left&#46;"])[1]
    assert plain == marked


def test_no_text_at_all_gets_what_the_model_says_of_an_unknown_word(model: SentimentModel) -> None:
    of_nothing = model.predict(["", "  \n", "\N{GRINNING FACE}"]).probabilities
    assert len(set(of_nothing)) == 1
    assert 0 < of_nothing[0] < 1
    assert model.predict([]).probabilities.shape == (0,)


@pytest.mark.parametrize(
    ("texts", "said"),
    [("a text", "expected a list of texts"), (["good", None], r"texts\[1\]: found NoneType"), ([3], "found int 3")],
)
def test_what_is_no_list_of_texts_is_refused(model: SentimentModel, texts: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        model.predict(texts)


def test_a_model_that_reads_the_padding_reads_each_review_at_full_length(tmp_path: Path) -> None:
    from imdb_sentiment.artifacts.sequences import pad
    from imdb_sentiment.export.export import write_exported_model
    from imdb_sentiment.text.encoder import SPECIAL_TOKENS, TextEncoder
    from tests.test_model import create, draw_weights, predict

    plain = draw_weights(create(ignore_padding=False, pooling="last"))
    folder = save(plain, tmp_path / "trained", ignore_padding=False, pooling="last")
    TextEncoder((*SPECIAL_TOKENS, *"abcdefgh"), 6, 0.25).save(tmp_path / "vocabulary.json")
    write_exported_model(folder, tmp_path / "vocabulary.json", tmp_path / "nowhere.npz", tmp_path / "exported")
    assert {path.name for path in (tmp_path / "exported").iterdir()} == {
        "model.onnx",
        "settings.json",
        "vocabulary.json",
    }
    found = SentimentModel.load(tmp_path / "exported").predict(["a b d", "h z"]).probabilities
    np.testing.assert_allclose(found, predict(plain, pad([[2, 3, 5], [9, 1]], 6))[:, 0], atol=1e-6)


@pytest.mark.parametrize("name", ["model.onnx", "vocabulary.json", "polarity.npz", "settings.json"])
def test_a_folder_that_is_missing_a_file_is_refused(exported: Path, name: str) -> None:
    (exported / "exported" / name).unlink()
    with pytest.raises(ArtifactError) as caught:
        SentimentModel.load(exported / "exported")
    assert str(caught.value).startswith(f"{exported / 'exported' / name}: found no")


@pytest.mark.parametrize("name", ["model.onnx", "vocabulary.json", "polarity.npz"])
def test_a_file_of_another_export_is_refused(exported: Path, name: str) -> None:
    path = exported / "exported" / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(ArtifactError, match="all files of one export"):
        SentimentModel.load(exported / "exported")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 0}, "found format 0; expected format 1"),
        ({"format": None}, "export the model again"),
        ({"files": None}, "settings of no model"),
        ({"files": {}}, "settings of no model"),
        ({"ignore_padding": 1}, "settings of no model"),
    ],
)
def test_the_settings_of_another_version_are_refused(exported: Path, changes: dict[str, Any], said: str) -> None:
    path = exported / "exported/settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")
    with pytest.raises(ArtifactError) as caught:
        SentimentModel.load(exported / "exported")
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_no_folder_and_no_graph_are_refused(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="dvc repro export"):
        SentimentModel.load(tmp_path / "nowhere")
    folder = exported / "exported"
    (folder / "model.onnx").write_bytes(b"no graph")
    predictor.write_settings(folder, ["model.onnx", "vocabulary.json", "polarity.npz"], True, 1.0)
    with pytest.raises(ArtifactError, match=r"model\.onnx: found what ONNX Runtime cannot load"):
        SentimentModel.load(folder)


def test_predicting_imports_nothing_of_the_pipeline(exported_once: Path) -> None:
    # In a process of its own: here much of it is loaded already.
    script = (
        "import sys; from imdb_sentiment import SentimentModel; from imdb_sentiment.app import commands; from imdb_sentiment.prediction import explanation, tables;"
        "model = SentimentModel.load(sys.argv[1]); model.predict(['good'] * 99);"
        "explanation.explain(model, 'So good!');"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-c", script, str(exported_once / "exported")]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "onnxruntime" in loaded
    assert [name for name in loaded if name.split(".")[0] in HEAVY] == []


def test_the_package_offers_the_model_and_nothing_that_it_has_not() -> None:
    assert imdb_sentiment.SentimentModel is predictor.SentimentModel
    assert imdb_sentiment.Prediction is predictor.Prediction
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = imdb_sentiment.Nonsense
