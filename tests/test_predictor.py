"""The exported model: the same probability everywhere, without TensorFlow or telemetry, and no broken folder loaded."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import imdb_sentiment
from imdb_sentiment import SentimentModel
from imdb_sentiment.artifacts.predictions import read_predictions
from imdb_sentiment.prediction import predictor
from imdb_sentiment.prediction.model_folder import write_settings
from imdb_sentiment.runtime.errors import ArtifactError, InputError
from tests.factories import snapshot

# Not pandas: pyarrow imports it wherever it is installed.
HEAVY = {"tensorflow", "keras", "dvc", "scipy", "sklearn", "pydantic", "ruamel", "requests", "onnx"}


@pytest.fixture
def model(exported_once: Path) -> SentimentModel:
    return SentimentModel.load(exported_once / "data/model")


@pytest.fixture
def folder(exported: Path) -> Path:
    return exported / "data/model"


def test_review_has_one_probability_alone_in_any_batch_and_from_evaluate(
    model: SentimentModel, exported_once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_keras = read_predictions(exported_once / "data/predictions.csv")["probability"]
    table = pq.read_table(exported_once / "data/reviews.parquet").to_pandas().set_index("review_id")
    texts = table.loc[by_keras.index, "text"].tolist()
    together = model.predict(texts)
    assert together.probabilities.dtype == np.float64
    assert together.labels.dtype == np.int8
    assert len(texts) == len(together.labels) >= predictor.FEW_TEXTS
    assert (together.labels == (together.probabilities >= 0.5)).all()
    np.testing.assert_allclose(together.probabilities, by_keras, atol=1e-5)
    alone = [model.predict([text]).probabilities[0] for text in texts]
    np.testing.assert_allclose(alone, together.probabilities, atol=1e-6)
    order = np.random.default_rng(0).permutation(len(texts))
    monkeypatch.setattr(predictor, "CHUNK_SIZE", 5)
    shuffled = model.predict([texts[index] for index in order]).probabilities
    np.testing.assert_allclose(shuffled, together.probabilities[order], atol=1e-6)
    assert len(np.unique(together.probabilities.round(4))) > 1


def test_markup_and_white_space_are_cleaned_as_at_ingest(model: SentimentModel) -> None:
    plain, marked = model.predict(["I loved it, and I left.", "I <br />loved   it,<br /><br />and I left&#46;"])[1]
    assert plain == marked


def test_text_without_known_words_gets_the_prediction_for_an_unknown_word(model: SentimentModel) -> None:
    prediction, is_known = model.predict_with_known(["", "  \n", "\N{GRINNING FACE}", "I loved it"])
    assert is_known.tolist() == [False, False, False, True]
    assert len(set(prediction.probabilities[:3])) == 1
    assert 0 < prediction.probabilities[0] < 1
    assert model.predict([]).probabilities.shape == (0,)


def test_every_sequence_of_texts_is_accepted(model: SentimentModel) -> None:
    texts = ["I loved it", "I hated it"]
    expected = model.predict(texts).probabilities.tolist()
    for same in (tuple(texts), np.array(texts), pd.Series(texts, index=[7, 3]), iter(texts)):
        assert model.predict(same).probabilities.tolist() == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    ["a text", b"bytes", {"text": ["good"]}, {"good"}, pd.DataFrame({"text": ["good"]}), np.array([["good"]]), None],
)
def test_what_is_not_a_list_of_texts_is_refused_with_what_to_pass(model: SentimentModel, other: Any) -> None:
    with pytest.raises(TypeError, match=rf"texts: found {type(other).__name__}; expected a list of texts"):
        model.predict(other)


@pytest.mark.parametrize(("texts", "found"), [(["good", None], r"texts\[1\]: found NoneType"), ([3], "found int 3")])
def test_item_that_is_no_text_is_refused(model: SentimentModel, texts: Any, found: str) -> None:
    with pytest.raises(InputError, match=found):
        model.predict(texts)


@pytest.mark.parametrize("name", ["model.onnx", "vocabulary.json", "polarity.npz", "settings.json"])
def test_missing_or_irregular_or_changed_file_is_refused(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes() + b"\n")
    if name != "settings.json":
        with pytest.raises(ArtifactError, match="expected all files of one export"):
            SentimentModel.load(folder)
    path.unlink()
    with pytest.raises(ArtifactError, match=rf"{name}: found .*(no such file|No such file)"):
        SentimentModel.load(folder)
    (folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    for other in ("zero", "pipe"):
        (folder / other).rename(path)
        with pytest.raises(ArtifactError, match=rf"{name}: found a folder, pipe or device; expected a file"):
            SentimentModel.load(folder)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"format": 0}, "found format 0; expected format 1, that of this version: export the model again"),
        ({"files": None}, "found files: None; expected the SHA-256 of model.onnx"),
        ({"files": {}}, "found files: none"),
        ({"files": {"model.onnx": "", "vocabulary.json": "", "../secret": ""}}, "found files: model.onnx, vocab"),
        ({"ignore_padding": 1}, "found ignore_padding 1; expected true or false"),
        ({"more": "x" * 32_000_000}, "bytes; expected at most 32,000,000"),
    ],
)
def test_settings_of_no_model_are_refused(folder: Path, changes: dict[str, Any], found: str) -> None:
    path = folder / "settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")
    with pytest.raises(ArtifactError) as caught:
        SentimentModel.load(folder)
    assert str(caught.value).startswith(f"{path}: ")
    assert found in str(caught.value)
    with pytest.raises(ArtifactError, match=r"nowhere: found no such folder; expected .*dvc repro export"):
        SentimentModel.load(folder / "nowhere")


def test_polarity_table_that_the_settings_do_not_name_is_not_read(folder: Path) -> None:
    path = folder / "settings.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    del settings["files"]["polarity.npz"]
    path.write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(
        ArtifactError, match=r"settings\.json: found no polarity\.npz; expected its SHA-256, as the graph"
    ):
        SentimentModel.load(folder)


def change_vocabulary(folder: Path, **changes: Any) -> dict[str, Any]:
    path = folder / "vocabulary.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | changes), encoding="utf-8")
    return content


def change_table(folder: Path, **changes: np.ndarray) -> None:
    with np.load(folder / "polarity.npz") as file:
        arrays = dict(file)
    np.savez_compressed(folder / "polarity.npz", **(arrays | changes))


def add_token(folder: Path) -> None:
    tokens = [*change_vocabulary(folder)["tokens"], "zzz"]
    change_vocabulary(folder, tokens=tokens)


def add_token_everywhere(folder: Path) -> None:
    add_token(folder)
    change_table(folder, vocabulary_size=np.array(len(change_vocabulary(folder)["tokens"])))


def break_weights(folder: Path) -> None:
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(folder / "model.onnx")
    for tensor in graph.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(np.full_like(array, np.nan), tensor.name))
    onnx.save(graph, folder / "model.onnx")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda folder: (folder / "model.onnx").write_bytes(b"no graph"), "model.onnx: found what ONNX Runtime cannot"),
        (lambda folder: change_vocabulary(folder, max_length=10**12), "found max_length 1000000000000; expected at"),
        (add_token, "as vocabulary.json has"),
        (add_token_everywhere, "model.onnx: found a graph that fails for the id "),
        (break_weights, "model.onnx: found the output nan; expected a graph that gives probabilities"),
        # Zeros compress to a thousandth of their size.
        (lambda folder: change_table(folder, more=np.zeros(60_000_000)), "found arrays of 480,0"),
    ],
)
def test_files_that_do_not_fit_each_other_are_refused(
    folder: Path, change: Callable[[Path], object], found: str
) -> None:
    change(folder)
    write_settings(folder, ignore_padding=True, temperature={})
    with pytest.raises(ArtifactError) as caught:
        SentimentModel.load(folder)
    assert found in str(caught.value)


def test_prediction_imports_no_pipeline_writes_no_file_and_looks_up_no_host(
    exported_once: Path, tmp_path: Path
) -> None:
    # In a process of its own: here much of the pipeline is loaded already.
    script = (
        "import sys\n"
        "def report(event, arguments):\n"
        "    if event in ('socket.getaddrinfo', 'socket.gethostbyname', 'socket.connect'):\n"
        "        sys.stderr.write(event)\n"
        "sys.addaudithook(report)\n"
        "from imdb_sentiment import SentimentModel\n"
        "from imdb_sentiment.app import commands\n"
        "from imdb_sentiment.prediction import explanation\nfrom imdb_sentiment.tables import writers\n"
        "model = SentimentModel.load(sys.argv[1])\n"
        "model.predict(['good'] * 99); explanation.explain(model, 'So good!')\n"
        "print(*sys.modules)\n"
    )
    command = [sys.executable, "-c", script, str(exported_once / "data/model")]
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "PYTHONPATH"}}
    environment = {**kept, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
    loaded = {name.split(".")[0] for name in result.stdout.split()}
    assert "onnxruntime" in loaded
    assert loaded & HEAVY == set()
    assert result.stderr == ""
    assert snapshot(tmp_path) == {}


def test_package_offers_the_model_and_nothing_else() -> None:
    assert imdb_sentiment.SentimentModel is SentimentModel
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = imdb_sentiment.Nonsense
