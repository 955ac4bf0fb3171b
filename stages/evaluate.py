"""Measure the trained model on the test part."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app, import_keras_quietly
from imdb_sentiment.runtime.console import console_progress


def evaluate(
    *,
    trained: Annotated[Path, typer.Option(help="In: the folder of the trained model.")] = Path("data/trained"),
    sequences: Annotated[Path, typer.Option(help="In: the npz file of token ids.")] = Path("data/sequences.npz"),
    channels: Annotated[Path, typer.Option(help="In: the npz file of the polarity at each token.")] = Path(
        "data/channels.npz"
    ),
    baseline_predictions: Annotated[Path, typer.Option(help="In: the linear baseline's predictions.")] = Path(
        "data/baseline.csv"
    ),
    metrics: Annotated[Path, typer.Option(help="Out: accuracy, F1 and loss.")] = Path("metrics/metrics.json"),
    evaluation: Annotated[Path, typer.Option(help="Out: all that was measured.")] = Path("metrics/evaluation.json"),
    plots: Annotated[Path, typer.Option(help="Out: the folder of curves.")] = Path("metrics/plots"),
    predictions: Annotated[Path, typer.Option(help="Out: the CSV table of predictions.")] = Path(
        "data/predictions.csv"
    ),
) -> None:
    """Classify the test part, print loss and accuracy, and write metrics, curves and predictions."""
    import_keras_quietly()

    from imdb_sentiment.artifacts.channels import add_channels
    from imdb_sentiment.artifacts.sequences import load_sequences
    from imdb_sentiment.evaluation.curves import CURVE_FILES, write_curves
    from imdb_sentiment.evaluation.evaluate import evaluate_model
    from imdb_sentiment.evaluation.metrics import compare_with_baseline
    from imdb_sentiment.network.saved_model import load_model
    from imdb_sentiment.runtime.files import OutputFolder, write_json, written_together

    with written_together(metrics, evaluation, OutputFolder(plots, CURVE_FILES), predictions) as partials:
        model = load_model(trained)
        parts = {"test": load_sequences(sequences, model.vocabulary_size)["test"]}
        if model.params.reads_polarity:
            parts = add_channels(parts, channels)
        measured = evaluate_model(lambda part: model.predict(part, console_progress), parts["test"])
        compared = compare_with_baseline(measured, baseline_predictions)
        write_json(measured.main_metrics, partials[0])
        write_json(measured.metrics | compared, partials[1])
        write_curves(measured, partials[2])
        measured.save_predictions(partials[3])
    typer.echo(measured.summary())


app = command_app(evaluate)

if __name__ == "__main__":
    app()
