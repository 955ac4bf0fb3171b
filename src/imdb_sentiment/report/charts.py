"""The report's charts: drawn by Altair as SVG inside the page, whose style sheet sets their colours."""

import io
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import altair as alt
import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.report.accuracy import GroupAccuracy
from imdb_sentiment.report.gather import Training

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]  # x from left to right, and y

CLASSIFIERS: Final = ("LSTM", "NB-SVM")
# Each chart has two series: blue and orange, and for readers who see no colours solid and dashed, filled and hollow.
_COLOURS: Final = ("var(--first)", "var(--second)")
_FILLS: Final = ("var(--first)", "var(--paper)")
_DASHES: Final = ((1, 0), (6, 3))
_POINTS: Final = 200  # of a curve: more do not show on a screen
_DOTS: Final = 40  # more points of a line would cover it
# Vega measures labels in the first font, which vl-convert ships, so every machine draws the same. Arial is as wide;
# for browsers that have neither, the labels have room to spare.
_FONT: Final = "Liberation Sans, Arial, Helvetica, sans-serif"


class _Line(NamedTuple):
    series: str
    points: Sequence[tuple[float, float]]  # from left to right
    emphasized_x: float | None = None


def training_chart(training: Training, measure: Literal["loss", "accuracy"]) -> str:
    """Return an SVG with two lines a member: `measure` on the train and on the validation part after each epoch.

    A diamond marks the epoch whose weights are kept.
    """
    lines = []
    for member in training.members:
        for part, kept_epoch in (("train", None), ("validation", member.result["kept_epoch"])):
            points = zip(member.curves["epoch"], member.curves[f"{part}_{measure}"], strict=True)
            lines.append(_Line(part, list(points), kept_epoch))
    x = alt.X("x:Q", title="epoch", axis=alt.Axis(format="d", tickMinStep=1), scale=alt.Scale(zero=False, padding=12))
    numbers = alt.Axis(format="~%" if measure == "accuracy" else "~g")
    y = alt.Y("y:Q", title=measure, axis=numbers, scale=alt.Scale(zero=False))
    dots = max(len(line.points) for line in lines) <= _DOTS
    return _line_chart(lines, ("validation", "train"), x, y, dots=dots)


def share_chart(
    curves: Sequence[Curve], x_title: str, y_title: str, *, dots: bool = False, diagonal: bool = False
) -> str:
    """Return an SVG of one or two curves of shares: that of the LSTM, and that of the linear baseline."""
    lines = []
    for name, (x, y) in zip(CLASSIFIERS, curves, strict=False):
        kept = np.unique(np.linspace(0, len(x) - 1, _POINTS).round().astype(int))
        lines.append(_Line(name, list(zip(x[kept].tolist(), y[kept].tolist(), strict=True))))
    scale = alt.Scale(domain=[0, 1])
    x_axis = alt.X("x:Q", title=x_title, scale=scale)
    y_axis = alt.Y("y:Q", title=y_title, scale=scale if diagonal else alt.Scale(zero=False))
    return _line_chart(lines, CLASSIFIERS, x_axis, y_axis, dots=dots, diagonal=diagonal)


def accuracy_chart(groups: Sequence[GroupAccuracy]) -> str:
    """Return an SVG with the accuracy's interval of both classifiers on each group, the LSTM's above the other."""
    rows = [
        {"group": group.name, "series": name, **interval._asdict()}
        for group in groups
        for name, interval in zip(CLASSIFIERS, (group.lstm, group.linear), strict=True)
    ]
    axis = alt.Axis(title=None, format="~%", tickCount=6)
    base = _chart(rows, CLASSIFIERS).encode(
        y=alt.Y("group:N", sort=None, axis=alt.Axis(title=None, grid=False, ticks=False, domain=False)),
        yOffset=alt.YOffset("series:N", sort=CLASSIFIERS, scale=alt.Scale(paddingOuter=0.4)),
    )
    low = alt.X("low:Q", axis=axis, scale=alt.Scale(zero=False))
    intervals = base.mark_rule(strokeWidth=2).encode(x=low, x2="high:Q")
    values = base.mark_point(size=60, opacity=1).encode(x="value:Q", fill=_fill(CLASSIFIERS))
    return _svg([intervals, values], height=40 + 34 * len(groups))


def _line_chart(
    lines: Sequence[_Line],
    series: tuple[str, str],
    x: alt.X,
    y: alt.Y,
    *,
    dots: bool = False,
    diagonal: bool = False,
) -> str:
    rows = [
        {"line": number, "series": line.series, "x": at, "y": value, "emphasized": at == line.emphasized_x}
        for number, line in enumerate(lines)
        for at, value in line.points
    ]
    base = _chart(rows, series).encode(x=x, y=y)
    dash = alt.StrokeDash("series:N", scale=alt.Scale(domain=series, range=_DASHES), legend=None)
    layers = [base.mark_line(strokeWidth=2).encode(detail="line:N", strokeDash=dash)]
    if diagonal:
        ends = alt.Chart(alt.InlineData(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}])).encode(x=x, y=y)
        layers.insert(0, ends.mark_line(stroke="var(--faint)", strokeDash=[2, 4], strokeWidth=1))
    if dots:
        layers.append(base.mark_point(size=40, opacity=1).encode(fill=_fill(series)))
    if any(line.emphasized_x is not None for line in lines):
        diamonds = base.transform_filter("datum.emphasized").mark_point(shape="diamond", size=220, opacity=1)
        layers.append(diamonds.encode(fill=_fill(series)))
    return _svg(layers, height=280)


def _chart(rows: Sequence[dict[str, Any]], series: tuple[str, str]) -> alt.Chart:
    colour = alt.Color("series:N", scale=alt.Scale(domain=series, range=_COLOURS), legend=None)
    return alt.Chart(alt.InlineData(values=rows)).encode(color=colour)


def _fill(series: tuple[str, str]) -> alt.Fill:
    return alt.Fill("series:N", scale=alt.Scale(domain=series, range=_FILLS), legend=None)


def _svg(layers: Sequence[alt.Chart], height: int) -> str:
    axis = {
        "labelFontSize": 13,
        "labelColor": "var(--faint)",
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "titleColor": "var(--ink)",
        "labelFlush": False,
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
    }
    padding = {"left": 14, "right": 8, "top": 4, "bottom": 2}
    fit = alt.AutoSizeParams(type="fit", contains="padding")
    chart = alt.layer(*layers).properties(width=440, height=height, padding=padding, autosize=fit)
    chart = chart.configure(
        background="transparent", font=_FONT, axis=axis, axisY={"titlePadding": 12}, view={"stroke": None}
    )
    svg = io.StringIO()
    chart.save(svg, format="svg")
    return svg.getvalue()
