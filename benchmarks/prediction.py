"""How fast the exported model predicts, beside Keras on the same reviews and cores, in one run.

python -m benchmarks.prediction metrics/prediction.json

Reads what `dvc repro` left in `data/`. Interleaved rounds, of which the medians are kept: the machine may do other
work.
Keras gets its inputs ready made, in batches grouped by length as training makes them; it is measured at several batch
sizes, and the best counts.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import numpy as np
import typer

from imdb_sentiment.cli import command_app, import_keras_quietly
from imdb_sentiment.predictor import SentimentModel
from imdb_sentiment.reviews import iterate_reviews
from imdb_sentiment.storage import write_json

KERAS_BATCH_SIZES: Final = (32, 64, 256)
REVIEWS: Final = 2000
ALONE: Final = 50
TOKENIZED: Final = 20_000


def measure(
    report: Annotated[Path, typer.Argument(help="The JSON file of results to write.")],
    data: Annotated[Path, typer.Option(help="Where `dvc repro` left its outputs.")] = Path("data"),
    rounds: Annotated[int, typer.Option(help="How often each is measured.")] = 5,
) -> None:
    """Time what gives probabilities, from token ids and from texts, and what gives token ids, and write REPORT."""
    import_keras_quietly()

    from imdb_sentiment.inference import TextClassifier

    exported = SentimentModel.load(data / "model")
    keras = TextClassifier.load(data / "trained", data / "vocabulary.json", data / "polarity.npz")
    texts = _test_texts(data / "reviews.parquet")
    sample = texts[:: max(1, len(texts) // REVIEWS)][:REVIEWS]
    token_ids, lengths = exported.encoder.encode_all(sample)
    batches = {size: _keras_batches(keras, token_ids, lengths, size) for size in KERAS_BATCH_SIZES}
    alone = [_keras_batches(keras, token_ids[[row]], lengths[[row]], 1)[0] for row in range(ALONE)]
    many = texts[:TOKENIZED]

    work: dict[str, tuple[Callable[[], Any], int]] = {
        f"keras_batches_of_{size}": (partial(_predict_batches, keras, its), len(sample))
        for size, its in batches.items()
    }
    work |= {
        "onnx": (lambda: exported.predict_encoded(token_ids, lengths), len(sample)),
        "keras_from_text": (lambda: keras.predict(sample), len(sample)),
        "onnx_from_text": (lambda: exported.predict(sample), len(sample)),
        "keras_one": (partial(_predict_batches, keras, alone), ALONE),
        "onnx_one": (
            lambda: [exported.predict_encoded(token_ids[[row]], lengths[[row]]) for row in range(ALONE)],
            ALONE,
        ),
        "onnx_one_from_text": (lambda: [exported.predict([text]) for text in sample[:ALONE]], ALONE),
        "regex_token_ids": (lambda: [exported.encoder.encode(text) for text in many], len(many)),
        "token_ids": (lambda: exported.encoder.encode_all(many), len(many)),
        "command": (lambda: _run_command(data / "model"), 1),
    }
    seconds = _interleaved(work, rounds)
    best = min(KERAS_BATCH_SIZES, key=lambda size: seconds[f"keras_batches_of_{size}"])
    ratios = {
        "throughput": seconds[f"keras_batches_of_{best}"] / seconds["onnx"],
        "throughput_from_text": seconds["keras_from_text"] / seconds["onnx_from_text"],
        "one_review": seconds["keras_one"] / seconds["onnx_one"],
        "token_ids": seconds["regex_token_ids"] / seconds["token_ids"],
    }
    per_review = {f"{name}_ms": 1000 * its for name, its in seconds.items()}
    write_json({"ratios": ratios, "best_keras_batch_size": best, "milliseconds_a_review": per_review}, report)
    for name, its in per_review.items():
        typer.echo(f"{name:28s} {its:10.3f}")
    for name, ratio in ratios.items():
        typer.echo(f"{name:28s} {ratio:9.1f}x")


def _interleaved(work: dict[str, tuple[Callable[[], Any], int]], rounds: int) -> dict[str, float]:
    """Return the median seconds a review of each."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for function, _ in work.values():
        function()  # the first time compiles and fills caches
    for _ in range(rounds):
        for name, (function, reviews) in work.items():
            start = time.perf_counter()
            function()
            taken[name].append((time.perf_counter() - start) / reviews)
    return {name: median(its) for name, its in taken.items()}


def _keras_batches(keras: Any, token_ids: Any, lengths: Any, size: int) -> list[dict[str, Any]]:
    order = np.argsort(lengths, kind="stable")
    batches = []
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        ids = token_ids[rows, : lengths[rows].max()]
        polarity = {} if keras.table is None else {"polarity": keras.table.channels(ids).astype(np.float32)}
        batches.append({"token_ids": ids, **polarity})
    return batches


def _predict_batches(keras: Any, batches: list[dict[str, Any]]) -> None:
    for batch in batches:
        keras.model.predict_on_batch(batch)


def _test_texts(reviews: Path) -> list[str]:
    rows = [row for batch in iterate_reviews(reviews, ["split", "text"]) for row in batch.to_pylist()]
    return [row["text"] for row in rows if row["split"] == "test"]


def _run_command(model: Path) -> None:
    command = [
        str(Path(sys.executable).parent / "imdb-sentiment"),
        "predict",
        "A wonderful film.",
        "--model",
        str(model),
    ]
    subprocess.run(command, check=True, capture_output=True)


app = command_app(measure)

if __name__ == "__main__":
    app()
