"""The table of one group."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.groups import Group
from imdb_sentiment.runtime.console import Verbosity, verbosity


def print_group(group: Group, summaries: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what `race` found, a row a contender."""
    if verbosity() is Verbosity.QUIET:
        return
    columns = ["seconds", "min\N{EN DASH}max", f"{group.unit}/s", "MiB"]
    columns += ["ours is"] if group.compares else []
    has_loss = any("loss" in its for its in summaries.values())
    columns += ["loss"] if has_loss else []
    table = Table("contender", *columns, box=SIMPLE_HEAD, pad_edge=False)
    table.collapse_padding = True  # or else 80 columns would not do
    for column in table.columns[1:]:
        column.justify = "right"
    for name, its in summaries.items():
        spread = f"{_shown(its['min_seconds'])}\N{EN DASH}{_shown(its['max_seconds'])}"
        cells = [_shown(its["median_seconds"]), spread, _shown(its["per_second"]), f"{its['peak_mib']:,.0f}"]
        cells += [f"{its['ours_is_times_as_fast']:.2f} x"] if group.compares else []
        cells += [f"{its['loss']:.4f}"] if has_loss else []
        table.add_row(name, *cells)
    console = Console()
    console.print(f"\n{group.title}", style="bold")  # not the table's own title, which would be as narrow as it
    console.print(table)


def _shown(value: float) -> str:
    """Return three digits that count: 12,300, 1.23, 0.00123."""
    digits = next((digits for digits in range(6) if value * 10**digits >= 100), 6)
    return f"{value:,.{digits}f}"
