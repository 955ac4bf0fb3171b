"""Fit and measure the linear baseline that the LSTM has to beat."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def baseline(
    *,
    reviews: Annotated[Path, typer.Option(help="In: the Parquet table of reviews.")] = Path("data/reviews.parquet"),
    sequences: Annotated[Path, typer.Option(help="In: the npz file that says how the reviews are split.")] = Path(
        "data/sequences.npz"
    ),
    baseline_metrics: Annotated[Path, typer.Option(help="Out: its metrics.")] = Path("metrics/baseline.json"),
    baseline_behaviour: Annotated[Path, typer.Option(help="Out: its behaviour rates.")] = Path(
        "metrics/baseline_behaviour.json"
    ),
    baseline_behaviour_details: Annotated[Path, typer.Option(help="Out: these by kind of text.")] = Path(
        "metrics/baseline_behaviour_details.json"
    ),
    baseline_predictions: Annotated[Path, typer.Option(help="Out: its predictions.")] = Path("data/baseline.csv"),
) -> None:
    """Fit NB-SVM to the train and validation parts, and measure it as the LSTM is measured."""
    from imdb_sentiment.evaluation.baseline import fit_linear_baseline
    from imdb_sentiment.evaluation.behaviour import measure_behaviour, sample_reviews
    from imdb_sentiment.ngrams.nb_svm import positive_probabilities
    from imdb_sentiment.runtime.files import write_json, written_together

    outputs = baseline_metrics, baseline_behaviour, baseline_behaviour_details, baseline_predictions
    with written_together(*outputs) as partials:
        model, evaluation = fit_linear_baseline(reviews, sequences, progress=console_progress)
        with console_progress("Changing texts", None, ""):
            texts = sample_reviews(reviews, evaluation.test.review_ids.tolist())
            rates, details = measure_behaviour(lambda texts: positive_probabilities(model, texts), texts)
        write_json(evaluation.metrics, partials[0])
        write_json(rates, partials[1])
        write_json(details, partials[2])
        evaluation.save_predictions(partials[3])
    typer.echo(evaluation.summary())


app = command_app(baseline)

if __name__ == "__main__":
    app()
