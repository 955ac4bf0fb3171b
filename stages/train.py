"""Fit the LSTM to the train part."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app, import_keras_quietly
from imdb_sentiment.runtime.console import console_progress


def train(
    sequences: Annotated[Path, typer.Argument(help="The npz file of token ids.")],
    vocabulary: Annotated[Path, typer.Argument(help="The JSON file of the vocabulary.")],
    embeddings: Annotated[Path, typer.Argument(help="The npz file of word vectors.")],
    channels: Annotated[Path, typer.Argument(help="The npz file of the polarity at each token.")],
    model: Annotated[Path, typer.Argument(help="The folder of the trained model to write.")],
    curves: Annotated[Path, typer.Argument(help="The folder of the training curves to write.")],
    checkpoints: Annotated[
        Path | None, typer.Option(help="Where a stopped run finds what it needs to go on; beside MODEL if not given.")
    ] = None,
    params: Annotated[Path, typer.Option(help="The file whose sections `model` and `train` are used.")] = Path(
        "params.yaml"
    ),
) -> None:
    """Fit the model to SEQUENCES, keep the weights of best validation accuracy in MODEL, and log the CURVES."""
    from imdb_sentiment.runtime.params import load_params

    settings = load_params(params)
    import_keras_quietly()

    from imdb_sentiment.training.fit import train_model

    train_model(
        sequences,
        vocabulary,
        embeddings,
        channels,
        params=settings.model,
        train=settings.train,
        folder=model,
        curves=curves,
        checkpoints=checkpoints or model.parent / "checkpoints",
        progress=console_progress,
    )


app = command_app(train)

if __name__ == "__main__":
    app()
