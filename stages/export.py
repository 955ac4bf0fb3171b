"""Write the trained model as all that prediction needs."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app, import_keras_quietly
from imdb_sentiment.runtime.console import console_progress


def export(
    trained: Annotated[Path, typer.Argument(help="The folder of the trained model.")],
    vocabulary: Annotated[Path, typer.Argument(help="The JSON file of the vocabulary.")],
    polarity: Annotated[Path, typer.Argument(help="The npz file of n-gram polarity.")],
    reviews: Annotated[Path, typer.Argument(help="The Parquet table of reviews.")],
    predictions: Annotated[Path, typer.Argument(help="The CSV table of Keras's predictions for the test part.")],
    metrics: Annotated[Path, typer.Argument(help="The folder of what the stages before measured.")],
    model: Annotated[Path, typer.Argument(help="The folder of the exported model to write.")],
    report: Annotated[Path, typer.Argument(help="The JSON file to write, of how it compares with Keras.")],
    params: Annotated[Path, typer.Option(help="The file of params that the model card states.")] = Path("params.yaml"),
) -> None:
    """Write TRAINED, VOCABULARY and POLARITY as ONNX to MODEL, compare it with PREDICTIONS, and add a model card."""
    from imdb_sentiment.runtime.params import load_params

    settings = load_params(params)
    import_keras_quietly()

    from imdb_sentiment.export.export import compare_with_keras, write_exported_model
    from imdb_sentiment.prediction.predictor import CARD_NAME, SentimentModel
    from imdb_sentiment.report.model_card import write_model_card
    from imdb_sentiment.runtime.files import read_json, write_json, written_together

    measured = {name: read_json(metrics / f"{name}.json") for name in ("data", "metrics", "baseline", "behaviour")}
    with written_together(model, report) as (partial_model, partial_report):
        write_exported_model(trained, vocabulary, polarity, partial_model)
        compared = compare_with_keras(SentimentModel.load(partial_model), reviews, predictions, console_progress)
        write_json(compared, partial_report)
        write_model_card(partial_model / CARD_NAME, params=settings, export=compared, **measured)


app = command_app(export)

if __name__ == "__main__":
    app()
