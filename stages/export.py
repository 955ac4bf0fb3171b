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
    model: Annotated[Path, typer.Argument(help="The folder of the exported model to write.")],
    report: Annotated[Path, typer.Argument(help="The JSON file to write, of how it compares with Keras.")],
) -> None:
    """Write TRAINED, VOCABULARY and POLARITY as ONNX to MODEL, and compare it with PREDICTIONS."""
    import_keras_quietly()

    from imdb_sentiment.export.export import compare_with_keras, write_exported_model
    from imdb_sentiment.prediction.predictor import SentimentModel
    from imdb_sentiment.runtime.files import write_json, written_together

    with written_together(model, report) as (partial_model, partial_report):
        write_exported_model(trained, vocabulary, polarity, partial_model)
        compared = compare_with_keras(SentimentModel.load(partial_model), reviews, predictions, console_progress)
        write_json(compared, partial_report)


app = command_app(export)

if __name__ == "__main__":
    app()
