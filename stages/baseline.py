"""Fit and measure the linear peer that the LSTM has to beat."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def baseline(
    reviews: Annotated[Path, typer.Argument(help="The Parquet table of reviews.")],
    sequences: Annotated[Path, typer.Argument(help="The npz file of token ids, which says how the reviews are split.")],
    metrics: Annotated[Path, typer.Argument(help="The JSON file of metrics to write.")],
    rates: Annotated[Path, typer.Argument(help="The JSON file of behaviour rates to write.")],
    predictions: Annotated[Path, typer.Argument(help="The CSV table of predictions to write.")],
) -> None:
    """Fit NB-SVM to the train and validation parts of SEQUENCES, and write METRICS, RATES and PREDICTIONS."""
    from imdb_sentiment.evaluation.behaviour import measure_behaviour, sample_reviews
    from imdb_sentiment.evaluation.metrics import write_predictions
    from imdb_sentiment.ngrams.nb_svm import fit_baseline, positive_probabilities
    from imdb_sentiment.runtime.files import write_json, written_together

    model, evaluation = fit_baseline(reviews, sequences, progress=console_progress)
    with console_progress("Changing texts", None, ""):
        measured = measure_behaviour(lambda texts: positive_probabilities(model, texts), sample_reviews(reviews))
    with written_together(metrics, rates, predictions) as (partial_metrics, partial_rates, partial_predictions):
        write_json(evaluation.metrics, partial_metrics)
        write_json(measured, partial_rates)
        write_predictions(evaluation, partial_predictions)
    typer.echo(evaluation.summary())


app = command_app(baseline)

if __name__ == "__main__":
    app()
