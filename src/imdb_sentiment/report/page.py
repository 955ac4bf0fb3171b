"""The report page and the model card: their templates, filled with what the stages measured."""

from io import StringIO
from typing import Final

import numpy as np
import pandas as pd
from jinja2 import Environment
from numpy.typing import NDArray
from ruamel.yaml import YAML
from sklearn import metrics

from imdb_sentiment.artifacts.labels import describe
from imdb_sentiment.evaluation.metrics import calibration_bins
from imdb_sentiment.prediction.explanation_page import template_environment
from imdb_sentiment.report.accuracy import accuracy_by_length, accuracy_by_rating, overall_accuracy
from imdb_sentiment.report.charts import CLASSIFIERS, Curve, accuracy_chart, share_chart, training_chart
from imdb_sentiment.report.gather import Report

# The points of the curves that the tables below them list.
_FALSE_POSITIVE_RATES: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_RECALLS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def render_report(report: Report) -> str:
    """Return the page: HTML that needs no other file, no script and no network."""
    y_true = report.reviews["y_true"].to_numpy()
    probabilities = [report.reviews[name].to_numpy() for name in ("lstm", "linear")]
    roc = [metrics.roc_curve(y_true, y_prob)[:2] for y_prob in probabilities]
    precision_recall = [_precision_recall_curve(y_true, y_prob) for y_prob in probabilities]
    bins = [pd.DataFrame(calibration_bins(y_true, y_prob)) for y_prob in probabilities]
    calibration = [(table["mean_probability"].to_numpy(), table["share_positive"].to_numpy()) for table in bins]
    template = report_environment().get_template("report.html")
    return template.render(
        report=report,
        params=report.params.model_dump(),
        overall=overall_accuracy(report.metrics, report.baseline),
        training_charts={measure: training_chart(report.training, measure) for measure in ("loss", "accuracy")},
        roc_chart=share_chart(roc, "false positive rate", "true positive rate", diagonal=True),
        roc_points=_values_at(_FALSE_POSITIVE_RATES, roc),
        precision_recall_chart=share_chart(precision_recall, "recall", "precision"),
        precision_recall_points=_values_at(_RECALLS, precision_recall),
        calibration_chart=share_chart(calibration, "predicted probability", "share positive", dots=True, diagonal=True),
        calibration_bins={name: table.to_dict("records") for name, table in zip(CLASSIFIERS, bins, strict=True)},
        accuracy_groups={
            "by length of the review": accuracy_by_length(report.reviews),
            "by rating of the review": accuracy_by_rating(report.reviews),
        },
    )


def render_model_card(report: Report) -> str:
    """Return the model card: Markdown, with the front matter that model hubs read.

    Its sections follow Mitchell et al. 2019, "Model Cards for Model Reporting", section 4.
    """
    params = StringIO()
    yaml = YAML()
    yaml.width = 1000  # a value stays on its line
    yaml.dump(report.params.model_dump(), params)
    return report_environment().get_template("model_card.md").render(report=report, params=params.getvalue())


def report_environment() -> Environment:
    """Return the environment of all templates of this folder."""
    environment = template_environment("imdb_sentiment.report", "imdb_sentiment.prediction")
    environment.filters |= {"percent": "{:.2%}".format, "thousands": "{:,}".format, "describe": describe}
    environment.globals["accuracy_chart"] = accuracy_chart
    return environment


def _precision_recall_curve(y_true: NDArray[np.int64], y_prob: NDArray[np.float64]) -> Curve:
    precision, recall, _ = metrics.precision_recall_curve(y_true, y_prob)
    return recall[::-1], precision[::-1]


def _values_at(shown: tuple[float, ...], curves: list[Curve]) -> list[tuple[float, ...]]:
    """Return for each x of `shown` a row: x, and each curve's y there."""
    return [(x, *(float(np.interp(x, *curve)) for curve in curves)) for x in shown]
