"""Write the trained model as all that prediction needs."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app, import_keras_quietly
from imdb_sentiment.runtime.console import console_progress


def export(
    *,
    trained: Annotated[Path, typer.Option(help="In: the folder of the trained model.")] = Path("data/trained"),
    vocabulary: Annotated[Path, typer.Option(help="In: the JSON vocabulary.")] = Path("data/vocabulary.json"),
    polarity: Annotated[Path, typer.Option(help="In: the npz file of each n-gram's polarity.")] = Path(
        "data/polarity.npz"
    ),
    reviews: Annotated[Path, typer.Option(help="In: the Parquet table of reviews.")] = Path("data/reviews.parquet"),
    predictions: Annotated[Path, typer.Option(help="In: Keras's predictions for the test part.")] = Path(
        "data/predictions.csv"
    ),
    model: Annotated[Path, typer.Option(help="Out: the folder of the exported model.")] = Path("data/model"),
    export_check: Annotated[Path, typer.Option(help="Out: how far it differs from Keras.")] = Path(
        "metrics/export.json"
    ),
) -> None:
    """Write the model as ONNX with its vocabulary and polarity, and check it against Keras on the test part."""
    import_keras_quietly()

    from imdb_sentiment.export.export import compare_with_keras, write_exported_model
    from imdb_sentiment.prediction.model_folder import MODEL_FILES
    from imdb_sentiment.prediction.predictor import SentimentModel
    from imdb_sentiment.runtime.files import OutputFolder, write_json, written_together

    folder = OutputFolder(model, MODEL_FILES, others=r"README\.md|\..*")  # the stage report writes the model card
    with written_together(folder, export_check) as (partial_model, partial_check):
        write_exported_model(trained, vocabulary, polarity, partial_model)
        exported = SentimentModel.load(partial_model)
        write_json(compare_with_keras(exported, reviews, predictions, console_progress), partial_check)


app = command_app(export)

if __name__ == "__main__":
    app()
