"""The peak memory of `imdb-sentiment predict` on generated CSV tables of any size.

python -m benchmarks.table_memory 20000 200000 2000000
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.cli import command_app

TEXT = "the a film story acting is was not very good bad dull moving and but of it I we never again"


def measure(
    sizes: Annotated[list[int], typer.Argument(help="The numbers of rows.")],
    model: Annotated[Path, typer.Option(help="The folder of the exported model.")] = Path("data/model"),
    words: Annotated[int, typer.Option(help="Words of each text.")] = 12,
) -> None:
    """Write a table of each of SIZES, classify it, and print the peak memory and the seconds."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            table, output = Path(folder) / "table.csv", Path(folder) / "out.csv"
            rng = random.Random(0)  # noqa: S311  # texts, no secrets
            vocabulary = TEXT.split()
            with table.open("w", encoding="utf-8") as file:
                file.write("id,text\n")
                file.writelines(f"{row},{' '.join(rng.choices(vocabulary, k=words))}\n" for row in range(size))
            command = [str(Path(sys.executable).parent / "imdb-sentiment"), "predict", str(table)]
            start = time.perf_counter()
            process = subprocess.Popen(
                [*command, "--output", str(output), "--model", str(model)], stderr=subprocess.DEVNULL
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - start
            typer.echo(f"{size:,} rows: {usage.ru_maxrss / 1024:.0f} MiB, {seconds:.0f} s, exit {process.returncode}")


app = command_app(measure)

if __name__ == "__main__":
    app()
