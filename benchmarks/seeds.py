"""How much of an accuracy is the seed: the default fitted from several, and all of those members as one.

python -m benchmarks.seeds metrics/seeds.json

The first fit is the one in `data/trained`, the next have the seeds that follow its own: with three members 3 to 5,
and 6 to 8. Reads what `dvc repro` left in `data/`.
"""

from pathlib import Path
from statistics import mean, stdev
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.fitting import fit, in_processes, read_inputs
from imdb_sentiment.artifacts.sequences import load_sequences
from imdb_sentiment.evaluation.metrics import classification_metrics
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress
from imdb_sentiment.runtime.files import write_json
from imdb_sentiment.runtime.params import Params, load_params
from imdb_sentiment.runtime.progress import track
from imdb_sentiment.training.calibration import fit_temperature

Floats = NDArray[np.float64]


def measure(
    report: Annotated[Path, typer.Argument(help="The JSON file of results to write.")],
    data: Annotated[Path, typer.Option(help="Where the stages before train left their outputs.")] = Path("data"),
    fits: Annotated[int, typer.Option(help="Fits of the default.")] = 3,
) -> None:
    """Fit the default from several seeds, evaluate each and all members as one on the test part, and write REPORT."""
    params = load_params(Path("params.yaml"))
    members = params.train.members
    jobs: list[tuple[Params, int | None, int, Path]] = [(params, None, number, data) for number in range(members)]
    jobs += [(params, params.train.seed + number, 0, data) for number in range(members, fits * members)]
    logits = list(track(console_progress, in_processes(_logits, jobs), "Fitting", len(jobs), "models"))
    parts = load_sequences(data / "sequences.npz")

    def metrics_of(chosen: list[tuple[Floats, Floats]]) -> dict[str, float]:
        validation, test = (np.mean(its, axis=0) for its in zip(*chosen, strict=True))
        temperature = fit_temperature(parts["validation"].labels, _sigmoid(validation))
        its = classification_metrics(parts["test"].labels, _sigmoid(test / temperature), parts["test"].seen_in_train)
        kept = ("accuracy", "accuracy_low", "accuracy_high", "loss", "expected_calibration_error")
        return {name: float(its[name] or 0) for name in kept}

    of_fits = [metrics_of(logits[start : start + members]) for start in range(0, len(logits), members)]
    accuracies = [its["accuracy"] for its in of_fits]
    together = metrics_of(logits)
    result = {
        "fits": of_fits,
        "accuracy_mean": mean(accuracies),
        "accuracy_std": stdev(accuracies),
        "one_member_accuracies": [metrics_of([its])["accuracy"] for its in logits],
        "all_members": together,
    }
    write_json(result, report)
    typer.echo(f"default   {mean(accuracies):.2%} \u00b1 {stdev(accuracies):.2%} over {fits} fits")
    typer.echo(f"together  {together['accuracy']:.2%} with {len(logits)} members")


def _logits(params: Params, seed: int | None, number: int, data: Path) -> tuple[Floats, Floats]:
    """Return the logits of the validation and of the test part, `float64 [B]` each.

    Of a model that is fitted from `seed`, or without one of the member of this `number` in `data/trained`.
    """
    from imdb_sentiment.network.predict import predict_probabilities
    from imdb_sentiment.network.saved_model import load_model

    if seed is None:
        model, parts = load_model(data / "trained").members[number], read_inputs(params, data).parts
    else:
        train = params.train.model_copy(update={"seed": seed})
        model, parts = fit(params.model_copy(update={"train": train}), data)
    validation, test = (predict_probabilities(model, parts[part]) for part in ("validation", "test"))
    return _logit(validation), _logit(test)


def _logit(probabilities: Floats) -> Floats:
    certain = 1e-7  # as near to 0 or 1 as single precision comes
    clipped = np.clip(probabilities, certain, 1 - certain)
    return np.log(clipped) - np.log1p(-clipped)


def _sigmoid(logits: Floats) -> Floats:
    return 1 / (1 + np.exp(-logits))


app = command_app(measure)

if __name__ == "__main__":
    app()
