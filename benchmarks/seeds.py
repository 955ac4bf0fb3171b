"""How much an accuracy depends on the seed, and how accurate the members of several fits are as one ensemble.

    python -m benchmarks.seeds

The first fit is the one in `data/trained`, the next have the seeds that follow its own: with three members 3 to 5, and
6 to 8. Reads what `dvc repro` left in `data/`.
"""

from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.fitting import in_processes, load_examples, load_parts
from benchmarks.harness import Data, Output, ParamsFile, write_results
from imdb_sentiment.runtime.command import command_app, import_keras_quietly
from imdb_sentiment.runtime.params import Params, load_params

Floats = NDArray[np.float64]


def seeds(
    *,
    output: Output = Path("metrics/seeds.json"),
    data: Data = Path("data"),
    params: ParamsFile = Path("params.yaml"),
    fits: Annotated[int, typer.Option(min=2, help="Fits of the default.")] = 3,
) -> None:
    """Fit from several seeds, and evaluate each fit and all members as one on the test part."""
    settings = load_params(params)
    members = settings.train.members
    jobs: list[tuple[Params, int | None, int, Path]] = [(settings, None, number, data) for number in range(members)]
    jobs += [(settings, settings.train.seed + number, 0, data) for number in range(members, fits * members)]
    logits = list(in_processes(predict_logits, jobs))
    parts = load_parts(data, settings.model).parts
    ensembles = [_evaluate(logits[start : start + members], parts) for start in range(0, len(logits), members)]
    accuracies, together = [ensemble["accuracy"] for ensemble in ensembles], _evaluate(logits, parts)
    results = {
        "fits": ensembles,
        "accuracy_mean": mean(accuracies),
        "accuracy_std": stdev(accuracies),
        "one_member_accuracies": [_evaluate([member], parts)["accuracy"] for member in logits],
        "all_members": together,
    }
    write_results(output, results, settings)
    typer.echo(f"default   {mean(accuracies):.2%} ± {stdev(accuracies):.2%} over {fits} fits")
    typer.echo(f"together  {together['accuracy']:.2%} with {len(logits)} members")


def predict_logits(params: Params, seed: int | None, number: int, data: Path) -> tuple[Floats, Floats]:
    """Return the logits of the validation and of the test part, `float64 [B]` each.

    Of a model that is fitted from `seed`, or without one of the member of this `number` in `data/trained`.
    """
    import_keras_quietly()
    from imdb_sentiment.network.predict import predict_probabilities
    from imdb_sentiment.network.saved_model import load_model
    from imdb_sentiment.training.fit import fit_member

    dataset = load_examples(data, params)
    if seed is None:
        model = load_model(data / "trained").members[number]
    else:
        train = params.train.model_copy(update={"seed": seed})
        model, _ = fit_member(dataset, params.model, train, number=0)
    ignores_padding = params.model.ignores_padding
    probabilities = (
        predict_probabilities(model, dataset.parts[part], ignores_padding) for part in ("validation", "test")
    )
    # As near to 0 and 1 as single precision comes.
    validation, test = (np.clip(y_prob, 1e-7, 1 - 1e-7) for y_prob in probabilities)
    return np.log(validation) - np.log1p(-validation), np.log(test) - np.log1p(-test)


def _evaluate(members: list[tuple[Floats, Floats]], parts: dict[str, Any]) -> dict[str, float]:
    """Return the metrics of the calibrated average of the members' logits."""
    from scipy.special import expit

    from imdb_sentiment.evaluation.metrics import classification_metrics
    from imdb_sentiment.training.calibration import Scored, fit_temperature

    validation, test = (np.mean(logits, axis=0) for logits in zip(*members, strict=True))
    scored = Scored(parts["validation"].labels, expit(validation), parts["validation"].token_ids)
    y_prob = expit(test / fit_temperature(scored).at(parts["test"].token_ids))
    metrics = classification_metrics(parts["test"].labels, y_prob, parts["test"].seen_in_train)
    kept = ("accuracy", "accuracy_low", "accuracy_high", "loss", "expected_calibration_error")
    return {name: float(metrics[name] or 0) for name in kept}


app = command_app(seeds)

if __name__ == "__main__":
    app()
