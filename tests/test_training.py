"""The fit: which weights are kept, what is logged, and that equal seeds give equal bytes."""

import csv
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from imdb_sentiment.artifacts.batches import length_grouped_rows, take_batch
from imdb_sentiment.artifacts.sequences import Sequences, load_sequences
from imdb_sentiment.artifacts.temperature import Temperature
from imdb_sentiment.artifacts.vocabulary import Vocabulary
from imdb_sentiment.runtime.errors import ArtifactError, ParamsError, TrainingError
from imdb_sentiment.runtime.params import load_params
from tests.factories import snapshot, write_params
from tests.fits import TRAIN, Fit, add_polarity, fit, make_dataset, make_reviews
from tests.networks import VOCABULARY_SIZE, create_plain, create_polarity, model_params, predict, train_params
from tests.stage_runs import assert_stage_refuses

VECTORS = np.linspace(-1, 1, 40, dtype=np.float16).reshape(VOCABULARY_SIZE, 4).astype(np.float32)


class Recorder:
    """A progress that records the description, the total and the units done of each task that has ended."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, int | None, int]] = []
        self._done = 0

    @contextmanager
    def __call__(self, description: str, total: int | None, unit: str) -> Iterator["Recorder"]:
        del unit
        self._done = 0
        yield self
        self.tasks.append((description, total, self._done))

    def advance(self, amount: int = 1, note: str = "") -> None:
        del note
        self._done += amount


class Unreadable:
    """A part of the dataset that must not be used."""

    def __getattr__(self, name: str) -> None:
        raise AssertionError(name)

    def __len__(self) -> int:
        raise AssertionError


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(scope="module")
def fitted(recorder: Recorder) -> Fit:
    """Fit one member for many tests, without a test part."""
    return fit(make_dataset(test=cast("Sequences", Unreadable())), progress=recorder)


def test_history_has_every_metric_of_every_epoch(fitted: Fit) -> None:
    assert len(fitted.history.epochs) == 6
    for metrics in fitted.history.epochs:
        assert set(metrics) == {"loss", "accuracy", "val_loss", "val_accuracy"}
        assert all(type(value) is float and math.isfinite(value) for value in metrics.values())


def test_fit_learns_the_train_part(fitted: Fit) -> None:
    assert fitted.curve("loss")[-1] < fitted.curve("loss")[0]
    # The validation part is mislabelled.
    assert fitted.curve("val_accuracy")[-1] < 0.2


def test_epoch_with_the_best_validation_accuracy_is_kept(fitted: Fit) -> None:
    accuracies = fitted.curve("val_accuracy")
    best = int(np.argmax(accuracies))
    assert best < 5
    assert accuracies[best] > accuracies[-1]
    assert fitted.history.kept_epoch == best + 1
    assert fitted.history.kept == {"loss": fitted.curve("val_loss")[best], "accuracy": accuracies[best]}
    validation = make_dataset().parts["validation"]
    correct = (predict(fitted.model, validation.token_ids)[:, 0] >= 0.5) == validation.labels
    assert correct.mean() == pytest.approx(accuracies[best])
    # At a constant learning rate, a shorter fit is the beginning of a longer one.
    shorter = fit(make_dataset(), TRAIN.model_copy(update={"epochs": best + 1}))
    assert shorter.weights == fitted.weights
    assert shorter.history.epochs == fitted.history.epochs[: best + 1]


def test_progress_has_a_task_for_each_epoch_and_validation(fitted: Fit, recorder: Recorder) -> None:
    assert len(fitted.history.epochs) == 6
    assert recorder.tasks[::2] == [(f"Epoch {epoch}/6", 3, 3) for epoch in range(1, 7)]
    assert recorder.tasks[1::2] == [("Predicting", 1, 1)] * 6


def test_seed_after_the_largest_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    from imdb_sentiment.training import fit as training

    def stop(seed: int) -> None:
        raise InterruptedError(seed)

    monkeypatch.setattr(training, "make_reproducible", stop)
    for number, expected in ((0, 2**32 - 1), (1, 0)):
        with pytest.raises(InterruptedError, match=f"^{expected}$"):
            fit(make_dataset(), train_params(seed=2**32 - 1, members=2), number=number)


def test_batches_of_any_length_can_follow_each_other() -> None:
    # Nearly all reviews have one length: a shape that is guessed from the first batches would fail at a later one.
    part = make_reviews(18, longest=9)
    lengths = np.array([6] * 16 + [9, 2], np.int32)
    token_ids = np.where(np.arange(9) < lengths[:, None], 5, 0).astype(np.int32)
    train = replace(part, token_ids=token_ids, lengths=lengths)
    assert len(fit(make_dataset(train=train), train_params(batch_size=2, epochs=1)).history.epochs) == 1


# So slow that no prediction flips. 12 reviews make batches of 5, 5 and 2; 300 are more than one batch of validation.
SLOW = train_params(epochs=4, learning_rate=1e-6, learning_rate_schedule="cosine", batch_size=5, seed=3)


@pytest.fixture(scope="module")
def slow() -> tuple[Fit, Any]:
    """Return a fit by SLOW, and the model as it was at its start."""
    from imdb_sentiment.training.fit import make_reproducible

    fitted = fit(make_dataset(validation=make_reviews(300, seed=1)), SLOW, model_params())
    make_reproducible(SLOW.seed)
    return fitted, create_plain(SLOW)


def test_metrics_of_an_epoch_are_means_over_its_reviews(slow: tuple[Fit, Any]) -> None:
    fitted, start = slow
    for part, prefix in ((make_reviews(), ""), (make_reviews(300, seed=1), "val_")):
        y_prob = predict(start, part.token_ids)[:, 0].astype(float)
        losses = -np.log(np.where(part.labels == 1, y_prob, 1 - y_prob))
        assert fitted.curve(f"{prefix}loss") == pytest.approx([losses.mean()] * 4, abs=1e-5)
        assert fitted.curve(f"{prefix}accuracy") == pytest.approx([(losses < math.log(2)).mean()] * 4)


def test_first_of_equal_epochs_is_kept(slow: tuple[Fit, Any]) -> None:
    fitted, start = slow
    assert len(set(fitted.curve("val_accuracy"))) == 1
    assert fitted.history.kept_epoch == 1
    first, kept = (np.asarray(model.get_layer("sentiment").kernel) for model in (start, fitted.model))
    # Adam changes a weight by about the learning rate at each step: there are 3 steps in an epoch, 12 in all.
    assert 2e-6 < np.abs(kept - first).max() < 4e-6


def test_learning_rate_follows_the_schedule_of_the_params(slow: tuple[Fit, Any], fitted: Fit) -> None:
    # The last of 12 batches comes after 11/12 of all steps.
    expected = 1e-6 * (1 + math.cos(math.pi * 11 / 12)) / 2
    assert float(np.asarray(slow[0].model.optimizer.learning_rate)) == pytest.approx(expected)
    assert float(np.asarray(fitted.model.optimizer.learning_rate)) == pytest.approx(0.02)


ENSEMBLE_PARAMS = model_params(
    architecture="polarity", pretrained_embeddings=True, trainable_embeddings=False, dropout_rate=0.2
)
ENSEMBLE_TRAIN = train_params(epochs=2, members=2, seed=5)
ENSEMBLE_DATASET = add_polarity(make_dataset(VECTORS))


@pytest.fixture(scope="module")
def ensemble() -> Any:
    """Fit an ensemble of two polarity models for many tests."""
    from imdb_sentiment.training.fit import split_and_fit_dataset

    return split_and_fit_dataset(ENSEMBLE_DATASET, ENSEMBLE_PARAMS, ENSEMBLE_TRAIN)


def test_member_is_fitted_from_a_seed_of_its_own(ensemble: Any) -> None:
    one, two = (Fit(model, history) for model, history in zip(ensemble.model.members, ensemble.histories, strict=True))
    assert one.weights != two.weights
    alone = fit(ENSEMBLE_DATASET, ENSEMBLE_TRAIN.model_copy(update={"seed": 6, "members": 1}), ENSEMBLE_PARAMS)
    assert alone.weights == two.weights
    assert alone.history == two.history


def test_frozen_pretrained_vectors_stay_as_they_are(ensemble: Any) -> None:
    for member in ensemble.model.members:
        np.testing.assert_array_equal(member.get_layer("embedding").get_weights()[0], VECTORS)


def test_trained_embedding_starts_from_the_pretrained_vectors() -> None:
    params = model_params(pretrained_embeddings=True)
    fitted = fit(make_dataset(VECTORS), train_params(epochs=1, learning_rate=1e-5), params)
    assert 0 < np.abs(fitted.model.get_layer("embedding").get_weights()[0] - VECTORS).max() < 1e-3


def test_score_and_temperature_are_those_of_the_averaged_logits(ensemble: Any) -> None:
    from imdb_sentiment.training.calibration import Scored, cut_pieces, fit_temperature
    from imdb_sentiment.training.pieces import find_ends

    validation = ENSEMBLE_DATASET.parts["validation"]
    assert validation.polarity is not None
    inputs = {"token_ids": validation.token_ids, "polarity": validation.polarity.astype(np.float32)}
    by_member = [predict(member, **inputs)[:, 0].astype(float) for member in ensemble.model.members]
    logits = np.mean([np.log(y_prob / (1 - y_prob)) for y_prob in by_member], axis=0)
    pieces = cut_pieces(validation, find_ends(ENSEMBLE_DATASET.tokens), seed=0)
    by_piece = replace(ensemble.model, temperature=Temperature()).predict(pieces)
    expected = fit_temperature(
        Scored(validation.labels, 1 / (1 + np.exp(-logits)), validation.token_ids),
        Scored(pieces.labels, by_piece, pieces.token_ids),
    )
    assert ensemble.model.temperature.as_dict() == pytest.approx(expected.as_dict(), abs=1e-3)
    losses = np.logaddexp(0, np.where(validation.labels == 1, -logits, logits))
    accuracy = ((logits >= 0) == validation.labels).mean()
    assert ensemble.validation == {"loss": pytest.approx(losses.mean()), "accuracy": pytest.approx(accuracy)}


def test_curves_have_a_file_for_each_member_and_a_row_for_each_epoch(ensemble: Any, tmp_path: Path) -> None:
    from imdb_sentiment.training.log import COLUMNS, write_training_curves

    write_training_curves(ensemble, tmp_path / "curves")
    assert set(snapshot(tmp_path / "curves")) == {"member_1.csv", "member_2.csv"}
    for number, history in enumerate(ensemble.histories, 1):
        with (tmp_path / f"curves/member_{number}.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [row["epoch"] for row in rows] == ["1", "2"]
        for column, name in COLUMNS.items():
            assert [float(row[column]) for row in rows] == [metrics[name] for metrics in history.epochs]


def test_summary_has_the_scores_of_the_ensemble_and_the_kept_epoch_of_each_member(ensemble: Any) -> None:
    from imdb_sentiment.training.log import summarize_fit

    summary = summarize_fit(ensemble)
    assert summary["validation_accuracy"] == ensemble.validation["accuracy"]
    assert summary["temperature"] == ensemble.model.temperature.as_dict()
    for number, history in enumerate(ensemble.histories, 1):
        assert summary[f"member_{number}"] == {
            "kept_epoch": history.kept_epoch,
            "validation_loss": history.kept["loss"],
            "validation_accuracy": history.kept["accuracy"],
        }


def test_train_writes_what_split_and_fit_dataset_returns(trained_once: Path, tmp_path: Path) -> None:
    from imdb_sentiment.network.saved_model import save_model
    from imdb_sentiment.training.dataset import add_pieces, load_dataset
    from imdb_sentiment.training.fit import split_and_fit_dataset

    params = load_params(trained_once / "params.yaml")
    names = ("sequences.npz", "vocabulary.json", "embeddings.npz", "channels.npz")
    sequences, vocabulary, embeddings, channels = (trained_once / "data" / name for name in names)
    dataset = load_dataset(sequences, vocabulary, embeddings, channels, params.model)
    dataset = add_pieces(dataset, trained_once / "data/polarity.npz", params.train)
    assert len(dataset.parts["train"]) > len(load_sequences(sequences)["train"])
    save_model(split_and_fit_dataset(dataset, params.model, params.train).model, tmp_path)
    assert snapshot(tmp_path) == snapshot(trained_once / "data/trained")


def test_dataset_of_plain_model_needs_neither_vectors_nor_channels(prepared_once: Path) -> None:
    from imdb_sentiment.training.dataset import load_dataset

    data, missing = prepared_once / "data", prepared_once / "missing"
    dataset = load_dataset(data / "sequences.npz", data / "vocabulary.json", missing, missing, model_params())
    assert dataset.vectors is None
    assert dataset.vocabulary_size == Vocabulary.load(data / "vocabulary.json").size
    assert all(part.polarity is None for part in dataset.parts.values())
    with pytest.raises(ArtifactError, match="missing: found no such file"):
        load_dataset(data / "sequences.npz", data / "vocabulary.json", missing, missing, ENSEMBLE_PARAMS)


AVERAGING = train_params(epochs=2, batch_size=1, averaged_share=0.6, seed=4)


@pytest.fixture(scope="module")
def steps() -> list[list[Any]]:
    """Return the weights after each of the 24 steps of a fit by AVERAGING, in a loop of the test's own."""
    from imdb_sentiment.training.fit import make_reproducible

    make_reproducible(4)
    model = create_plain(AVERAGING)
    rng = np.random.default_rng(4)
    weights = []
    for _ in range(2):
        for rows in length_grouped_rows(make_reviews().lengths, 1, rng):
            model.train_on_batch(*take_batch(make_reviews(), rows))
            weights.append(model.get_weights())
    return weights


@pytest.mark.parametrize(("mean_accuracy", "is_kept"), [(0.61, True), (0.6, False)])
def test_average_of_weights_is_kept_only_if_it_is_more_accurate(
    steps: list[list[Any]], mean_accuracy: float, is_kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imdb_sentiment.training import fit as training

    # The second epoch is more accurate than the first, and the average is still better, or equally good.
    accuracies = iter([0.5, 0.6, mean_accuracy])
    monkeypatch.setattr(training, "validate", lambda *_: {"loss": 0.7, "accuracy": next(accuracies)})
    fitted = fit(make_dataset(), AVERAGING, model_params())
    assert fitted.curve("val_accuracy") == [0.5, 0.6]
    assert fitted.history.kept_epoch == (None if is_kept else 2)
    # Of the steps 0 and 10 of each epoch, those after 4/10 of all steps: all but step 0 of the first epoch.
    mean = [np.mean(weights, axis=0) for weights in zip(steps[10], steps[12], steps[22], strict=True)]
    for found, expected in zip(fitted.model.get_weights(), mean if is_kept else steps[23], strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert max(np.abs(one - other).max() for one, other in zip(mean, steps[23], strict=True)) > 1e-3


def test_confident_mistakes_have_a_finite_loss() -> None:
    from imdb_sentiment.training.epoch import score

    scores = score(np.array([1, 0, 1], np.int8), np.array([0.0, 0.5, 1.0]))
    # -log(1e-7), log(2) and 0; one half counts as positive.
    assert scores == {"loss": pytest.approx((7 * math.log(10) + math.log(2)) / 3), "accuracy": pytest.approx(1 / 3)}


def test_validation_loss_of_nan_ends_the_fit() -> None:
    from imdb_sentiment.training.fit import fit_model

    params, train = model_params(activation="relu"), train_params(epochs=1)
    model = create_plain(train, activation="relu")
    # Each step multiplies the states: reviews of one word can be learned, long ones overflow to both infinities.
    model.get_layer("lstm_1").directions[0].cell.recurrent_kernel.assign(np.full((4, 16), 100.0))
    model.get_layer("sentiment").kernel.assign([[1.0], [-1.0], [1.0], [-1.0]])
    parts = {"train": make_reviews(8, longest=1), "validation": make_reviews(6, longest=100)}
    with pytest.raises(TrainingError, match=r"^epoch 1: found the val_loss nan; expected a number.* below 0\.01 "):
        fit_model(model, parts, params, train)


def test_train_refuses_diverging_fit_and_leaves_old_outputs(prepared: Path) -> None:
    # With this penalty and learning rate, each step multiplies the weights by -19.
    diverging = {"train.optimizer": "sgd", "train.learning_rate": "10", "train.clip_norm": "0", "model.l2": "1"}
    write_params(prepared / "params.yaml", {**diverging, "train.epochs": "30"})
    options = ("--checkpoints", prepared.parent / "checkpoints")
    assert_stage_refuses("train", prepared, "epoch ", "expected a number", "below 10 may help", options=options)


@pytest.mark.parametrize(
    "changes",
    [
        {"lstm_layers": 3, "bidirectional": True, "pooling": "max_mean"},
        {"architecture": "polarity", "bidirectional": True, "lstm_layers": 2},
        {"architecture": "polarity", "polarity": {"segment_length": 4, "inputs": False, "scores": False}},
    ],
)
def test_memory_is_estimated_from_the_number_of_weights(changes: dict[str, Any]) -> None:
    from imdb_sentiment.training.memory import estimate_memory

    create = create_polarity if "architecture" in changes else create_plain
    count = create(**{"bidirectional": False, **changes}).count_params()
    params = model_params(**changes)
    # Each trained weight is kept in float32 by each member, and Adam keeps two more numbers for it.
    for members in (1, 2):
        added = estimate_memory(VOCABULARY_SIZE, params, "adam", members + 1) - estimate_memory(
            VOCABULARY_SIZE, params, "adam", members
        )
        assert added == 4 * 3 * count
    assert estimate_memory(VOCABULARY_SIZE, params, "adam", 1) > 4 * 4 * count


def test_fit_refuses_model_that_does_not_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from imdb_sentiment.training import fit as training
    from imdb_sentiment.training import memory

    def fail(*_: object) -> None:
        raise AssertionError

    params = model_params(lstm_units=4096, lstm_layers=8)
    monkeypatch.setattr(training, "create_model", fail)
    monkeypatch.setattr(memory, "machine_memory", lambda: 16 * 2**30)
    with pytest.raises(
        ParamsError, match=r"^model\.lstm_units: found 4096 in 8 layers, .*; expected at most .* 16\.0 "
    ):
        training.split_and_fit_dataset(make_dataset(), params, TRAIN)
    with pytest.raises(ParamsError, match=r"^model\.lstm_units"):
        fit(make_dataset(), TRAIN, params)
