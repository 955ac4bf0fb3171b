"""The chart of `benchmarks.growth`: seconds and peak memory over the number of reviews, each axis logarithmic."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_WIDTH, _HEIGHT = 920, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 108, 40, 46  # room in each of the two panels, for the labels
_LABEL_HEIGHT: Final = 30  # two lines at the end of each curve
_TIMES: Final = {0.1: "0.1 s", 1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 36000: "10 h"}
_SIZES: Final = {2.0**power: f"{2**power} MiB" if power < 10 else f"{2 ** (power - 10)} GiB" for power in range(4, 20)}
# Dashes and labels tell the curves apart where no colour is seen.
_SHAPES: Final = """
text { font: 12px system-ui, sans-serif; } text.title { font-size: 14px; font-weight: 600; }
text.name { font-weight: 600; stroke: none; } .curve { fill: none; stroke-linejoin: round; stroke-width: 2; }
polyline.preprocess { stroke-dasharray: 7 3; } polyline.predict { stroke-dasharray: 2 3; } .dot { stroke-width: 2; }
"""
_LIGHT: Final = {"paper": "#fff", "ink": "#1c1c1c", "faint": "#5c6066", "line": "#d9dce1"} | {
    "ingest": "#1d5fbf",
    "preprocess": "#b3530a",
    "predict": "#6b3fa0",
}
_DARK: Final = {"paper": "#15171a", "ink": "#e8e8e8", "faint": "#a2a7ae", "line": "#3a3e44"} | {
    "ingest": "#7fb0f5",
    "preprocess": "#f0a35e",
    "predict": "#c3a0f0",
}


def draw_growth(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return an SVG of the rows of each step: `{"ingest": [{"reviews": 1000, "seconds": 1, "peak_mib": 200}, ...]}`."""
    drawn = {step: rows for step, rows in results.items() if rows}
    time = _panel(drawn, "seconds", "Time", _TIMES, _as_duration)
    memory = _panel(drawn, "peak_mib", "Peak memory", _SIZES, _as_size)
    title = f"Time and peak memory of {', '.join(drawn)} over the number of reviews"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}">
<style>{_SHAPES}{_colours(_LIGHT)}@media (prefers-color-scheme: dark) {{ {_colours(_DARK)} }}</style>
<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>
{time}
<g transform="translate({_WIDTH // 2})">{memory}</g>
</svg>
"""


def _colours(palette: Mapping[str, str]) -> str:
    """Return the rules that colour the chart; not by CSS variables, which few viewers of SVG but browsers know."""
    curves = "".join(
        f".{step} {{ stroke: {palette[step]} }} text.{step} {{ fill: {palette[step]} }}\n"
        for step in ("ingest", "preprocess", "predict")
    )
    return f""".paper, .dot {{ fill: {palette["paper"]} }} .grid {{ stroke: {palette["line"]} }}
text {{ fill: {palette["faint"]} }} text.title {{ fill: {palette["ink"]} }}
{curves}"""


def _panel(
    results: Mapping[str, Sequence[Mapping[str, Any]]],
    key: str,
    title: str,
    ticks: Mapping[float, str],
    named: Callable[[float], str],
) -> str:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH // 2 - _RIGHT
    sizes = [row["reviews"] for rows in results.values() for row in rows]
    values = [row[key] for rows in results.values() for row in rows]
    least = math.floor(math.log10(min(sizes)) + 1e-9)
    powers = range(least, max(least + 1, math.ceil(math.log10(max(sizes)) - 1e-9)) + 1)
    x = _log_scale(10 ** powers[0], 10 ** powers[-1], _LEFT, right)
    first = max([tick for tick in ticks if tick <= min(values)], default=min(ticks))
    last = min([tick for tick in ticks if tick > max(values)], default=max(ticks))
    y = _log_scale(first, last, bottom, _TOP)
    parts = [f'<text class="title" x="{_LEFT}" y="22">{title}</text>']
    for tick, label in ticks.items():
        if first <= tick <= last:
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
            parts.append(f'<text x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{label}</text>')
    for power in powers:
        at = x(10**power)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{bottom}"/>')
        parts.append(f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{10**power:,}</text>')
    parts.append(f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">reviews</text>')
    ends = _spread({step: y(rows[-1][key]) for step, rows in results.items()}, bottom)
    for step, rows in results.items():
        points = [(x(row["reviews"]), y(row[key])) for row in rows]
        line = " ".join(f"{at:.1f},{value:.1f}" for at, value in points)
        parts.append(f'<polyline class="curve {step}" points="{line}"/>')
        parts += [f'<circle class="dot {step}" cx="{at:.1f}" cy="{value:.1f}" r="4"/>' for at, value in points]
        beside = points[-1][0] + 10
        parts.append(f'<text class="name {step}" x="{beside:.1f}" y="{ends[step]:.1f}">{step}</text>')
        parts.append(f'<text x="{beside:.1f}" y="{ends[step] + 13:.1f}">{named(rows[-1][key])}</text>')
    return "\n".join(parts)


def _log_scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + math.log(value / low) / math.log(high / low) * (end - start)


def _spread(places: Mapping[str, float], bottom: float) -> dict[str, float]:
    """Return the places of labels, moved up as far as it takes to keep them apart and above `bottom`."""
    moved = {}
    free = bottom - 16.0
    for step in sorted(places, key=lambda its: -places[its]):
        moved[step] = min(places[step], free)
        free = moved[step] - _LABEL_HEIGHT
    return moved


def _as_duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _as_size(mib: float) -> str:
    return f"{mib:,.0f} MiB" if mib < 1024 else f"{mib / 1024:.1f} GiB"
