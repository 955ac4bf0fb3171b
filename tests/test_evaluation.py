"""The metrics, worked out by hand; the curves; the linear baseline; the rates of behaviour."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from imdb_sentiment.artifacts.reviews import REVIEWS_SCHEMA
from imdb_sentiment.artifacts.sequences import load_sequences, save_sequences
from imdb_sentiment.evaluation.baseline import fit_linear_baseline
from imdb_sentiment.evaluation.behaviour import NAMES, measure_changes, sample_reviews, with_typing_errors
from imdb_sentiment.evaluation.curves import write_curves
from imdb_sentiment.evaluation.evaluate import evaluate_model
from imdb_sentiment.evaluation.metrics import (
    Evaluation,
    calibration_bins,
    classification_metrics,
    compare_with_baseline,
    expected_calibration_error,
    wilson_interval,
)
from imdb_sentiment.ngrams.nb_svm import ngrams, positive_probabilities
from imdb_sentiment.runtime.errors import ArtifactError
from tests.factories import change_reviews, make_sequences, snapshot
from tests.stage_runs import assert_stage_refuses, run_stage

Y_TRUE = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 0], np.int8)
Y_PROB = np.array([0.9, 0.8, 0.7, 0.4, 0.3, 0.2, 0.6, 0.1, 0.5, 0.5])
# From one half on a review is positive: 4 positives are found and 1 (0.4) is not, 2 negatives (0.6, 0.5) are taken
# for positive and 3 are not.
SEEN = np.array([True, False, False, True, False, False, False, False, False, False])
REVIEWS = ["A good film, and a long evening with friends.", "Not good at all."]


def measure(y_prob: NDArray[np.float64] = Y_PROB, seen: NDArray[np.bool_] = SEEN) -> dict[str, Any]:
    return classification_metrics(Y_TRUE, y_prob, seen)


def evaluate(y_true: Any = Y_TRUE, y_prob: Any = Y_PROB) -> Evaluation:
    test = make_sequences([[2]] * len(y_true), list(y_true))
    return evaluate_model(lambda _: np.asarray(y_prob, float), test)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 7 / 10),
        ("precision", 4 / 6),
        ("recall", 4 / 5),
        ("f1", 8 / 11),
        # Both labels have the probabilities 0.1, 0.2, 0.3, 0.6 and 0.5 left to the truth.
        ("brier", 2 * (0.1**2 + 0.2**2 + 0.3**2 + 0.6**2 + 0.5**2) / 10),
        ("loss", -2 * math.log(0.9 * 0.8 * 0.7 * 0.4 * 0.5) / 10),
        # Of 25 pairs of a positive and a negative 21 are in order, and one (0.5, 0.5) is half so.
        ("roc_auc", 21.5 / 25),
        # Of the 8 reviews that are left, 6 are classified correctly.
        ("accuracy_without_train_duplicates", 6 / 8),
        ("true_positives", 4),
        ("false_negatives", 1),
        ("false_positives", 2),
        ("true_negatives", 3),
        ("test_reviews", 10),
    ],
)
def test_metrics_are_what_they_are_by_hand(name: str, value: float) -> None:
    assert measure()[name] == pytest.approx(value, rel=1e-9)


def test_metrics_are_finite_at_the_extremes() -> None:
    negative = measure(Y_PROB / 10)
    assert (negative["precision"], negative["recall"], negative["f1"]) == (0.0, 0.0, 0.0)
    wrong = measure(np.where(Y_TRUE == 1, 0.0, 1.0))
    assert (wrong["accuracy"], wrong["brier"], wrong["roc_auc"]) == (0.0, 1.0, 0.0)
    assert wrong["expected_calibration_error"] == 1.0
    assert 10 < wrong["loss"] < math.inf
    json.dumps(measure(seen=np.ones(10, bool)), allow_nan=False)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_the_published_ones(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_the_accuracy_ends_1_96_standard_errors_away() -> None:
    # The rates p of which 7 of 10 is just 1.96 standard errors away: 10 (0.7 - p)^2 = z^2 p (1 - p).
    z2 = 1.959964**2
    ends = sorted(np.roots([10 + z2, -(14 + z2), 4.9]))
    assert [measure()["accuracy_low"], measure()["accuracy_high"]] == pytest.approx(ends, abs=1e-6)
    line = evaluate().summary()
    assert line == "loss 0.4589  accuracy 0.7000  (95% interval 0.3968 to 0.8922, 10 reviews)"


def test_calibration_is_what_it_is_by_hand() -> None:
    # Of 15 bins the first, the second (from 1/15 on), the one in the middle, and the last, which 1.0 is in as well.
    y_prob = np.array([0.02, 0.50, 0.98, 0.04, 0.52, 1.00, 0.08])
    y_true = np.array([0, 1, 1, 1, 0, 1, 0], np.int8)
    probabilities, shares, sizes = zip(*(bin_.values() for bin_ in calibration_bins(y_true, y_prob)), strict=True)
    assert sizes == (2, 1, 2, 2)
    assert probabilities == pytest.approx((0.03, 0.08, 0.51, 0.99))
    assert shares == (0.5, 0.0, 0.5, 1.0)
    expected = (2 * 0.47 + 0.08 + 2 * 0.01 + 2 * 0.01) / 7
    assert expected_calibration_error(y_true, y_prob) == pytest.approx(expected)
    calibrated = expected_calibration_error(np.array([1, 0, 0, 0], np.int8), np.repeat(0.25, 4))
    assert calibrated == pytest.approx(0, abs=1e-12)


def curves_of(evaluation: Evaluation, folder: Path) -> dict[str, list[dict[str, float]]]:
    write_curves(evaluation, folder)
    return {path.stem: json.loads(path.read_text())[path.stem] for path in folder.iterdir()}


def test_curves_have_their_ends_and_the_reported_area(tmp_path: Path) -> None:
    curves = curves_of(evaluate(), tmp_path / "plots")
    assert curves.keys() == {"roc", "precision_recall", "calibration"}
    x, y = ([point[name] for point in curves["roc"]] for name in ("false_positive_rate", "true_positive_rate"))
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(y, x) == pytest.approx(21.5 / 25)
    # All called positive: every positive is found, and half of what is called so is positive.
    assert curves["precision_recall"][0] == {"recall": 1.0, "precision": 0.5}
    assert curves["precision_recall"][-1] == {"recall": 0.0, "precision": 1.0}
    assert sum(bin_["reviews"] for bin_ in curves["calibration"]) == 10


def test_curves_of_many_reviews_are_thinned_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 2, 5000)
    y_prob = np.clip(0.5 + 0.2 * (y_true - 0.5) + rng.normal(0, 0.2, 5000), 0, 1)
    curves = curves_of(evaluate(y_true, y_prob), tmp_path / "plots")
    for name, x, ends in (("roc", "false_positive_rate", (0.0, 1.0)), ("precision_recall", "recall", (1.0, 0.0))):
        values = [point[x] for point in curves[name]]
        assert 100 < len(values) <= 500
        assert (values[0], values[-1]) == ends
        assert values == sorted(values, reverse=ends == (1.0, 0.0))


def test_the_comparison_with_the_baseline_counts_where_they_differ(tmp_path: Path) -> None:
    path = tmp_path / "baseline.csv"
    evaluate(y_prob=np.where(np.arange(10) == 0, 0.1, Y_PROB)).save_predictions(path)
    shuffled = pd.read_csv(path).sample(frac=1, random_state=0)
    shuffled.to_csv(path, index=False)
    # One review is classified correctly by the LSTM alone: a coin shows that side half of the time, and so does this.
    assert compare_with_baseline(evaluate(), path) == {"margin_over_baseline": 0.1, "mcnemar_p": 1.0}
    # Six alone, and none the other way: 2 / 2**6.
    evaluate(y_prob=np.where(np.isin(np.arange(10), [0, 1, 2, 4, 5, 8]), 1 - Y_TRUE, Y_PROB)).save_predictions(path)
    compared = compare_with_baseline(evaluate(), path)
    assert compared == {"margin_over_baseline": 0.6, "mcnemar_p": pytest.approx(2 / 2**6)}
    evaluate().save_predictions(path)
    assert compare_with_baseline(evaluate(), path) == {"margin_over_baseline": 0.0, "mcnemar_p": 1.0}
    table = pd.read_csv(path)
    for changed, message in (
        (table[1:], "9 other reviews"),
        (pd.concat([table, table[:1]]), "11 other reviews"),
        (table.assign(actual=table["actual"].to_numpy()[::-1]), "other labels"),
    ):
        changed.to_csv(path, index=False)
        with pytest.raises(ArtifactError, match=message):
            compare_with_baseline(evaluate(), path)


def test_the_evaluate_stage_measures_the_trained_model_on_the_test_part(exported_once: Path) -> None:
    from imdb_sentiment.artifacts.channels import add_channels
    from imdb_sentiment.network.saved_model import load_model

    data = exported_once / "data"
    metrics = json.loads((exported_once / "metrics/evaluation.json").read_text())
    predictions = pd.read_csv(data / "predictions.csv")
    test = add_channels(load_sequences(data / "sequences.npz"), data / "channels.npz")["test"]
    assert predictions["review_id"].tolist() == test.review_ids.tolist()
    np.testing.assert_allclose(predictions["probability"], load_model(data / "trained").predict(test), atol=1e-6)
    assert metrics["accuracy"] == (predictions["actual"] == predictions["predicted"]).mean()
    baseline = pd.read_csv(data / "baseline.csv")
    margin = metrics["accuracy"] - (baseline["actual"] == baseline["predicted"]).mean()
    assert metrics["margin_over_baseline"] == pytest.approx(margin)


def test_evaluate_rejects_sequences_of_another_vocabulary(trained: Path) -> None:
    parts = load_sequences(trained / "data/sequences.npz")
    parts["test"].token_ids[0, 0] = 999
    save_sequences(parts, trained / "data/sequences.npz")
    assert_stage_refuses("evaluate", trained, "data/sequences.npz: found token ids", "to 999 in test")


def test_the_linear_baseline_is_fitted_to_train_and_validation(prepared_once: Path) -> None:
    data = prepared_once / "data"
    model, evaluation = fit_linear_baseline(data / "reviews.parquet", data / "sequences.npz")
    parts = load_sequences(data / "sequences.npz")
    texts = pq.read_table(data / "reviews.parquet").to_pandas().set_index("review_id")["text"]
    fitted = texts.loc[[*parts["train"].review_ids, *parts["validation"].review_ids]]
    assert set(model[0].vocabulary_) == {ngram for text in fitted for ngram in ngrams(text)}
    expected = positive_probabilities(model, texts.loc[parts["test"].review_ids.tolist()].tolist())
    np.testing.assert_array_equal(evaluation.y_prob, expected)
    np.testing.assert_array_equal(evaluation.test.labels, parts["test"].labels)


def test_the_baseline_stage_writes_the_same_bytes_again(trained: Path) -> None:
    before = snapshot(trained)
    result = run_stage("baseline", trained)
    assert snapshot(trained) == before
    metrics = json.loads((trained / "metrics/baseline.json").read_text())
    assert f"loss {metrics['loss']:.4f}  accuracy {metrics['accuracy']:.4f}" in result.stdout


def test_the_baseline_rejects_reviews_that_are_missing_or_have_no_words(prepared: Path) -> None:
    missing = pq.read_table(prepared / "data/reviews.parquet")["review_id"][0].as_py()
    change_reviews(prepared, lambda rows: [row | {"text": " "} for row in rows])
    assert_stage_refuses("baseline", prepared, "data/reviews.parquet: found no word in any text")
    change_reviews(prepared, lambda rows: rows[1:])
    assert_stage_refuses("baseline", prepared, f"data/reviews.parquet: found no labelled review '{missing}'")


def indifferent(texts: list[str]) -> NDArray[np.float64]:
    return np.full(len(texts), 0.5)


def careful(texts: list[str]) -> NDArray[np.float64]:
    """Know what "not" and "but" do."""
    good = re.compile(r"\b(good|great|funny|interesting|convincing|loved|wonderful|won|had)\b")
    bad = re.compile(r"\b(bad|boring|terrible|awful|disappointing|hated|lost|bored)\b")
    opinions = [text.lower().split(", but ")[-1] for text in texts]
    scores = [bool(good.search(opinion)) - bool(bad.search(opinion)) for opinion in opinions]
    negated = [-score if "not " in opinion else score for score, opinion in zip(scores, opinions, strict=True)]
    return 0.5 + 0.4 * np.array(negated)


def test_an_indifferent_classifier_has_rates_of_zero() -> None:
    rates = measure_changes(indifferent, REVIEWS)
    assert {name: rate for name, rate in rates.items() if rate} == {"turned_over": 0.5}


def test_a_careful_classifier_gets_negation_and_turns_right() -> None:
    rates = measure_changes(careful, REVIEWS)
    assert (rates["not_good_below_good"], rates["not_bad_over_bad"], rates["turned_over"]) == (1.0, 1.0, 1.0)
    assert rates["capitals_change"] == 0


def test_changes_and_flips_are_counted() -> None:
    rates = measure_changes(lambda texts: np.array([0.9 if text.isupper() else 0.4 for text in texts]), REVIEWS)
    assert rates["capitals_change"] == pytest.approx(0.5)
    assert rates["capitals_other_side"] == 1.0
    assert rates["neutral_sentence_change"] == 0


def test_names_that_matter_are_seen() -> None:
    rates = measure_changes(
        lambda texts: np.array(
            [0.5 + 0.3 * (NAMES["actor"][1] in text) + 0.12 * (NAMES["film"][2] in text) for text in texts]
        ),
        REVIEWS,
    )
    # One of 6 names stands out: of the 30 pairs of two different ones, 10 have it.
    assert rates["actor_name_change"] == pytest.approx(0.3 * 10 / 30)
    assert rates["film_name_change"] == pytest.approx(0.12 * 10 / 30)


def test_typing_errors_exchange_neighbours_within_words() -> None:
    text = "Wonderful performances everywhere, it is a 1990s classic " * 200
    changed = with_typing_errors(text, np.random.default_rng(0))
    pairs = [(one, other) for one, other in zip(text.split(), changed.split(), strict=True) if one != other]
    assert 10 <= len(pairs) <= 50
    for one, other in pairs:
        assert sorted(one) == sorted(other)
        assert (one[0], one[-1]) == (other[0], other[-1])
        assert sum(a != b for a, b in zip(one, other, strict=True)) == 2


def test_behaviour_is_measured_on_test_reviews_alone(prepared: Path) -> None:
    path = prepared / "data/reviews.parquet"
    rows = [row for row in pq.read_table(path).to_pylist() if row["split"] == "test"]
    texts = sample_reviews(path, [row["review_id"] for row in rows])
    assert sorted(texts) == sorted(row["text"] for row in rows)
    pq.write_table(REVIEWS_SCHEMA.empty_table(), path)
    with pytest.raises(ArtifactError, match="no test review"):
        sample_reviews(path, [row["review_id"] for row in rows])


def test_the_behaviour_stage_measures_the_exported_model(exported_once: Path) -> None:
    rates, baseline = (
        json.loads((exported_once / f"metrics/{name}.json").read_text()) for name in ("behaviour", "baseline_behaviour")
    )
    assert rates.keys() == baseline.keys()
    assert rates["capitals_change"] == 0  # tokens are lower-case
    details = json.loads((exported_once / "metrics/behaviour_details.json").read_text())
    assert rates["edits_right"] == details["held_out"]["edits"]["all"]["share"]
    assert rates["neutral_sentence_change"] > 0
