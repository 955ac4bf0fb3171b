"""What each part of the model is worth: leave it out, fit again from several seeds, and compare validation scores.

    python -m benchmarks.ablation

Reads what the stages before train left in `data/`. Where a row needs other word vectors or another polarity, the stages
embed or polarity make them first, in a temporary folder; skip-gram vectors take five minutes.
"""

import sys
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer

from benchmarks.fitting import in_processes, load_examples
from benchmarks.harness import Data, Output, ParamsFile, run_process, write_results
from imdb_sentiment.runtime.command import command_app, import_keras_quietly
from imdb_sentiment.runtime.console import console_progress
from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.runtime.params import Params, check, read_yaml, write_yaml
from imdb_sentiment.workspaces.project import merge

ROWS: Final[dict[str, dict[str, Any]]] = {
    "all of it": {},
    "vectors by skip-gram": {"embed": {"method": "skip_gram"}},
    "polarity by labelled reviews alone": {"polarity": {"teacher": "none"}},
    "forward LSTM only": {"model": {"bidirectional": False}},
    "max pooling only": {"model": {"pooling": "max"}},
    "no polarity at the LSTM's input": {"model": {"polarity": {"inputs": False}}},
    "no polarity at the classifier": {"model": {"polarity": {"scores": False}}},
    "spatial dropout": {"model": {"embedding_dropout_rate": 0.1}},
    "constant learning rate": {"train": {"learning_rate_schedule": "constant"}},
    "reviews alone, no pieces": {"train": {"pieces": 0.0, "edited_pieces": 0.0}},
    "no edited pieces": {"train": {"edited_pieces": 0.0}},
    "no clipped gradients": {"train": {"clip_norm": 0.0}},
    "weights averaged over the last half of the steps": {"train": {"averaged_share": 0.5}},
}


def ablation(
    *,
    output: Output = Path("metrics/ablation.json"),
    data: Data = Path("data"),
    params: ParamsFile = Path("params.yaml"),
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each fit.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="Fits of each row.")] = 3,
    row: Annotated[list[str] | None, typer.Option(help="A row of the table; can be repeated. All without it.")] = None,
) -> None:
    """Fit the model whole and without one part at a time, and write the scores on the validation part."""
    if unknown := sorted(set(row or []) - set(ROWS)):
        raise InputError(f"--row: found {unknown[0]!r}; expected one of {', '.join(ROWS)}")
    base, rows = read_yaml(params), {name: change for name, change in ROWS.items() if not row or name in row}
    scores: dict[str, list[dict[str, float]]] = {name: [] for name in rows}
    with TemporaryDirectory() as folder:
        jobs = []
        inputs = {name: _other_inputs(merge(base, rows[name]), set(rows[name]), data, Path(folder)) for name in rows}
        for seed in range(seeds):
            for name, change in rows.items():
                changes = merge(change, {"train": {"epochs": epochs, "seed": seed}})
                jobs.append((name, check(merge(base, changes), Params, name), data, inputs[name]))
        for name, score in in_processes(validation_scores, jobs):
            scores[name].append(score)
            if name == list(rows)[-1]:  # after each seed, so that a run that is stopped has written the seeds before
                table = {name: _summarize(found) for name, found in scores.items()}
                results = {"epochs": epochs, "seeds": len(scores[name]), "validation": table}
                write_results(output, results, check(base, Params, str(params)))
    for name, found in sorted(table.items(), key=lambda item: -item[1]["accuracy_mean"]):
        accuracy = f"{found['accuracy_mean']:.2%} ± {found['accuracy_std']:.2%}"
        typer.echo(f"{name:50s} {accuracy}  loss {found['loss_mean']:.4f} ± {found['loss_std']:.4f}")


def _other_inputs(params: dict[str, Any], changed: set[str], data: Path, folder: Path) -> dict[str, Path]:
    """Return the paths of the word vectors, or of the polarity, where these are not those of `data`."""
    stage = next(iter(changed & {"embed", "polarity"}), None)
    if stage is None:
        return {}
    inputs = {name.partition(".")[0]: data / name for name in ("reviews.parquet", "sequences.npz", "vocabulary.json")}
    outputs = {
        name: folder / f"{name}.npz" for name in (("embeddings",) if stage == "embed" else ("polarity", "channels"))
    }
    write_yaml(params, folder / "params.yaml")
    options = [f"--{name}={path}" for name, path in {"params": folder / "params.yaml", **inputs, **outputs}.items()]
    with console_progress(f"The stage {stage}", None, ""):
        run_process((sys.executable, "-m", f"stages.{stage}", *options))
    return outputs


def validation_scores(name: str, params: Params, data: Path, other: dict[str, Path]) -> tuple[str, dict[str, float]]:
    """Return the name, and loss and accuracy of one fitted model."""
    import_keras_quietly()
    from imdb_sentiment.training.fit import fit_member

    dataset = load_examples(data, params, other)
    return name, fit_member(dataset, params.model, params.train, number=0)[1].kept


def _summarize(scores: list[dict[str, float]]) -> dict[str, float]:
    summary: dict[str, float] = {}
    for key in ("accuracy", "loss"):
        values = [score[key] for score in scores]
        summary |= {f"{key}_mean": mean(values), f"{key}_std": stdev(values) if len(values) > 1 else 0.0}
    return summary


app = command_app(ablation)

if __name__ == "__main__":
    app()
