"""Claim: over HTTP a review costs little more than in `predict`, an answer takes milliseconds, and memory stays flat.

    python -m benchmarks.serving

- predict: SentimentModel.predict on the same test reviews, all at once.
- single: as many requests as connections allow at a time, each with one review; the client, which sends bytes made
  before, shares the cores with the server.
- batches: the same with 32 reviews a request.
- paced: half as many requests a second as `single` reached, each with one review, and how long each took.
- memory: of the server after the first and after the last of `--requests` requests with a short text.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import typer

from benchmarks.harness import Data, Output, ParamsFile, write_results
from benchmarks.http_load import Load, send_all, send_paced
from benchmarks.reviews import read_split
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import print_metrics
from imdb_sentiment.runtime.params import load_params

_CONNECTIONS: Final = 64  # two full batches, as the model works in a thread for each of two cores
_BATCH: Final = 32
_WARM_UP: Final = 512


def measure(
    *,
    output: Output = Path("metrics/serving.json"),
    data: Data = Path("data"),
    params: ParamsFile = Path("params.yaml"),
    reviews: Annotated[int, typer.Option(min=1, help="Test reviews that are sent.")] = 4096,
    requests: Annotated[int, typer.Option(min=1, help="Requests over which the memory is watched.")] = 20_000,
    seconds: Annotated[float, typer.Option(min=1, help="How long the paced load lasts.")] = 15,
) -> None:
    """Measure the server beside `predict`, on the same cores."""
    texts = read_split(str(data), "test", reviews)[0]
    load_before = os.getloadavg()[0]
    results: dict[str, Any] = {"predict": _measure_predict(data / "model", texts)}
    with _server(data / "model") as (port, process):
        singles = [_body([text]) for text in texts]
        send_all(port, singles[:_WARM_UP], _CONNECTIONS)
        results["single"] = _throughput(send_all(port, singles, _CONNECTIONS), len(texts))
        batches = [_body(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
        results["batches"] = _throughput(send_all(port, batches, 4), len(texts))
        rate = results["single"]["per_second"] / 2
        results["paced"] = {"asked_per_second": rate, **_latency(send_paced(port, singles, rate, seconds))}
        short = [_body(["A wonderful film."])] * requests
        before = _memory_mib(process)
        load = send_all(port, short, _CONNECTIONS)
        results["memory"] = {"requests": requests, "mib_before": before, "mib_after": _memory_mib(process)}
        results["short"] = {**_throughput(load, requests), **_latency(load)}
    print_metrics(results, "serving")
    write_results(output, {"load_before": load_before, "serving": results}, load_params(params))


def _body(texts: Sequence[str]) -> bytes:
    return json.dumps({"texts": texts}).encode()


def _measure_predict(model: Path, texts: list[str]) -> dict[str, float]:
    """Measure in a process of its own, as the server is one."""
    script = (
        "import json, sys, time; from imdb_sentiment import SentimentModel\n"
        "model, texts = SentimentModel.load(sys.argv[1]), json.load(sys.stdin)\n"
        f"model.predict(texts[:{_WARM_UP}]); start = time.perf_counter(); model.predict(texts)\n"
        "print(time.perf_counter() - start)"
    )
    command = [sys.executable, "-c", script, str(model)]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
    return {"seconds": float(done.stdout), "per_second": len(texts) / float(done.stdout)}


@contextmanager
def _server(model: Path) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    command = [sys.executable, "-m", "imdb_sentiment.app.commands", "serve", "--port", "0", "--model", str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        time.sleep(1)
        try:
            yield int(address.rstrip("/").rpartition(":")[2]), process
        finally:
            process.terminate()


def _throughput(load: Load, texts: int) -> dict[str, float]:
    return {"seconds": load.seconds, "per_second": texts / load.seconds, "failed": load.failed}


def _latency(load: Load) -> dict[str, float]:
    times = sorted(1000 * one for one in load.latencies)
    return {
        "answered": len(times),
        "failed": load.failed,
        "median_ms": median(times),
        "p99_ms": times[int(0.99 * (len(times) - 1))],
        "longest_ms": times[-1],
    }


def _memory_mib(process: "subprocess.Popen[str]") -> float:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


app = command_app(measure)

if __name__ == "__main__":
    app()
