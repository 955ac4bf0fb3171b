"""The metrics, worked out by hand, and the tables and curves that are written of them."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Y_TRUE = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 0], np.int8)
Y_PROB = np.array([0.9, 0.8, 0.7, 0.4, 0.3, 0.2, 0.6, 0.1, 0.5, 0.5])
# From one half on a review is positive: 4 positives are found and 1 (0.4) is not, 2 negatives (0.6, 0.5) are taken
# for positive and 3 are not.
SEEN = np.array([True, False, False, True, False, False, False, False, False, False])


def metrics_of(y_true: Any = Y_TRUE, y_prob: Any = Y_PROB, seen: Any = SEEN) -> dict[str, Any]:
    from imdb_sentiment.evaluation.metrics import classification_metrics

    return classification_metrics(np.asarray(y_true, np.int8), np.asarray(y_prob, float), np.asarray(seen, bool))


def evaluation_of(y_true: Any, y_prob: Any) -> Any:
    from imdb_sentiment.evaluation.metrics import Evaluation

    y_true, y_prob = np.asarray(y_true, np.int8), np.asarray(y_prob, float)
    ids = np.array([f"test/pos/{row}_7" for row in range(len(y_true))])
    return Evaluation(ids, y_true, y_prob, metrics_of(y_true, y_prob, np.zeros(len(y_true), bool)))


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
        # Of the 8 reviews that are left, 6 are right: a right one and a wrong one were also in train.
        ("accuracy_without_train_duplicates", 6 / 8),
        ("true_positives", 4),
        ("false_negatives", 1),
        ("false_positives", 2),
        ("true_negatives", 3),
        ("test_reviews", 10),
    ],
)
def test_a_metric_is_what_it_is_by_hand(name: str, value: float) -> None:
    assert metrics_of()[name] == pytest.approx(value, rel=1e-9)


def test_a_model_that_calls_all_negative_has_a_precision_and_f1_of_0() -> None:
    found = metrics_of(y_prob=Y_PROB / 10)
    assert (found["precision"], found["recall"], found["f1"]) == (0.0, 0.0, 0.0)
    assert (found["true_negatives"], found["false_negatives"]) == (5, 5)


def test_a_certain_model_has_finite_metrics() -> None:
    found = metrics_of(y_prob=1.0 - Y_TRUE)
    assert found["accuracy"] == 0.0
    assert found["brier"] == 1.0
    assert found["roc_auc"] == 0.0
    assert found["expected_calibration_error"] == 1.0
    assert 10 < found["loss"] < math.inf


def test_metrics_of_reviews_that_training_saw_one_and_all_are_plain_json() -> None:
    found = metrics_of(seen=np.ones(10, bool))
    assert found["accuracy"] == 0.7
    json.dumps(found, allow_nan=False)


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
def test_the_interval_is_the_published_one(successes: int, trials: int, low: float, high: float) -> None:
    from imdb_sentiment.evaluation.metrics import wilson_interval

    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (7, 10), (0, 210), (210, 210), (22_000, 25_000)])
def test_the_intervals_ends_are_where_the_rate_is_1_96_standard_errors_away(successes: int, trials: int) -> None:
    from imdb_sentiment.evaluation.metrics import wilson_interval

    low, high = wilson_interval(successes, trials)
    rate = successes / trials
    assert 0.0 <= low <= rate <= high <= 1.0
    for end in (low, high):
        errors_away = (rate - end) ** 2 * trials
        assert errors_away == pytest.approx(1.959964**2 * end * (1 - end), rel=1e-5, abs=1e-12)


def test_the_metrics_have_the_interval_of_the_accuracy() -> None:
    found = metrics_of()
    # The rates p of which 7 of 10 is just 1.96 standard errors away: 10 (0.7 - p)^2 = z^2 p (1 - p).
    z2 = 1.959964**2
    ends = sorted(np.roots([10 + z2, -(14 + z2), 4.9]))
    assert [found["accuracy_low"], found["accuracy_high"]] == pytest.approx(ends, abs=1e-6)


def test_the_calibration_error_is_what_it_is_by_hand() -> None:
    from imdb_sentiment.evaluation.metrics import calibration_bins, expected_calibration_error

    # Of 15 bins the first, the second (from 1/15 on), the one in the middle, and the last, which 1.0 is in as well.
    y_prob = np.array([0.02, 0.50, 0.98, 0.04, 0.52, 1.00, 0.08])
    y_true = np.array([0, 1, 1, 1, 0, 1, 0], np.int8)
    bins = [list(its.values()) for its in calibration_bins(y_true, y_prob)]
    assert [its[2] for its in bins] == [2, 1, 2, 2]
    assert [its[0] for its in bins] == pytest.approx([0.03, 0.08, 0.51, 0.99])
    assert [its[1] for its in bins] == [0.5, 0.0, 0.5, 1.0]
    expected = (2 * 0.47 + 0.08 + 2 * 0.01 + 2 * 0.01) / 7
    assert expected_calibration_error(y_true, y_prob) == pytest.approx(expected)


def test_a_model_that_is_as_often_right_as_it_says_has_no_calibration_error() -> None:
    from imdb_sentiment.evaluation.metrics import expected_calibration_error

    # 0.25 four times with one positive, and 0.75 four times with three.
    y_true = np.array([1, 0, 0, 0, 1, 1, 1, 0], np.int8)
    assert expected_calibration_error(y_true, np.repeat([0.25, 0.75], 4)) == pytest.approx(0.0, abs=1e-12)


def test_the_summary_says_loss_accuracy_interval_and_size() -> None:
    line = evaluation_of(Y_TRUE, Y_PROB).summary()
    assert line == "loss 0.4589  accuracy 0.7000  (95% interval 0.3968 to 0.8922, 10 reviews)"


def test_the_predictions_are_a_table_in_the_reviews_own_order(tmp_path: Path) -> None:
    from imdb_sentiment.evaluation.metrics import write_predictions

    write_predictions(evaluation_of([1, 0, 1], [0.25, 0.5, 0.8765432198]), tmp_path / "made/predictions.csv")
    assert (tmp_path / "made/predictions.csv").read_bytes() == (
        b"review_id,actual,predicted,probability\n"
        b"test/pos/0_7,positive,negative,0.25\n"
        b"test/pos/1_7,negative,positive,0.5\n"
        b"test/pos/2_7,positive,positive,0.876543\n"
    )


def curves_of(y_true: Any, y_prob: Any, folder: Path) -> dict[str, list[dict[str, float]]]:
    from imdb_sentiment.evaluation.curves import write_curves

    write_curves(evaluation_of(y_true, y_prob), folder)
    assert {path.name for path in folder.iterdir()} == {"roc.json", "precision_recall.json", "calibration.json"}
    return {path.stem: json.loads(path.read_text())[path.stem] for path in folder.iterdir()}


def test_the_curves_begin_and_end_where_they_must(tmp_path: Path) -> None:
    curves = curves_of(Y_TRUE, Y_PROB, tmp_path / "plots")
    assert curves["roc"][0] == {"false_positive_rate": 0.0, "true_positive_rate": 0.0}
    assert curves["roc"][-1] == {"false_positive_rate": 1.0, "true_positive_rate": 1.0}
    # All called positive: every positive is found, and half of what is called so is right.
    assert curves["precision_recall"][0] == {"recall": 1.0, "precision": 0.5}
    assert curves["precision_recall"][-1] == {"recall": 0.0, "precision": 1.0}
    assert sum(its["reviews"] for its in curves["calibration"]) == 10


def test_the_area_under_the_curve_that_is_drawn_is_the_one_that_is_reported(tmp_path: Path) -> None:
    points = curves_of(Y_TRUE, Y_PROB, tmp_path / "plots")["roc"]
    x, y = ([its[name] for its in points] for name in ("false_positive_rate", "true_positive_rate"))
    assert np.trapezoid(y, x) == pytest.approx(21.5 / 25)


def test_a_curve_of_many_reviews_has_few_points_and_still_its_ends(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 2, 5000)
    curves = curves_of(y_true, np.clip(0.5 + 0.2 * (y_true - 0.5) + rng.normal(0, 0.2, 5000), 0, 1), tmp_path / "plots")
    for name, x, ends in (("roc", "false_positive_rate", (0.0, 1.0)), ("precision_recall", "recall", (1.0, 0.0))):
        assert 100 < len(curves[name]) <= 500
        values = [its[x] for its in curves[name]]
        assert (values[0], values[-1]) == ends
        assert values == sorted(values, reverse=ends == (1.0, 0.0))
