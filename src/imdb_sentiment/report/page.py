"""The report as one page of HTML that needs nothing else: no script, no font, no network."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

import numpy as np
from sklearn import metrics as sklearn_metrics

from imdb_sentiment.artifacts.labels import describe
from imdb_sentiment.evaluation.metrics import calibration_bins
from imdb_sentiment.prediction.explanation_page import COLOURS, marked_words
from imdb_sentiment.report import charts
from imdb_sentiment.report.charts import Curve, Interval, curve_chart, interval_chart, ticks_around
from imdb_sentiment.report.gather import Mistake, Report, Row

_POINTS: Final = 200  # of a curve: more than a screen shows are no use
_SHOWN: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # rates in the tables beside the curves
_TENTHS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

# Nothing may run or be fetched, whatever a review contains: it is escaped, and this is the second lock.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --panel: #f6f7f9; --ink: #1c1c1c; --faint: #5c6066; --line: #d9dce1;
  --ours: #1d5fbf; --theirs: #b3530a; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171a; --panel: #1e2125; --ink: #e8e8e8; --faint: #a2a7ae;
  --line: #3a3e44; --ours: #7fb0f5; --theirs: #f0a35e; } }
* { box-sizing: border-box; }
body { background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; margin: 0 auto;
  max-width: 66rem; padding: 1rem; }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; } h3 { font-size: 1rem; }
a { color: var(--ours); } :focus-visible { outline: 3px solid var(--ours); outline-offset: 2px; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; padding: 0; }
.headline { background: var(--panel); border-radius: .6rem; padding: 1rem 1.25rem; }
.accuracy { font-size: 2.6rem; font-weight: 650; line-height: 1.1; } .note { color: var(--faint); font-size: .92rem; }
.pair { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
.pair > div { min-width: 0; } .wide { overflow-x: auto; }
.key::before { border-top: 3px solid; content: ""; display: inline-block; margin-right: .4em; vertical-align: middle;
  width: 1.6em; } .key.ours::before { border-color: var(--ours); }
.key.theirs::before { border-color: var(--theirs); border-top-style: dashed; }
table { border-collapse: collapse; font-size: .95rem; } caption { color: var(--faint); text-align: left; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem 1.2rem .2rem 0; text-align: left; vertical-align: top; }
td.number, th.number { font-variant-numeric: tabular-nums; text-align: right; } th[scope=row] { font-weight: 400; }
summary { color: var(--faint); cursor: pointer; font-size: .92rem; margin: .4rem 0; }
article { border-top: 1px solid var(--line); margin-top: 1rem; } article h3 { margin: .8rem 0 .2rem; }
.review { line-height: 1.8; overflow-wrap: anywhere; white-space: pre-wrap; }
code { overflow-wrap: anywhere; } .unread { color: var(--faint); }
"""
_KEY: Final = '<p class="note"><span class="key ours">LSTM</span> &ensp; <span class="key theirs">{theirs}</span></p>'
_PEER: Final = _KEY.format(theirs="NB-SVM, the linear peer")


def render_report(report: Report) -> str:
    """Return the page."""
    sections = {
        "Training": _training(report),
        "Errors": _confusion(report.metrics),
        "Ranking": _ranking(report),
        "Calibration": _calibration(report),
        "Length and rating": _groups(report),
        "Surest mistakes": _mistakes(report.mistakes),
        "The data": _data(report.data),
        "Params": _params(report),
    }
    links = "".join(f'<li><a href="#{_anchor(name)}">{name}</a></li>' for name in sections)
    body = "".join(
        f'<section aria-labelledby="{_anchor(name)}"><h2 id="{_anchor(name)}">{name}</h2>{content}</section>\n'
        for name, content in sections.items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>Sentiment of film reviews: {_percent(report.metrics["accuracy"])}</title>
<style>{_STYLE}{charts.STYLE}{COLOURS}</style>
</head>
<body>
<main>
<h1>Sentiment of film reviews: how good the model is</h1>
{_headline(report)}
<nav aria-label="Sections"><ul>{links}</ul></nav>
{body}</main>
</body>
</html>
"""


def _headline(report: Report) -> str:
    ours, theirs = report.metrics, report.baseline
    both = [_accuracy(ours), _accuracy(theirs)]
    ticks = ticks_around([end for its in both for end in (its.low, its.high)], *_steps(both))
    # One row: the LSTM above, its peer below, so that the two intervals can be compared at a glance.
    chart = interval_chart([("accuracy", both)], "Accuracy with its 95% interval, LSTM and NB-SVM", ticks, _tick)
    chance = ours["mcnemar_p"]
    if chance < 0.001:
        said = "A difference that chance does not make (McNemar's test, p below 0.001)."
    else:
        judged = "chance may do that" if chance > 0.05 else "chance seldom does that"
        said = f"McNemar's test gives p = {chance:.3f}: {judged}."
    return f"""<div class="headline pair"><div>
<div class="accuracy">{_percent(ours["accuracy"])}</div>
<p>of {ours["test_reviews"]:,} test reviews are told right; 95% interval {_percent(ours["accuracy_low"])} to
{_percent(ours["accuracy_high"])}. The linear peer, NB-SVM, has {_percent(theirs["accuracy"])}
({_percent(theirs["accuracy_low"])} to {_percent(theirs["accuracy_high"])}): the LSTM is
{abs(100 * ours["margin_over_baseline"]):.2f} points {"ahead" if ours["margin_over_baseline"] >= 0 else "behind"}.
{said}</p></div>
<div>{chart}{_PEER}</div></div>"""


def _training(report: Report) -> str:
    epochs = report.params.train.epochs
    parts = []
    for name, step in (("loss", 0.05), ("accuracy", 0.02)):
        curves, values = [], []
        for kind, part in (("theirs", "train"), ("ours", "validation")):
            whole = report.curves[f"{part}/{name}"]
            values += whole
            for start in range(0, len(whole), epochs):
                member = [(float(epoch), value) for epoch, value in enumerate(whole[start : start + epochs], 1)]
                curves.append(Curve(member, kind, dots=True))
        spread = max(values) - min(values)
        ticks = ticks_around(values, step * max(1, round(spread / step / 5)), 0, 1 if name == "accuracy" else np.inf)
        x_ticks = [float(its) for its in range(1, epochs + 1, max(1, epochs // 8))] or [1.0]
        x_ticks = x_ticks if len(x_ticks) > 1 else [0.0, 1.0]
        if x_ticks[-1] < epochs:
            x_ticks.append(float(epochs))
        title = f"The {name} after each epoch, on the train and the validation part"
        chart = curve_chart(curves, title, x_label="epoch", y_label=name, x_ticks=x_ticks, y_ticks=ticks)
        rows = [
            (f"{1 + row // epochs}", f"{1 + row % epochs}", f"{train:.4f}", f"{validation:.4f}")
            for row, (train, validation) in enumerate(
                zip(report.curves[f"train/{name}"], report.curves[f"validation/{name}"], strict=True)
            )
        ]
        parts.append(f"<div>{chart}{_numbers(('member', 'epoch', 'train', 'validation'), rows)}</div>")
    members = report.params.train.members
    lines = f" &ensp; A line for each of the {members} members." if members > 1 else ""
    key = '<p class="note"><span class="key ours">validation</span> &ensp; <span class="key theirs">train</span>'
    return f'{key}{lines}</p><div class="pair">{"".join(parts)}</div>'


def _confusion(its: Mapping[str, Any]) -> str:
    cells = [
        ("negative", its["true_negatives"], its["false_positives"]),
        ("positive", its["false_negatives"], its["true_positives"]),
    ]
    rows = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(f'<td class="number">{count:,} ({count / max(1, one + two):.1%})</td>' for count in (one, two))
        + "</tr>"
        for name, one, two in cells
    )
    shares = ("precision", "recall", "f1", "roc_auc")
    measures = [(name, f"{its[name]:.4f}") for name in (*shares, "loss", "brier", "expected_calibration_error")]
    return f"""<div class="pair"><div class="wide"><table><caption>Confusion: a row for what reviews are, a column for
what the model says</caption><thead><tr><th scope="col">is</th><th scope="col" class="number">said to be negative</th>
<th scope="col" class="number">said to be positive</th></tr></thead><tbody>{rows}</tbody></table></div>
<div>{_table(("metric", "LSTM"), measures)}</div></div>"""


def _ranking(report: Report) -> str:
    truth = report.table["y_true"].to_numpy()
    roc, precise, roc_rows, precise_rows = [], [], [], []
    for kind, column in (("theirs", "theirs"), ("ours", "ours")):
        probability = report.table[column].to_numpy()
        false_positive, true_positive, _ = sklearn_metrics.roc_curve(truth, probability)
        precision, recall, _ = sklearn_metrics.precision_recall_curve(truth, probability)
        roc.append(Curve(_thinned(false_positive, true_positive), kind))
        precise.append(Curve(_thinned(recall[::-1], precision[::-1]), kind))
        roc_rows.append(np.interp(_SHOWN, false_positive, true_positive))
        precise_rows.append(np.interp(_TENTHS, recall[::-1], precision[::-1]))
    first = curve_chart(
        roc,
        "Receiver operating characteristic of LSTM and NB-SVM",
        x_label="false positive rate",
        y_label="true positive rate",
        x_ticks=_TENTHS,
        y_ticks=_TENTHS,
        diagonal=True,
    )
    second = curve_chart(
        precise,
        "Precision at each recall of LSTM and NB-SVM",
        x_label="recall",
        y_label="precision",
        x_ticks=_TENTHS,
        y_ticks=(0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    )

    def rows(at: Sequence[float], values: list[Any]) -> list[tuple[str, ...]]:
        return [(f"{x:g}", f"{ours:.4f}", f"{theirs:.4f}") for x, theirs, ours in zip(at, *values, strict=True)]

    return f"""{_PEER}<div class="pair"><div><h3>Receiver operating characteristic</h3>{first}
{_numbers(("false positive rate", "LSTM", "NB-SVM"), rows(_SHOWN, roc_rows))}</div>
<div><h3>Precision and recall</h3>{second}
{_numbers(("recall", "LSTM", "NB-SVM"), rows(_TENTHS, precise_rows))}</div></div>"""


def _calibration(report: Report) -> str:
    truth = report.table["y_true"].to_numpy()
    both = {kind: calibration_bins(truth, report.table[kind].to_numpy()) for kind in ("theirs", "ours")}
    curves = [
        Curve([(its["mean_probability"], its["share_positive"]) for its in bins], kind, dots=True)
        for kind, bins in both.items()
    ]
    chart = curve_chart(
        curves,
        "Share of positive reviews at each probability, LSTM and NB-SVM",
        x_label="probability of being positive",
        y_label="share that is positive",
        x_ticks=_TENTHS,
        y_ticks=_TENTHS,
        diagonal=True,
    )
    rows = [
        (f"{its['mean_probability']:.3f}", f"{its['share_positive']:.3f}", f"{its['reviews']:,}")
        for its in both["ours"]
    ]
    ours, theirs = (its["expected_calibration_error"] for its in (report.metrics, report.baseline))
    return f"""{_PEER}<div class="pair"><div>{chart}</div><div><p>On the dotted diagonal, of the reviews that are
called positive with 80%, 80% are. The mean distance from it, over all reviews (expected calibration error), is
{ours:.3f} for the LSTM and {theirs:.3f} for NB-SVM.</p>
{_numbers(("LSTM's mean probability", "share positive", "reviews"), rows)}</div></div>"""


def _groups(report: Report) -> str:
    parts = []
    for title, rows in (("by the review's length", report.by_length), ("by its rating", report.by_rating)):
        if not rows:
            continue
        both = [its for _, pair in rows for its in pair]
        ticks = ticks_around([end for its in both for end in (its.low, its.high)], *_steps(both))
        chart = interval_chart(rows, f"Accuracy with its 95% interval {title}", ticks, _tick)
        parts.append(f"<div><h3>Accuracy {title}</h3>{chart}{_numbers(('', 'LSTM', 'NB-SVM'), _shares(rows))}</div>")
    return f'{_PEER}<div class="pair">{"".join(parts)}</div>'


def _shares(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    return [(name, *(f"{its.value:.1%} ({its.low:.1%} to {its.high:.1%})" for its in pair)) for name, pair in rows]


def _mistakes(mistakes: Sequence[Mistake]) -> str:
    if not mistakes:
        return "<p>None.</p>"
    shown = "".join(
        f"""<article><h3>{number}. {describe(its.explanation.probability).capitalize()}; it is
{its.actual}{f", with {its.rating} of 10 stars" if its.rating else ""}</h3>
<p class="note"><code>{escape(its.review_id)}</code>, words that counted most:
{escape(", ".join(word for word, _ in its.explanation.strongest(6)))}</p>
<details{" open" if number == 1 else ""}><summary>The review, its words coloured by what they add</summary>
<p class="review">{marked_words(its.explanation)}</p></details></article>"""
        for number, its in enumerate(mistakes, 1)
    )
    return f"""<p>What the model is surest of, and wrong. Blue words speak for a positive review, orange ones
for a negative one; faint ones, in the middle of a long review, were not read.</p>{shown}"""


def _data(data: Mapping[str, Any]) -> str:
    counts = [
        (f"{split}, {label}", f"{count:,}")
        for split, labels in data["counts"].items()
        for label, count in labels.items()
    ]
    movies = data.get("movies") or {}
    quality = [
        ("known as", str(data["known_as"] or "a corpus of one's own")),
        ("empty reviews", f"{data['empty_reviews']:,}"),
        ("duplicates within train", f"{data['duplicates_within_train']:,}"),
        ("duplicates within test", f"{data['duplicates_within_test']:,}"),
        ("test reviews that also stand in train", f"{data['test_reviews_also_in_train']:,}"),
        ("test reviews that also stand among the unlabelled", f"{data['test_reviews_also_unlabelled']:,}"),
        *((f"movies in {split}", f"{count:,}") for split, count in movies.items()),
        ("median length in characters", f"{data['length_percentiles']['50']:,.0f}"),
        ("longest review", f"{data['length_percentiles']['100']:,.0f}"),
    ]
    return f"""<div class="pair"><div>{_table(("part", "reviews"), counts)}</div>
<div>{_table(("quality", ""), quality)}</div></div>
<p class="note">Fingerprint of the reviews: <code>{escape(str(data["fingerprint"]))}</code></p>"""


def _params(report: Report) -> str:
    tables = "".join(
        f"<div>{_table((section, ''), [(key, _value(value)) for key, value in values.items()])}</div>"
        for section, values in report.params.model_dump().items()
    )
    return f'<div class="pair">{tables}</div>'


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _accuracy(its: Mapping[str, Any]) -> Interval:
    return Interval(its["accuracy"], its["accuracy_low"], its["accuracy_high"])


def _steps(intervals: Sequence[Interval]) -> tuple[float, float, float]:
    """Return a step between ticks that leaves at most about six of them, and the bounds of a share."""
    spread = max(its.high for its in intervals) - min(its.low for its in intervals)
    return next(step for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if spread / step <= 5), 0.0, 1.0


def _tick(share: float) -> str:
    return f"{100 * share:.1f}%".replace(".0%", "%")


def _percent(share: float) -> str:
    return f"{share:.2%}"


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _thinned(x: Any, y: Any) -> list[tuple[float, float]]:
    rows = np.unique(np.linspace(0, len(x) - 1, _POINTS).round().astype(int))
    return [(float(x[row]), float(y[row])) for row in rows]


def _numbers(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a chart's numbers, folded away: a screen reader, or whoever wants them exactly, opens them."""
    return f"<details><summary>The numbers</summary>{_table(head, rows)}</details>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    heads = "".join(
        f'<th scope="col"{" class=number" if number else ""}>{escape(its)}</th>' for number, its in enumerate(head)
    )
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f'<td class="number">{escape(its)}</td>' for its in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
