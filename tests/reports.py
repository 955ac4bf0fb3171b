"""Made-up reports for the tests of the report page and the model card."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from imdb_sentiment.artifacts.temperature import Temperature
from imdb_sentiment.evaluation.behaviour_labels import measure_labels
from imdb_sentiment.evaluation.behaviour_texts import Pair
from imdb_sentiment.evaluation.metrics import classification_metrics
from imdb_sentiment.prediction.explanation import Explanation, Word
from imdb_sentiment.report.edited_reviews import ExplainedPair, find_changes
from imdb_sentiment.report.gather import Member, Mistake, Report, Training
from imdb_sentiment.runtime.params import load_params
from tests.factories import write_params

SCRIPT = "<script>alert('x')</script> & <img src=x onerror=alert(1)> dull"
SOURCE = 'data/"<b>reviews</b>".csv'
BEHAVIOUR = {"actor_name_change": 0.0125, "typing_errors_other_side": 0.034}
DATA = {
    "reviews": 1200,
    "counts": {"train": {"negative": 500, "positive": 500}, "test": {"negative": 100, "positive": 100}},
    "empty_reviews": 0,
    "duplicates_within_train": 3,
    "duplicates_within_test": 4,
    "test_reviews_also_in_train": 5,
    "test_reviews_also_unlabelled": 6,
    "length_percentiles": {"50": 961, "100": 14106},
    "groups": {"train": 40, "test": 50},
    "tables": None,
    "fingerprint": "55186348",
    "known_as": "Large Movie Review Dataset v1",
}


def make_reviews(count: int = 60) -> pd.DataFrame:
    """Return test reviews as `Report.reviews` has them: the LSTM is right more often than the linear baseline."""
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 2, count).astype(np.int8)
    return pd.DataFrame(
        {
            "y_true": y_true,
            "lstm": np.where(rng.random(count) < 0.9, 0.2 + 0.6 * y_true, rng.random(count)),
            "linear": np.where(rng.random(count) < 0.7, 0.2 + 0.6 * y_true, rng.random(count)),
            "rating": np.where(y_true == 1, 8, 3),
            "text": ["word " * int(length) for length in rng.integers(1, 50, count)],
        }
    )


def make_training(*kept_epochs: int | None, epochs: int = 3) -> Training:
    """Return the training of an ensemble with a member for each of `kept_epochs`."""
    columns = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    curves = pd.DataFrame({"epoch": range(1, epochs + 1)} | {name: np.linspace(0.5, 0.25, epochs) for name in columns})
    scores = {"validation_loss": 0.1875, "validation_accuracy": 0.9375}
    members = [Member(curves, {"kept_epoch": kept, **scores}) for kept in kept_epochs]
    temperature = Temperature(log_length=-0.25)
    return Training({"validation_loss": 0.125, "validation_accuracy": 0.96}, temperature, members)


def make_report(folder: Path) -> Report:
    """Return a report of made-up measurements; its params are written to `folder`."""
    reviews = make_reviews()
    measured = {
        name: classification_metrics(reviews["y_true"].to_numpy(), reviews[name].to_numpy(), np.zeros(60, bool))
        for name in ("lstm", "linear")
    }
    return Report(
        params=load_params(write_params(folder / "params.yaml", {"data.source": json.dumps(SOURCE)})),
        metrics=measured["lstm"] | {"margin_over_baseline": 0.0156, "mcnemar_p": 0.012},
        baseline=measured["linear"],
        data=DATA,
        behaviour=BEHAVIOUR,
        behaviour_details={name: measure_labels(lambda texts: np.full(len(texts), 0.9))[1] for name in measured},
        export_check={"compared_reviews": 60, "largest_difference": 7.2e-07},
        training=make_training(2, None),
        reviews=reviews,
        mistakes=[
            Mistake("test/<b>1</b>", "negative", 1, Explanation(SCRIPT, 0.99, [Word(0, 8, 1.0), Word(9, 14, -2.0)]))
        ],
        pairs=[
            ExplainedPair(
                Pair("verb", 1, "I loved it.", "I hated it.", "held_out"),
                loved := Explanation("I loved it.", 0.875, [Word(0, 1, 0.0), Word(2, 7, 1.5), Word(8, 10, 0.0)]),
                hated := Explanation("I hated it.", 0.625, [Word(0, 1, 0.0), Word(2, 7, -0.5), Word(8, 10, 0.0)]),
                find_changes(loved, hated),
            )
        ],
    )
