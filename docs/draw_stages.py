"""Draw which stage of dvc.yaml waits for which, as an SVG: `make dag`.

`dvc dag` draws the same graph as text, 330 columns wide. Here a line that follows from others is left out.
"""

import sys
from html import escape
from pathlib import Path
from typing import Any, Final

import networkx as nx  # type: ignore[import-untyped]  # DVC brings it

from imdb_sentiment.runtime.params import read_yaml

ROOT: Final = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 130, 40  # of a box, in pixels
GAP_X, GAP_Y = 30, 50
STYLE: Final = """
text { font: 15px sans-serif; text-anchor: middle; fill: #1c2733 }
rect { fill: #eef3f9; stroke: #1f5fbf; rx: 6px }
path { fill: none; stroke: #6b7a89; stroke-width: 1.5; marker-end: url(#arrow) }
@media (prefers-color-scheme: dark) { text { fill: #e8edf2 } rect { fill: #1d2a38 } }
"""


def stage_graph(stages: dict[str, Any]) -> Any:
    """Return the graph of the stages: a line from each to those that read one of its outputs, without detours."""
    makers = {_path(out): name for name, stage in stages.items() for out in _outputs(stage)}
    graph = nx.DiGraph()
    graph.add_nodes_from(stages)
    for name, stage in stages.items():
        for dep in stage["deps"]:
            for path, maker in makers.items():
                if Path(dep) == Path(path) or Path(path) in Path(dep).parents:
                    graph.add_edge(maker, name)
    return nx.transitive_reduction(graph)


def draw(graph: Any) -> str:
    """Return an SVG with the stages in rows, each below all that it waits for."""
    rows = [sorted(row) for row in nx.topological_generations(graph)]
    width = max(map(len, rows)) * (WIDTH + GAP_X) + GAP_X
    height = len(rows) * (HEIGHT + GAP_Y)
    places: dict[str, tuple[float, float]] = {}
    for y, row in enumerate(rows):
        start = (width - len(row) * (WIDTH + GAP_X) + GAP_X) / 2
        places |= {name: (start + x * (WIDTH + GAP_X), y * (HEIGHT + GAP_Y) + GAP_Y / 2) for x, name in enumerate(row)}
    lines = [_line(places[one], places[other]) for one, other in sorted(graph.edges)]
    boxes = [
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}"/>'
        f'<text x="{x + WIDTH / 2:g}" y="{y + 25:g}">{escape(name)}</text>'
        for name, (x, y) in places.items()
    ]
    arrow = '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">',
            "<title>The stages of the pipeline, each below those that it waits for</title>",
            f"<style>{STYLE}</style>",
            f'<defs>{arrow}<polygon points="0 0 8 4 0 8" fill="#6b7a89"/></marker></defs>',
            *lines,
            *boxes,
            "</svg>\n",
        ]
    )


def _line(above: tuple[float, float], below: tuple[float, float]) -> str:
    x, y = above[0] + WIDTH / 2, above[1] + HEIGHT
    end_x, end_y = below[0] + WIDTH / 2, below[1]
    bend = end_y - GAP_Y  # down beside the rows between, and then across
    return f'<path d="M{x:g} {y:g} V{bend:g} C{x:g} {end_y:g} {end_x:g} {bend:g} {end_x:g} {end_y:g}"/>'


def _outputs(stage: dict[str, Any]) -> list[Any]:
    return [out for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]


def _path(out: Any) -> str:
    """Return the path of an output, which stands alone or before its settings."""
    return str(next(iter(out)) if isinstance(out, dict) else out)


if __name__ == "__main__":
    svg = draw(stage_graph(read_yaml(ROOT / "dvc.yaml")["stages"]))
    Path(sys.argv[1]).write_text(svg, encoding="utf-8")
