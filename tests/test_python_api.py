"""The model from Python: sent to other processes, compared, cached, and given to what takes any classifier."""

import functools
import json
import math
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import joblib  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

import imdb_sentiment
from imdb_sentiment import SentimentModel
from imdb_sentiment.runtime import threads as threads_module
from imdb_sentiment.runtime.threads import map_in_threads, thread_count
from tests.factories import ROOT

TEXTS = ["I loved it, a wonderful story.", "I hated it, dull.", "I left early."] * 20


@pytest.fixture(scope="module")
def model(exported_once: Path) -> SentimentModel:
    return SentimentModel.load(exported_once / "data/model")


def predict(model: SentimentModel, texts: Sequence[str]) -> list[float]:
    """Return the probabilities, in whatever process this runs."""
    found: list[float] = model.predict(texts).probabilities.tolist()
    return found


@functools.lru_cache
def predict_cached(model: SentimentModel, text: str) -> float:
    return predict(model, [text])[0]


def test_model_is_pickled_by_its_folder(model: SentimentModel) -> None:
    content = pickle.dumps(model)
    assert len(content) < 1000
    copy = pickle.loads(content)  # noqa: S301  # written above
    assert copy == model
    assert copy is not model
    assert predict(copy, TEXTS) == predict(model, TEXTS)
    on_one_thread = SentimentModel.load(model.folder or "", threads=1)
    assert pickle.loads(pickle.dumps(on_one_thread)).threads == 1  # noqa: S301


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_model_works_in_other_processes(model: SentimentModel, method: str) -> None:
    expected = predict(model, TEXTS)
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        assert list(pool.map(predict, [model] * 2, [TEXTS] * 2)) == [expected] * 2


def test_model_works_in_joblib_threads_and_caches(model: SentimentModel) -> None:
    expected = predict(model, TEXTS)
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(predict)(model, TEXTS) for _ in range(2)) == [expected] * 2
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: predict(model, TEXTS), range(8))) == [expected] * 8
    predict_cached.cache_clear()
    assert predict_cached(model, TEXTS[0]) == predict_cached(SentimentModel.load(model.folder or ""), TEXTS[0])
    assert predict_cached.cache_info().hits == 1


def test_models_are_equal_if_their_folder_and_files_are(model: SentimentModel, tmp_path: Path) -> None:
    assert model.folder is not None
    other = SentimentModel.load(shutil.copytree(model.folder, tmp_path / "other"))
    assert model == SentimentModel.load(str(model.folder))
    assert model != other
    assert len({model, SentimentModel.load(model.folder), other}) == 2
    assert model != "a model"
    assert repr(model).startswith(f"SentimentModel({str(model.folder)!r}: ")
    assert "\n" not in repr(model)


def test_probabilities_are_given_as_scikit_learn_expects_them(model: SentimentModel) -> None:
    found = model.predict_proba(TEXTS)
    assert found.dtype == np.float64
    assert found.shape == (60, 2)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert found[:, 1].tolist() == predict(model, TEXTS)
    assert model.classes_.tolist() == [0, 1]
    assert 0 <= roc_auc_score([1, 0, 0] * 20, found[:, 1]) <= 1
    # As LIME and SHAP pass texts: arrays of objects, and of strings.
    for texts in (np.array(TEXTS, object), np.array(TEXTS), pd.Series(TEXTS), tuple(TEXTS), iter(TEXTS)):
        assert model.predict_proba(texts).tolist() == found.tolist()  # type: ignore[arg-type]
    assert model.predict_proba([]).shape == (0, 2)


@pytest.mark.parametrize(
    "texts",
    ["one text", b"bytes", {"text": "x"}, {"a", "b"}, pd.DataFrame({"text": TEXTS}), np.array([TEXTS]), 3, None],
)
def test_what_is_not_a_list_of_texts_is_refused(model: SentimentModel, texts: object) -> None:
    for function in (model.predict, model.predict_proba):
        with pytest.raises(TypeError, match=r"texts: found \w+; expected a list of texts"):
            function(texts)  # type: ignore[arg-type]


def test_predictions_go_into_json(model: SentimentModel) -> None:
    prediction = model.predict(TEXTS[:2])
    first, second = json.loads(json.dumps(prediction.as_dicts()))
    assert (first["label"], second["label"]) == tuple(("negative", "positive")[label] for label in prediction.labels)
    assert first["probability"] == prediction.probabilities[0]
    assert json.loads(json.dumps(prediction.labels.tolist())) == list(map(int, prediction.labels))


def test_threads_are_as_many_as_were_asked_for(
    model: SentimentModel, monkeypatch: pytest.MonkeyPatch, exported_once: Path
) -> None:
    asked: list[int | None] = []

    class Recorder(ThreadPoolExecutor):
        def __init__(self, workers: int) -> None:
            asked.append(workers)
            super().__init__(workers)

    monkeypatch.setattr(threads_module, "ThreadPoolExecutor", Recorder)
    folder = exported_once / "data/model"
    expected = predict(model, TEXTS)
    asked.clear()
    assert predict(SentimentModel.load(folder, threads=1), TEXTS) == expected
    assert asked == []
    assert predict(SentimentModel.load(folder, threads=3), TEXTS) == expected
    assert set(asked) == {3}
    for threads in (0, -1):
        with pytest.raises(ValueError, match=f"threads: found {threads}; expected 1 or more"):
            SentimentModel.load(folder, threads=threads)


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "250000 100000\n"}, 3),
        ({"cpu.max": "20000 100000\n"}, 1),
        ({"cpu.max": "nonsense"}, 8),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
    ],
)
def test_thread_count_follows_affinity_and_the_quota_of_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], count: int
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(threads_module, "_CGROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert thread_count() == count
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert thread_count() == 5


def test_work_on_one_thread_is_done_in_order_and_lazily() -> None:
    done: list[int] = []

    def negate(item: int) -> int:
        done.append(item)
        return -item

    results = map_in_threads(negate, range(3), 1)
    assert (next(results), done) == (0, [0])
    assert list(results) == [-1, -2]


def test_version_is_that_of_the_package_everywhere() -> None:
    version = imdb_sentiment.__version__
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    printed = subprocess.run(
        [sys.executable, "-m", "imdb_sentiment", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    ).stdout
    assert printed == f"imdb-sentiment {version}\n"


def test_arrow_texts_are_read_as_a_list(model: SentimentModel) -> None:
    assert predict(model, pa.array(TEXTS).to_pylist()) == predict(model, TEXTS)
    assert math.isclose(predict(model, TEXTS[:1])[0], predict(model, TEXTS)[0], abs_tol=1e-6)
