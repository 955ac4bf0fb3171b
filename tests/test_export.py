"""Export: what it writes, that it is compared with Keras, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.conftest import assert_refused, snapshot
from tests.refusal import assert_refused_untouched, run_export


def test_export_writes_all_that_prediction_needs_and_the_same_again(exported: Path) -> None:
    written = snapshot(exported / "exported")
    names = {"model.onnx", "polarity.npz", "settings.json", "vocabulary.json"}
    assert set(written) == names
    report = json.loads((exported / "export.json").read_text())
    assert report["compared_reviews"] == len(pd.read_csv(exported / "predictions.csv"))
    assert 0 <= report["largest_difference"] < 1e-5
    assert run_export(exported).exit_code == 0
    assert snapshot(exported / "exported") == written


def test_a_probability_that_keras_does_not_give_is_refused(exported: Path) -> None:
    predictions = pd.read_csv(exported / "predictions.csv")
    probabilities = predictions["probability"].tolist()
    probabilities[3] += 0.0002
    predictions.assign(probability=probabilities).to_csv(exported / "predictions.csv", index=False)
    review_id = str(predictions["review_id"].tolist()[3])
    assert_refused_untouched(run_export, exported, review_id, f"{probabilities[3]:.6f}", "Keras")


def _drop_reviews(folder: Path) -> None:
    table = pq.read_table(folder / "reviews.parquet")
    pq.write_table(table.filter(pc.not_equal(table["split"], "test")), folder / "reviews.parquet")


def _widen(name: str) -> Callable[[Path], None]:
    def widen_vocabulary(folder: Path) -> None:
        content = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        content["tokens"].append("one more")
        (folder / "vocabulary.json").write_text(json.dumps(content), encoding="utf-8")

    def widen_table(folder: Path) -> None:
        with np.load(folder / "polarity.npz") as file:
            arrays = dict(file)
        np.savez(folder / "polarity.npz", **{**arrays, "vocabulary_size": arrays["vocabulary_size"] + 1})

    return widen_vocabulary if name == "vocabulary.json" else widen_table


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("reviews.parquet", _drop_reviews, "expected all"),
        ("vocabulary.json", _widen("vocabulary.json"), "those of the model"),
        ("polarity.npz", _widen("polarity.npz"), "those of the model"),
    ],
)
def test_what_belongs_to_another_model_is_refused(
    exported: Path, name: str, change: Callable[[Path], None], said: str
) -> None:
    change(exported)
    assert_refused_untouched(run_export, exported, str(exported / name), said)


@pytest.mark.parametrize("name", ["vocabulary.json", "polarity.npz", "predictions.csv"])
def test_an_input_that_is_not_there_is_refused(exported: Path, name: str) -> None:
    (exported / name).unlink()
    before = snapshot(exported)
    assert_refused(run_export(exported), str(exported / name), "no such file")
    assert snapshot(exported) == before
