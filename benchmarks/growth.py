"""How time and peak memory grow with the number of reviews: of ingest, of preprocess, and of predict on a table.

python -m benchmarks.growth metrics/growth.json 10000 100000 1000000

The reviews are generated (benchmarks.generated), to a temporary folder that goes when they are measured: a million take
6 GB (TMPDIR says where). Each result is written when it is there, and replaces one of the same size in the file: a run
that was stopped loses nothing, and sizes can be measured one by one.
"""

import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.generated import write_archive
from benchmarks.growth_chart import draw_growth
from benchmarks.measuring import Measured, measure
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import as_time, console_progress
from imdb_sentiment.runtime.files import read_json, write_json, written_beside

STEPS = ("ingest", "preprocess", "predict")


def measure_growth(
    report: Annotated[Path, typer.Argument(help="The JSON file of results to write; a chart, .svg, is put beside it.")],
    sizes: Annotated[list[int], typer.Argument(min=100, help="How many reviews to generate, once each.")],
    model: Annotated[Path, typer.Option(help="The folder of the exported model.")] = Path("data/model"),
    params: Annotated[Path, typer.Option(help="The params of preprocess.")] = Path("params.yaml"),
) -> None:
    """Measure ingest, preprocess and predict on each of SIZES, and write REPORT and its chart."""
    results: dict[str, Any] = read_json(report) if report.exists() else {step: [] for step in STEPS}
    results["machine"] = {"cores": os.cpu_count(), "processor": platform.machine(), "python": platform.python_version()}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for step, measured in _measured(Path(folder), size, model, params):
                row = {
                    "reviews": size,
                    "seconds": round(measured.seconds, 2),
                    "processor_seconds": round(measured.processor_seconds, 2),
                    "peak_mib": round(measured.peak_mib, 1),
                }
                rows = [its for its in results[step] if its["reviews"] != size] + [row]
                results[step] = sorted(rows, key=lambda its: its["reviews"])
                write_json(results, report)
                with written_beside(report.with_suffix(".svg")) as partial:
                    partial.write_text(draw_growth({step: results[step] for step in STEPS}), encoding="utf-8")
                typer.echo(
                    f"{size:>9,} reviews  {step:10s} {as_time(measured.seconds):>8s}  {measured.peak_mib:6.0f} MiB"
                )


def _measured(folder: Path, size: int, model: Path, params: Path) -> Iterator[tuple[str, Measured]]:
    """Yield each of STEPS with what it took on `size` reviews."""
    names = ("reviews.tar", "reviews.parquet", "data.json", "sequences.npz", "vocabulary.json", "predicted.parquet")
    archive, reviews, data, sequences, vocabulary, predicted = (str(folder / name) for name in names)
    write_archive(Path(archive), size, console_progress)
    commands = {
        "ingest": ("stages.ingest", archive, reviews, data),
        "preprocess": ("stages.preprocess", reviews, sequences, vocabulary, "--params", str(params)),
        "predict": ("imdb_sentiment.app.commands", "predict", reviews, "--output", predicted, "--model", str(model)),
    }
    for step in STEPS:
        typer.echo(f"{size:>9,} reviews  {step} ...", err=True)  # it shows its own progress
        yield step, measure(*commands[step])


app = command_app(measure_growth)

if __name__ == "__main__":
    app()
