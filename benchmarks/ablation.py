"""What each part of the model brings: leave it out, fit again from several seeds, and look at the validation part.

python -m benchmarks.ablation metrics/ablation.json

Two rows need other inputs: vectors of benchmarks.skip_gram (--skip-gram), and channels (--labelled) of

sed 's/teacher: linear/teacher: none/' params.yaml > runs/labelled.yaml
python -m stages.polarity data/reviews.parquet data/sequences.npz data/vocabulary.json \
    runs/labelled_table.npz runs/labelled.npz --params runs/labelled.yaml

Reads what the stages before train left in `data/`.
"""

from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any, Final

import typer

from benchmarks.fitting import fit, in_processes
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress
from imdb_sentiment.runtime.files import write_json
from imdb_sentiment.runtime.params import Params, check, load_params
from imdb_sentiment.runtime.progress import track
from variants.__main__ import merge

WHOLE: Final = "all of it"
CHANGES: Final[dict[str, dict[str, Any]]] = {
    WHOLE: {},
    "forward LSTM only": {"model": {"bidirectional": False}},
    "max pooling only": {"model": {"pooling": "max"}},
    "no polarity at the LSTM's input": {"model": {"polarity_inputs": False}},
    "no polarity at the classifier": {"model": {"polarity_scores": False}},
    "spatial dropout": {"model": {"embedding_dropout_rate": 0.1}},
    "constant learning rate": {"train": {"learning_rate_schedule": "constant"}},
    "no clipped gradients": {"train": {"clip_norm": 0.0}},
    "weights averaged over the last half of the steps": {"train": {"averaged_share": 0.5}},
}


def ablate(
    report: Annotated[Path, typer.Argument(help="The JSON file of results to write.")],
    params: Annotated[Path, typer.Option(help="The params of the whole model.")] = Path("params.yaml"),
    data: Annotated[Path, typer.Option(help="Where the stages before train left their outputs.")] = Path("data"),
    epochs: Annotated[int, typer.Option(help="Epochs of each fit.")] = 1,
    seeds: Annotated[int, typer.Option(help="Fits of each row.")] = 3,
    skip_gram: Annotated[Path | None, typer.Option(help="What benchmarks.skip_gram wrote: a row for it.")] = None,
    labelled: Annotated[
        Path | None, typer.Option(help="Channels by stages.polarity with polarity.teacher: none: a row for them.")
    ] = None,
) -> None:
    """Fit the model whole and without one part at a time, print the validation part's scores, and write REPORT."""
    base = load_params(params).model_dump()
    rows: list[tuple[str, dict[str, Any], Path | None, Path | None]]
    rows = [(name, change, None, None) for name, change in CHANGES.items()]
    if skip_gram is not None:
        rows.append(("vectors by skip-gram", {}, skip_gram, None))
    if labelled is not None:
        rows.append(("polarity by labelled reviews alone", {}, None, labelled))
    jobs = [
        (name, check(merge(base, merge(change, {"train": {"epochs": epochs, "seed": seed}})), Params, name), data, *its)
        for seed in range(seeds)
        for name, change, *its in rows
    ]
    scores: dict[str, list[dict[str, float]]] = {name: [] for name, *_ in rows}
    done = in_processes(_validated, jobs)
    for name, score in track(console_progress, done, "Fitting", len(jobs), "models"):
        scores[name].append(score)
        complete = min(len(its) for its in scores.values())
        if complete and name == rows[-1][0]:
            # After each seed: who stops it early has what is done.
            summaries = {name: _summary(its) for name, its in scores.items()}
            write_json({"epochs": epochs, "seeds": complete, "validation": summaries}, report)
    for name, its in sorted(summaries.items(), key=lambda item: -item[1]["accuracy_mean"]):
        accuracy = f"{its['accuracy_mean']:.2%} \u00b1 {its['accuracy_std']:.2%}"
        typer.echo(f"{name:50s} {accuracy}  loss {its['loss_mean']:.4f} \u00b1 {its['loss_std']:.4f}")


def _validated(
    name: str, params: Params, data: Path, embeddings: Path | None, channels: Path | None
) -> tuple[str, dict[str, float]]:
    from imdb_sentiment.training.fit import validate

    model, parts = fit(params, data, embeddings, channels)
    return name, validate(model, parts["validation"], params.model)


def _summary(scores: list[dict[str, float]]) -> dict[str, float]:
    return {
        f"{score}_{name}": of([its[score] for its in scores])
        for score in ("accuracy", "loss")
        for name, of in (("mean", mean), ("std", lambda values: stdev(values) if len(values) > 1 else 0.0))
    }


app = command_app(ablate)

if __name__ == "__main__":
    app()
