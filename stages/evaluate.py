"""Measure the trained model on the test part."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app, import_keras_quietly
from imdb_sentiment.runtime.console import console_progress


def evaluate(
    model: Annotated[Path, typer.Argument(help="The folder of the trained model.")],
    sequences: Annotated[Path, typer.Argument(help="The npz file of token ids.")],
    channels: Annotated[Path, typer.Argument(help="The npz file of the polarity at each token.")],
    baseline: Annotated[Path, typer.Argument(help="The CSV table of the linear peer's predictions.")],
    metrics: Annotated[Path, typer.Argument(help="The JSON file of metrics to write.")],
    plots: Annotated[Path, typer.Argument(help="The folder of curves to write.")],
    predictions: Annotated[Path, typer.Argument(help="The CSV table of predictions to write.")],
) -> None:
    """Let MODEL classify the test part of SEQUENCES, print loss and accuracy, and write METRICS, PLOTS, PREDICTIONS."""
    import_keras_quietly()

    from imdb_sentiment.evaluation.curves import write_curves
    from imdb_sentiment.evaluation.evaluate import evaluate_saved_model
    from imdb_sentiment.evaluation.metrics import compare_with_peer, write_predictions
    from imdb_sentiment.runtime.files import write_json, written_together

    evaluation = evaluate_saved_model(model, sequences, channels, progress=console_progress)
    compared = compare_with_peer(evaluation, baseline)
    with written_together(metrics, plots, predictions) as (partial_metrics, partial_plots, partial_predictions):
        write_json(evaluation.metrics | compared, partial_metrics)
        write_curves(evaluation, partial_plots)
        write_predictions(evaluation, partial_predictions)
    typer.echo(evaluation.summary())


app = command_app(evaluate)

if __name__ == "__main__":
    app()
