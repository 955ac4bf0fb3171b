"""Evaluating a trained model: which reviews, in which order, and what the stage writes."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from imdb_sentiment.runtime.errors import ArtifactError
from tests.conftest import write_params
from tests.refusal import run_behaviour, run_evaluate, run_train
from tests.test_sequences import sequences_of


def test_probabilities_come_back_in_the_order_of_the_reviews() -> None:
    from imdb_sentiment.evaluation.evaluate import evaluate_model
    from imdb_sentiment.network.predict import BATCH_SIZE, predict_probabilities
    from tests.test_model import create, draw_weights

    # More reviews than a batch holds, and sorted by length the other way round.
    rng = np.random.default_rng(0)
    rows = [rng.integers(1, 10, 1 + (7 - row) % 8).tolist() for row in range(BATCH_SIZE + 44)]
    test = sequences_of(rows, [row % 2 for row in range(len(rows))])
    model = draw_weights(create())
    y_prob = predict_probabilities(model, test)
    expected = np.asarray(model({"token_ids": test.token_ids}, training=False))[:, 0]
    assert y_prob.dtype == np.float64
    np.testing.assert_allclose(y_prob, expected, atol=1e-6)
    assert len(np.unique(expected.round(4))) > 200
    evaluation = evaluate_model(model, test)
    np.testing.assert_array_equal(evaluation.y_prob, y_prob)
    np.testing.assert_array_equal(evaluation.y_true, test.labels)
    assert evaluation.review_ids.tolist() == [f"r{row}" for row in range(len(rows))]
    assert evaluation.metrics["accuracy"] == ((expected >= 0.5) == test.labels).mean()


def test_where_padding_counts_all_of_it_is_seen() -> None:
    from imdb_sentiment.network.predict import predict_probabilities
    from tests.test_model import create, draw_weights

    test = sequences_of([[3], [4, 5], [6, 7, 8]], [0, 1, 0], max_length=9)
    model = draw_weights(create(ignore_padding=False))
    expected = np.asarray(model({"token_ids": test.token_ids}, training=False))[:, 0]
    np.testing.assert_allclose(predict_probabilities(model, test, ignore_padding=False), expected, atol=1e-6)


def test_a_saved_model_is_evaluated_on_the_test_part_alone(trained: Path) -> None:
    from imdb_sentiment.evaluation.evaluate import evaluate_saved_model
    from imdb_sentiment.network.saved_model import load_model

    evaluation = evaluate_saved_model(trained / "model", trained / "sequences.npz", trained / "channels.npz")
    with np.load(trained / "sequences.npz") as arrays, np.load(trained / "channels.npz") as channels:
        np.testing.assert_array_equal(evaluation.review_ids, arrays["test_review_ids"])
        inputs = {"token_ids": arrays["test_token_ids"], "polarity": channels["test"].astype(np.float32)}
        expected = np.asarray(load_model(trained / "model").whole()(inputs, training=False))[:, 0]
    np.testing.assert_allclose(evaluation.y_prob, expected, atol=1e-6)
    assert evaluation.metrics["test_reviews"] == 16


def test_sequences_of_another_vocabulary_than_the_models_are_refused(trained: Path) -> None:
    from imdb_sentiment.artifacts.sequences import load_sequences, save_sequences
    from imdb_sentiment.evaluation.evaluate import evaluate_saved_model

    parts = load_sequences(trained / "sequences.npz", 1000)
    parts["test"].token_ids[0, 0] = 999
    save_sequences(parts, trained / "sequences.npz")
    with pytest.raises(ArtifactError, match="to 999 in test; expected 0 to "):
        evaluate_saved_model(trained / "model", trained / "sequences.npz", trained / "channels.npz")


def test_the_stage_prints_what_it_writes(trained: Path, tmp_path: Path) -> None:
    from stages import evaluate
    from tests.conftest import run_stage

    outputs = (tmp_path / "metrics.json", tmp_path / "plots", tmp_path / "predictions.csv")
    names = ("model", "sequences.npz", "channels.npz", "baseline.csv")
    result = run_stage(evaluate.app, *(trained / name for name in names), *outputs)
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(outputs[0].read_text())
    assert result.stdout.startswith(f"loss {metrics['loss']:.4f}  accuracy {metrics['accuracy']:.4f}  (95% interval ")
    with outputs[2].open() as file:
        rows = list(csv.DictReader(file))
    right = sum(row["actual"] == row["predicted"] for row in rows)
    assert right / len(rows) == pytest.approx(metrics["accuracy"])
    assert {path.name for path in tmp_path.iterdir() if path != trained} == {path.name for path in outputs}


def test_the_plain_lstm_goes_the_same_way_without_vectors_or_polarity(trained: Path) -> None:
    changes = {"architecture": "baseline", "pretrained_embeddings": "false", "trainable_embeddings": "true"}
    write_params(trained / "params.yaml", {f"model.{key}": value for key, value in changes.items()})
    assert run_train(trained).exit_code == 0
    for name in ("channels.npz", "embeddings.npz", "polarity.npz"):
        (trained / name).unlink()
    assert run_evaluate(trained).exit_code == 0
    assert run_behaviour(trained).exit_code == 0
    metrics = json.loads((trained / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["test_reviews"] == 16
    assert 0 < metrics["loss"] < 2
    with np.load(trained / "model/weights.npz") as weights:
        assert "member_1/embedding/embeddings" in weights
