"""The fit: which epoch is kept, what is written, and that the same seed gives the same bytes."""

import csv
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imdb_sentiment.artifacts.sequences import Sequences, save_sequences
from imdb_sentiment.ngrams.polarity import CHANNELS
from imdb_sentiment.runtime.errors import ArtifactError, TrainingError
from imdb_sentiment.runtime.params import ModelParams, TrainParams
from imdb_sentiment.text.encoder import SPECIAL_TOKENS, TextEncoder
from tests.conftest import snapshot
from tests.test_model import VOCABULARY_SIZE, model_params, predict, train_params
from tests.test_sequences import sequences_of

# Negative reviews are of ids 2 to 5, positive ones of 6 to 9.
KINDS = (range(2, 6), range(6, 10))


def reviews_of(count: int = 12, longest: int = 6, kinds: tuple[range, range] = KINDS, seed: int = 0) -> Sequences:
    """Return reviews of random ids and lengths, every second one positive."""
    rng = np.random.default_rng(seed)
    rows = [rng.choice(kinds[row % 2], rng.integers(1, longest + 1)).tolist() for row in range(count)]
    return sequences_of(rows, [row % 2 for row in range(count)], longest)


def parts_of(**changes: Any) -> dict[str, Any]:
    # What validation calls positive is what training calls negative: the more is learnt, the worse it gets.
    upside_down = reviews_of(40, kinds=(KINDS[1], KINDS[0]), seed=1)
    return {"train": reviews_of(), "validation": upside_down, "test": reviews_of(4, seed=2), **changes}


# Everything that is drawn at random is drawn: weights, batches and the three dropouts.
PARAMS = model_params(word_dropout_rate=0.2, embedding_dropout_rate=0.2, dropout_rate=0.2)
TRAIN = train_params(epochs=6, learning_rate=0.02, seed=1)


def fit(
    parts: dict[str, Any],
    train: TrainParams = TRAIN,
    params: ModelParams = PARAMS,
    **options: Any,
) -> "Fit":
    """Return a new model, fitted, with its history."""
    from imdb_sentiment.network.model import create_model
    from imdb_sentiment.training.fit import make_reproducible, split_and_fit_dataset

    make_reproducible(train.seed)
    model = create_model(VOCABULARY_SIZE, params, train)
    return Fit(model, split_and_fit_dataset(model, parts, params, train, **options))


@dataclass
class Fit:
    model: Any
    history: dict[str, list[float]]

    @property
    def weights(self) -> list[bytes]:
        return [np.asarray(weight).tobytes() for weight in self.model.weights]


class Recorder:
    """A progress that remembers its tasks: description, total, unit, units done and the notes."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []

    @contextmanager
    def __call__(self, description: str, total: int | None, unit: str) -> Iterator["Recorder"]:
        self.tasks.append({"task": (description, total, unit), "done": 0, "notes": [], "closed": False})
        yield self
        self.tasks[-1]["closed"] = True

    def advance(self, amount: int = 1, note: str = "") -> None:
        self.tasks[-1]["done"] += amount
        self.tasks[-1]["notes"].append(note)


class Untouchable:
    def __getattr__(self, name: str) -> None:
        raise AssertionError(name)

    def __len__(self) -> int:
        raise AssertionError


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fitted") / "curves"


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(scope="module")
def fitted(curves: Path, recorder: Recorder) -> Fit:
    """Return one fit that many tests look at, since each takes seconds. It sees no test part."""
    from imdb_sentiment.training.log import TrainingLog

    log = TrainingLog(curves)
    its = fit(parts_of(test=Untouchable()), log=log, progress=recorder)
    log.end({"temperature": 1.5})
    return its


def test_the_history_has_each_number_once_an_epoch(fitted: Fit) -> None:
    assert set(fitted.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    for values in fitted.history.values():
        assert len(values) == 6
        assert all(type(value) is float and math.isfinite(value) for value in values)


def test_the_weights_of_the_best_epoch_are_kept(fitted: Fit) -> None:
    accuracies = fitted.history["val_accuracy"]
    best = int(np.argmax(accuracies))
    assert best < 5
    assert accuracies[best] > accuracies[-1]
    validation = parts_of()["validation"]
    correct = (predict(fitted.model, validation.token_ids)[:, 0] > 0.5) == validation.labels
    assert correct.mean() == pytest.approx(accuracies[best])
    # At a constant rate, a shorter fit is the beginning of a longer one.
    until_then = fit(parts_of(), TRAIN.model_copy(update={"epochs": best + 1}))
    assert until_then.weights == fitted.weights
    assert until_then.history["loss"] == fitted.history["loss"][: best + 1]


def test_reviews_that_can_be_told_apart_are(fitted: Fit) -> None:
    assert fitted.history["loss"][-1] < fitted.history["loss"][0]
    # Of the reviews that are upside down, next to none are taken for what they are not.
    assert fitted.history["val_accuracy"][-1] < 0.2


def test_the_seed_draws_the_first_weights() -> None:
    from imdb_sentiment.network.model import create_baseline_model
    from imdb_sentiment.training.fit import make_reproducible

    starts = []
    for seed in (1, 2, 1):
        make_reproducible(seed)
        starts.append(Fit(create_baseline_model(VOCABULARY_SIZE, PARAMS, TRAIN), {}).weights)
    assert starts[0] == starts[2]
    # Biases start at 0 or 1 whatever the seed.
    assert sum(one != two for one, two in zip(starts[0], starts[1], strict=True)) == 4


def test_batches_of_any_lengths_can_follow_each_other() -> None:
    # Nearly all reviews have one length: a shape that is guessed from the first batches would fail at a later one.
    rows = [[5] * 6] * 16 + [[7] * 9, [3] * 2]
    parts = parts_of(train=sequences_of(rows, [row % 2 for row in range(18)]))
    its = fit(parts, train_params(batch_size=2, epochs=1), model_params())
    assert len(its.history["loss"]) == 1


def test_the_rate_falls_along_half_a_cosine_or_not_at_all() -> None:
    from imdb_sentiment.training.fit import learning_rate_at

    cosine = train_params(learning_rate=0.5, learning_rate_schedule="cosine")
    half = math.sqrt(0.5) / 4
    rates = [learning_rate_at(share, cosine) for share in (0, 0.25, 0.5, 0.75, 1)]
    assert rates == pytest.approx([0.5, 0.25 + half, 0.25, 0.25 - half, 0.0])
    constant = train_params(learning_rate=0.5, learning_rate_schedule="constant")
    assert [learning_rate_at(share, constant) for share in (0, 0.5, 1)] == [0.5, 0.5, 0.5]


@dataclass
class Barely:
    """A fit at so small a rate that no review changes sides, and the model as it was before.

    12 reviews make batches of 5, 5 and 2, and the 300 of the validation part are more than one batch.
    """

    fit: Fit
    recorder: Recorder
    start: Any
    train = train_params(epochs=4, learning_rate=1e-6, learning_rate_schedule="cosine", batch_size=5, seed=3)

    def losses(self, part: Sequences) -> Any:
        """Return the loss of each review."""
        y_prob = predict(self.start, part.token_ids)[:, 0].astype(float)
        return -np.log(np.where(part.labels == 1, y_prob, 1 - y_prob))


@pytest.fixture(scope="module")
def barely() -> Barely:
    from imdb_sentiment.network.model import create_baseline_model
    from imdb_sentiment.training.fit import make_reproducible

    params = model_params(ignore_padding=False)
    recorder = Recorder()
    its = fit(parts_of(validation=reviews_of(300, seed=1)), Barely.train, params, progress=recorder)
    make_reproducible(Barely.train.seed)
    return Barely(its, recorder, create_baseline_model(VOCABULARY_SIZE, params, Barely.train))


def test_the_numbers_of_an_epoch_are_means_over_its_reviews(barely: Barely) -> None:
    for part, prefix in ((reviews_of(), ""), (reviews_of(300, seed=1), "val_")):
        losses = barely.losses(part)
        assert barely.fit.history[f"{prefix}loss"] == pytest.approx([losses.mean()] * 4, abs=1e-5)
        right = (losses < math.log(2)).mean()
        assert barely.fit.history[f"{prefix}accuracy"] == pytest.approx([right] * 4)


def test_each_epochs_batches_are_drawn_from_the_seed(barely: Barely) -> None:
    from imdb_sentiment.artifacts.batches import length_grouped_rows

    losses = barely.losses(reviews_of())
    rng = np.random.default_rng(3)
    for epoch in barely.recorder.tasks[::2]:
        batches = length_grouped_rows(reviews_of().lengths, 5, rng)
        for note, seen in zip(epoch["notes"], (batches[:1], batches[:2], batches), strict=True):
            shown = float(note.partition("loss ")[2].split()[0])
            assert shown == pytest.approx(losses[np.concatenate(seen)].mean(), abs=1e-4)
    firsts = {epoch["notes"][0] for epoch in barely.recorder.tasks[::2]}
    assert len(firsts) > 1


def test_of_equal_epochs_the_first_is_kept(barely: Barely) -> None:
    assert len(set(barely.fit.history["val_accuracy"])) == 1
    first, kept = (np.asarray(model.get_layer("sentiment").kernel) for model in (barely.start, barely.fit.model))
    # Adam moves a weight by about the rate a step: 3 steps in the first epoch, and some 6 rates' worth in all four.
    assert 2e-6 < np.abs(kept - first).max() < 4e-6


def test_the_schedule_is_that_of_the_params(barely: Barely, fitted: Fit) -> None:
    # The last of 12 batches is taken after 11/12 of the way.
    expected = 1e-6 * (1 + math.cos(math.pi * 11 / 12)) / 2
    assert float(np.asarray(barely.fit.model.optimizer.learning_rate)) == pytest.approx(expected)
    assert float(np.asarray(fitted.model.optimizer.learning_rate)) == pytest.approx(0.02)


def test_each_epoch_is_a_task_that_counts_its_batches(fitted: Fit, recorder: Recorder) -> None:
    epochs, validations = recorder.tasks[::2], recorder.tasks[1::2]
    assert [its["task"] for its in epochs] == [(f"Epoch {epoch}/6", 3, "batches") for epoch in range(1, 7)]
    assert [its["done"] for its in epochs] == [3] * 6
    assert {its["task"] for its in validations} == {("Predicting", 1, "batches")}
    assert all(its["closed"] for its in recorder.tasks)
    for epoch, its in enumerate(epochs):
        loss, accuracy = (fitted.history[name][epoch] for name in ("loss", "accuracy"))
        assert sorted(its["notes"][-1].split("  ")) == [f"accuracy {accuracy:.4f}", f"loss {loss:.4f}"]


def test_the_curves_have_a_point_an_epoch(fitted: Fit, curves: Path) -> None:
    for part, prefix in (("train", ""), ("validation", "val_")):
        for name in ("loss", "accuracy"):
            with (curves / f"plots/metrics/{part}/{name}.tsv").open() as file:
                rows = list(csv.DictReader(file, delimiter="\t"))
            assert [float(row[name]) for row in rows] == pytest.approx(fitted.history[prefix + name])
            steps = [int(row["step"]) for row in rows]
            assert steps == list(range(steps[0], steps[0] + 6))


def test_the_curves_summary_is_that_of_the_last_epoch(fitted: Fit, curves: Path) -> None:
    summary = json.loads((curves / "metrics.json").read_text())
    assert summary["train"]["loss"] == pytest.approx(fitted.history["loss"][-1])
    assert summary["validation"]["accuracy"] == pytest.approx(fitted.history["val_accuracy"][-1])
    assert summary["kept"] == {"temperature": 1.5}


def test_a_validation_loss_that_is_no_number_ends_the_fit() -> None:
    from imdb_sentiment.network.model import create_baseline_model
    from imdb_sentiment.training.fit import split_and_fit_dataset

    params, train = model_params(activation="relu"), train_params(epochs=1)
    model = create_baseline_model(VOCABULARY_SIZE, params, train)
    # Each step multiplies the states: reviews of one word are learnt from, and long ones overflow, to both sides.
    model.get_layer("lstm_1").directions[0].cell.recurrent_kernel.assign(np.full((4, 16), 100.0))
    model.get_layer("sentiment").kernel.assign([[1.0], [-1.0], [1.0], [-1.0]])
    parts = parts_of(train=reviews_of(8, longest=1), validation=reviews_of(6, longest=100))
    with pytest.raises(TrainingError, match=r"^epoch 1: found the val_loss nan; expected a number.* below 0\.01 "):
        split_and_fit_dataset(model, parts, params, train)


VECTORS = np.linspace(-1, 1, 40, dtype=np.float16).reshape(VOCABULARY_SIZE, 4).astype(np.float32)

# States grow with each step and soon overflow.
EXPLOSIVE = {"activation": "relu", "lstm_units": 16, "lstm_layers": 2}
FAST = {"learning_rate": 10.0, "optimizer": "sgd"}


def write_inputs(folder: Path, **parts: Sequences) -> None:
    """Write what train reads, of VOCABULARY_SIZE tokens, into `folder`."""
    sequences = parts_of(**parts)
    save_sequences(sequences, folder / "sequences.npz")
    TextEncoder((*SPECIAL_TOKENS, *"abcdefgh"), 6, 0.25).save(folder / "vocabulary.json")
    np.savez(folder / "embeddings.npz", embeddings=VECTORS.astype(np.float16))
    rng = np.random.default_rng(0)
    drawn = {part: rng.normal(size=(*its.token_ids.shape, CHANNELS)) for part, its in sequences.items()}
    channels = {part: np.where(sequences[part].token_ids[..., None] > 0, its, 0) for part, its in drawn.items()}
    np.savez(folder / "channels.npz", **{part: its.astype(np.float16) for part, its in channels.items()})


def train_into(folder: Path, params: ModelParams = PARAMS, train: TrainParams = TRAIN) -> None:
    from imdb_sentiment.training.fit import train_model

    names = ("sequences.npz", "vocabulary.json", "embeddings.npz", "channels.npz")
    inputs = [folder / name for name in names]
    outputs = {name: folder / name for name in ("checkpoints", "curves")}
    train_model(*inputs, params=params, train=train, folder=folder / "model", **outputs)


def test_what_train_writes_is_the_fit_and_its_temperature(fitted: Fit, curves: Path, tmp_path: Path) -> None:
    from imdb_sentiment.network.saved_model import SavedModel, save_model
    from imdb_sentiment.training.calibration import fit_temperature

    write_inputs(tmp_path)
    before = set(snapshot(tmp_path))
    train_into(tmp_path)
    validation = parts_of()["validation"]
    temperature = fit_temperature(validation.labels, predict(fitted.model, validation.token_ids)[:, 0].astype(float))
    written = json.loads((tmp_path / "model/model.json").read_text())
    assert written["temperature"] == pytest.approx(temperature, rel=1e-4)
    expected = tmp_path / "expected"
    expected.mkdir()
    save_model(SavedModel([fitted.model], VOCABULARY_SIZE, PARAMS, TRAIN, written["temperature"]), expected)
    assert snapshot(tmp_path / "model") == snapshot(expected)
    kept = json.loads((tmp_path / "curves/metrics.json").read_text())["kept"]
    assert kept["temperature"] == written["temperature"]
    assert kept["validation_accuracy"] == max(fitted.history["val_accuracy"])
    assert (tmp_path / "curves/plots/metrics/train/loss.tsv").read_bytes() == (
        curves / "plots/metrics/train/loss.tsv"
    ).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {*before, "model", "curves", "expected"}


POLARITY = {"architecture": "polarity", "pretrained_embeddings": True, "trainable_embeddings": False}


def test_members_come_from_seeds_of_their_own_and_twice_the_same(tmp_path: Path) -> None:
    from imdb_sentiment.network.saved_model import load_model
    from imdb_sentiment.training.calibration import fit_temperature

    write_inputs(tmp_path)
    params, train = model_params(**POLARITY, dropout_rate=0.2), train_params(epochs=1, members=2, seed=5)
    train_into(tmp_path, params, train)
    first = snapshot(tmp_path / "model")
    saved = load_model(tmp_path / "model")
    one, two = saved.members
    for member in (one, two):
        np.testing.assert_array_equal(member.get_layer("embedding").get_weights()[0], VECTORS)
    assert np.abs(one.get_layer("sentiment").kernel - two.get_layer("sentiment").kernel).max() > 1e-3

    # The temperature, and what is logged of the model that is kept, are those of both together.
    validation = parts_of()["validation"]
    with np.load(tmp_path / "channels.npz") as file:
        inputs = {"token_ids": validation.token_ids, "polarity": file["validation"].astype(np.float32)}
    by_each = [predict(member, **inputs)[:, 0].astype(float) for member in (one, two)]
    logits = sum(np.log(its / (1 - its)) for its in by_each) / 2
    expected = fit_temperature(validation.labels, 1 / (1 + np.exp(-logits)))
    assert saved.temperature == pytest.approx(expected, rel=1e-3)
    kept = json.loads((tmp_path / "curves/metrics.json").read_text())["kept"]
    right = ((logits >= 0) == validation.labels).mean()
    assert kept == {"validation_accuracy": pytest.approx(right), "temperature": saved.temperature}
    with (tmp_path / "curves/plots/metrics/train/loss.tsv").open() as file:
        assert [row["step"] for row in csv.DictReader(file, delimiter="\t")] == ["1", "2"]

    train_into(tmp_path, params, train)
    assert snapshot(tmp_path / "model") == first
    for seed, expected_member in ((5, one), (6, two)):
        train_into(tmp_path, params, train_params(epochs=1, members=1, seed=seed))
        (found,) = load_model(tmp_path / "model").members
        for weight, its in zip(found.get_weights(), expected_member.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, its)


def test_pretrained_vectors_are_where_a_fit_begins(tmp_path: Path) -> None:
    from imdb_sentiment.network.saved_model import load_model

    write_inputs(tmp_path)
    params = model_params(pretrained_embeddings=True)
    train_into(tmp_path, params, train_params(epochs=1, learning_rate=1e-5))
    found = load_model(tmp_path / "model").members[0].get_layer("embedding").get_weights()[0]
    assert 0 < np.abs(found - VECTORS).max() < 1e-3


def test_weights_are_averaged_along_the_last_share_of_the_steps() -> None:
    from imdb_sentiment.training.state import WeightAverage

    class Moving:
        def __init__(self) -> None:
            self.step = 0.0

        def get_weights(self) -> list[Any]:
            self.step += 1
            return [np.full(2, self.step), np.array([[10 * self.step]])]

    average = WeightAverage(train_params(averaged_share=0.25))
    model = Moving()
    average.add(model, 0.74)
    assert average.weights is None
    assert model.step == 0
    for share in (0.75, 0.8, 0.99):
        average.add(model, share)
    assert average.weights is not None
    np.testing.assert_allclose(average.weights[0], [2.0, 2.0])
    np.testing.assert_allclose(average.weights[1], [[20.0]])


AVERAGING = train_params(epochs=2, batch_size=1, averaged_share=0.6, seed=4)


@pytest.fixture(scope="module")
def steps() -> list[list[Any]]:
    """Return the weights after each of the 24 steps of a fit by AVERAGING, in a loop of the test's own."""
    from imdb_sentiment.artifacts.batches import length_grouped_rows, take_batch
    from imdb_sentiment.network.model import create_model
    from imdb_sentiment.training.fit import make_reproducible

    make_reproducible(4)
    model = create_model(VOCABULARY_SIZE, model_params(), AVERAGING)
    rng = np.random.default_rng(4)
    weights = []
    for _ in range(2):
        for rows in length_grouped_rows(reviews_of().lengths, 1, rng):
            model.train_on_batch(*take_batch(reviews_of(), rows))
            weights.append(model.get_weights())
    return weights


@pytest.mark.parametrize(("of_mean", "is_kept"), [(0.61, True), (0.6, False)])
def test_the_mean_of_the_weights_is_kept_only_if_it_validates_better(
    steps: list[list[Any]], of_mean: float, is_kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imdb_sentiment.training import fit as training

    # The first epoch validates worse than the second, and that not as well as the mean, or equally well.
    accuracies = iter([0.5, 0.6, of_mean])
    monkeypatch.setattr(training, "validate", lambda *_: {"loss": 0.7, "accuracy": next(accuracies)})
    its = fit(parts_of(), AVERAGING, model_params())
    assert its.history["val_accuracy"] == [0.5, 0.6]
    # Of the steps 0 and 10 of each epoch, those after four tenths of the way; step 0 of the first comes before it.
    mean = [np.mean(taken, axis=0) for taken in zip(steps[10], steps[12], steps[22], strict=True)]
    for found, expected in zip(its.model.get_weights(), mean if is_kept else steps[23], strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert max(np.abs(one - other).max() for one, other in zip(mean, steps[23], strict=True)) > 1e-3


def test_sure_mistakes_have_a_loss_that_is_a_number() -> None:
    from imdb_sentiment.training.fit import _scores

    scores = _scores(np.array([1, 0, 1], np.int8), np.array([0.0, 0.5, 1.0]))
    # -log(1e-7), log(2) and nothing; one half is called positive.
    assert scores == {"loss": pytest.approx((7 * math.log(10) + math.log(2)) / 3), "accuracy": pytest.approx(1 / 3)}


def test_a_loss_that_is_no_number_ends_the_fit_and_the_old_outputs_stay(tmp_path: Path) -> None:
    write_inputs(tmp_path, train=reviews_of(16, longest=60))
    for name in ("model", "curves"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").write_text("old")
    before = snapshot(tmp_path)
    with pytest.raises(TrainingError, match=r"^epoch \d: found the \w+ (nan|inf); expected a number.* below 10 "):
        train_into(tmp_path, model_params(**EXPLOSIVE), train_params(**FAST, epochs=9, batch_size=2))
    assert snapshot(tmp_path) == before


def test_sequences_of_another_vocabulary_are_refused(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    TextEncoder((*SPECIAL_TOKENS, "a"), 6, 0.25).save(tmp_path / "vocabulary.json")
    before = snapshot(tmp_path)
    with pytest.raises(ArtifactError, match="token ids from 0 to 9 in train; expected 0 to 2"):
        train_into(tmp_path)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "arrays", "message"),
    [
        (
            "channels.npz",
            {part: np.zeros((12, 5, CHANNELS), np.float16) for part in ("train", "validation", "test")},
            "float16 of shape (12, 5, 6) for train; expected float16 of shape (12, 6, 6)",
        ),
        (
            "embeddings.npz",
            {"embeddings": np.zeros((7, 4), np.float16)},
            "embeddings float16 of shape (7, 4); expected float16 of shape (10, 4)",
        ),
    ],
)
def test_channels_and_vectors_of_other_sequences_are_refused(
    tmp_path: Path, name: str, arrays: dict[str, Any], message: str
) -> None:
    write_inputs(tmp_path)
    np.savez(tmp_path / name, **arrays)
    before = snapshot(tmp_path)
    with pytest.raises(ArtifactError) as caught:
        train_into(tmp_path, model_params(**POLARITY))
    assert str(caught.value).startswith(f"{tmp_path / name}: found {message}")
    assert snapshot(tmp_path) == before


def test_the_seed_after_the_largest_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    from imdb_sentiment.training import fit as training

    seeds = []
    monkeypatch.setattr(training, "split_and_fit_dataset", lambda *its, **_: seeds.append(its[3].seed))
    for number in (0, 1):
        train = train_params(seed=2**32 - 1, members=2)
        training.fit_member(
            training.Inputs(parts_of(), VOCABULARY_SIZE, None), params=PARAMS, train=train, number=number
        )
    assert seeds == [2**32 - 1, 0]
