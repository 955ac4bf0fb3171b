"""Charts as inline SVG: no script, no font, no file beside the page; its style gives the colours of light and dark."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

# The page's style sheet colours these classes. Blue and orange are told apart by the colour-blind too, and a dash or a
# hollow mark by whoever sees no colour.
STYLE: Final = """
svg { display: block; height: auto; max-width: 100%; }
svg text { fill: var(--faint); font-size: 12px; } svg .label { fill: var(--ink); }
.grid { stroke: var(--line); stroke-width: 1; } .chance { stroke: var(--faint); stroke-dasharray: 2 4; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.ours { stroke: var(--ours); } .theirs { stroke: var(--theirs); stroke-dasharray: 6 3; }
.dot.ours { fill: var(--ours); } .dot.theirs { fill: var(--paper); stroke-dasharray: none; stroke-width: 2; }
.whisker { stroke-width: 2; stroke-dasharray: none; }
"""
WIDTH: Final = 480
_HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 12, 44  # room for the labels
_ROW: Final = 34  # height of a row of intervals
_NAMES: Final = 132  # width of their names

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Curve:
    """One line: its points from left to right, and its class (`ours` or `theirs`); `dots` marks each point."""

    points: Sequence[tuple[float, float]]
    kind: str = "ours"
    dots: bool = False


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float


def curve_chart(
    curves: Sequence[Curve],
    title: str,
    *,
    x_label: str,
    y_label: str,
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    diagonal: bool = False,
) -> str:
    """Return an SVG of `curves`; the ticks are also where the axes end. `title` is what a screen reader says."""
    bottom, right = _HEIGHT - _BOTTOM, WIDTH - _RIGHT
    x = _scale(x_ticks[0], x_ticks[-1], _LEFT, right)
    y = _scale(y_ticks[0], y_ticks[-1], bottom, _TOP)
    parts = []
    for tick in y_ticks:
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(_text(_LEFT - 8, y(tick) + 4, _number(tick), "end"))
    parts += [_text(x(tick), bottom + 18, _number(tick), "middle") for tick in x_ticks]
    parts.append(_text((_LEFT + right) / 2, _HEIGHT - 8, x_label, "middle", "label"))
    middle = (_TOP + bottom) / 2
    parts.append(
        f'<text class="label" text-anchor="middle" transform="translate(14 {middle:.0f}) rotate(-90)">'
        f"{escape(y_label)}</text>"
    )
    if diagonal:
        parts.append(f'<line class="chance" x1="{_LEFT}" y1="{bottom}" x2="{right}" y2="{_TOP}"/>')
    for its in curves:
        points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in its.points)
        parts.append(f'<polyline class="curve {its.kind}" points="{points}"/>')
        if its.dots:
            parts += [_dot(x(at), y(value), its.kind) for at, value in its.points]
    return _svg(_HEIGHT, title, parts)


def interval_chart(
    rows: Sequence[tuple[str, Sequence[Interval]]], title: str, ticks: Sequence[float], format_tick: Callable[..., str]
) -> str:
    """Return an SVG with a row for each name, and in it one interval for ours and one for theirs, in this order."""
    height = _TOP + _ROW * len(rows) + 26
    right = WIDTH - _RIGHT - 12
    x = _scale(ticks[0], ticks[-1], _NAMES, right)
    parts = []
    for tick in ticks:
        parts.append(f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{_TOP}" y2="{height - 26}"/>')
        parts.append(_text(x(tick), height - 8, format_tick(tick), "middle"))
    for number, (name, intervals) in enumerate(rows):
        centre = _TOP + _ROW * (number + 0.5)
        parts.append(_text(_NAMES - 10, centre + 4, name, "end", "label"))
        for at, (its, kind) in enumerate(zip(intervals, ("ours", "theirs"), strict=False)):
            y = centre + (at - (len(intervals) - 1) / 2) * 12
            low, high = x(max(its.low, ticks[0])), x(min(its.high, ticks[-1]))
            parts.append(f'<line class="whisker {kind}" x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(_dot(x(min(max(its.value, ticks[0]), ticks[-1])), y, kind))
    return _svg(height, title, parts)


def ticks_around(values: Sequence[float], step: float, least: float, most: float) -> list[float]:
    """Return multiples of `step` that enclose `values`, within `least` and `most`."""
    first = max(least, step * ((min(values) + 1e-9) // step))
    last = min(most, step * (-(-(max(values) - 1e-9) // step)))
    count = max(1, round((last - first) / step))
    return [first + step * number for number in range(count + 1)]


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _dot(x: float, y: float, kind: str) -> str:
    return f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )
