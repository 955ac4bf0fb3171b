"""Claim: time grows in proportion to the reviews, and so does the memory of ingest and preprocess; predict's does not.

    python -m benchmarks.growth 10000 100000 1000000

Measures the stages ingest and preprocess, and `imdb-sentiment predict` on a table, on generated reviews, in a temporary
folder (a million take 6 GB; TMPDIR says where). Each result is written when it is there, and replaces one of the same
size in the file: a run that was stopped loses nothing, and sizes can be measured one by one. A chart is put beside it.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from benchmarks.harness import Output, ParamsFile, Process, describe_measurement, python_path, run_process
from benchmarks.reviews import write_archive
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import as_time, console_progress
from imdb_sentiment.runtime.files import read_json, write_json, written_beside
from imdb_sentiment.runtime.params import load_params

STEPS: Final = ("ingest", "preprocess", "predict")
_MEASURES: Final = {"seconds": "seconds", "peak_mib": "peak memory, MiB"}


def growth(
    sizes: Annotated[list[int], typer.Argument(min=100, help="How many reviews to generate, once each.")],
    *,
    output: Output = Path("metrics/growth.json"),
    model: Annotated[Path, typer.Option(help="In: the folder of the exported model.")] = Path("data/model"),
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Measure how time and peak memory of ingest, preprocess and predict grow with the number of reviews."""
    measured = describe_measurement(load_params(params))
    results: dict[str, Any] = read_json(output) if output.exists() else {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for step, process in _measure(Path(folder), size, model, params):
                row = {
                    "reviews": size,
                    "seconds": round(process.seconds, 2),
                    "processor_seconds": round(process.processor_seconds, 2),
                    "peak_mib": round(process.peak_mib, 1),
                    "commit": measured["commit"],
                }
                rows = [old for old in results.get(step, []) if old["reviews"] != size] + [row]
                results |= {"measured": measured, step: sorted(rows, key=lambda row: row["reviews"])}
                write_json(results, output)
                draw_growth({step: results[step] for step in STEPS if step in results}, output.with_suffix(".svg"))
                seconds = as_time(process.seconds)
                typer.echo(f"{size:>9,} reviews  {step:10s} {seconds:>8s}  {process.peak_mib:6.0f} MiB")


def _measure(folder: Path, size: int, model: Path, params: Path) -> Iterator[tuple[str, Process]]:
    """Yield each of STEPS with what it took on `size` reviews."""
    write_archive(folder / "reviews.tar", size, console_progress)
    commands = {  # with the default paths of the stages, relative to `folder`
        "ingest": ("stages.ingest", "--source", "reviews.tar", "--params", str(params.resolve())),
        "preprocess": ("stages.preprocess", "--params", str(params.resolve())),
        "predict": (
            "imdb_sentiment.app.commands",
            "predict",
            "data/reviews.parquet",
            "--output",
            "data/predicted.parquet",
        ),
    }
    environment = {"PYTHONPATH": python_path(), "IMDB_SENTIMENT_MODEL": str(model.resolve())}
    for step in STEPS:
        with console_progress(f"{step} of {size:,}", None, ""):
            process = run_process((sys.executable, "-m", *commands[step]), folder=folder, environment=environment)
        yield step, process


def draw_growth(results: Mapping[str, Sequence[Mapping[str, Any]]], chart: Path) -> None:
    """Write an SVG of the rows of each step: `{"ingest": [{"reviews": 1000, "seconds": 1, "peak_mib": 200}, ...]}`."""
    import altair as alt

    rows = [{"step": step, **row} for step, rows in results.items() for row in rows]
    series: dict[str, Any] = {
        "scale": alt.Scale(domain=STEPS),
        "legend": alt.Legend(title=None, symbolType="stroke", symbolSize=600, symbolStrokeWidth=2),
    }
    panels = []
    for key, title in _MEASURES.items():
        lines = alt.Chart(alt.InlineData(values=rows), description=f"{title} over the number of reviews").encode(
            x=alt.X("reviews:Q", scale=alt.Scale(type="log"), axis=alt.Axis(format=",~s", tickCount=4)),
            y=alt.Y(f"{key}:Q", title=title, scale=alt.Scale(type="log"), axis=alt.Axis(format=",~r", tickCount=4)),
            color=alt.Color("step:N", **series),
            strokeDash=alt.StrokeDash("step:N", **series),
        )
        panels.append(lines.mark_line(point=True).properties(width=360, height=260))
    with written_beside(chart) as partial:
        alt.hconcat(*panels).configure(background="white").save(str(partial), format="svg")


app = command_app(growth)

if __name__ == "__main__":
    app()
