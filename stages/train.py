"""Fit the LSTM to the train part."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app, import_keras_quietly
from imdb_sentiment.runtime.console import console_progress


def train(
    *,
    params: Annotated[Path, typer.Option(help="Params: the sections `model` and `train` are used.")] = Path(
        "params.yaml"
    ),
    sequences: Annotated[Path, typer.Option(help="In: the npz file of token ids.")] = Path("data/sequences.npz"),
    vocabulary: Annotated[Path, typer.Option(help="In: the JSON vocabulary.")] = Path("data/vocabulary.json"),
    embeddings: Annotated[Path, typer.Option(help="In: the npz file of word vectors.")] = Path("data/embeddings.npz"),
    channels: Annotated[Path, typer.Option(help="In: the npz file of the polarity at each token.")] = Path(
        "data/channels.npz"
    ),
    polarity: Annotated[Path, typer.Option(help="In: the npz file of each n-gram's polarity.")] = Path(
        "data/polarity.npz"
    ),
    trained: Annotated[Path, typer.Option(help="Out: the folder of the trained model.")] = Path("data/trained"),
    curves: Annotated[Path, typer.Option(help="Out: the folder of training curves.")] = Path("metrics/training"),
    validation: Annotated[Path, typer.Option(help="Out: the ensemble's scores on the validation part.")] = Path(
        "metrics/validation.json"
    ),
    training_metrics: Annotated[Path, typer.Option(help="Out: what was kept.")] = Path("metrics/training.json"),
    checkpoints: Annotated[Path, typer.Option(help="Where a stopped fit is continued from.")] = Path(
        "data/checkpoints"
    ),
) -> None:
    """Fit the ensemble to the train part, keep the epochs of best validation accuracy, and calibrate it."""
    from imdb_sentiment.runtime.params import load_params

    settings = load_params(params)  # before Keras, whose import takes seconds
    import_keras_quietly()

    from imdb_sentiment.network.saved_model import TRAINED_FILES, save_model
    from imdb_sentiment.runtime.files import OutputFolder, write_json, written_together
    from imdb_sentiment.training.checkpoints import Checkpoints, fingerprint_run
    from imdb_sentiment.training.dataset import add_pieces, load_dataset
    from imdb_sentiment.training.fit import split_and_fit_dataset
    from imdb_sentiment.training.log import CURVE_FILES, summarize_fit, validation_scores, write_training_curves

    outputs = OutputFolder(trained, TRAINED_FILES), OutputFolder(curves, CURVE_FILES), validation, training_metrics
    with written_together(*outputs) as partials:
        dataset = load_dataset(sequences, vocabulary, embeddings, channels, settings.model)
        dataset = add_pieces(dataset, polarity, settings.train)
        kept = Checkpoints(checkpoints, fingerprint_run(dataset, settings.model, settings.train))
        fitted = split_and_fit_dataset(
            dataset, settings.model, settings.train, checkpoints=kept, progress=console_progress
        )
        save_model(fitted.model, partials[0])
        write_training_curves(fitted, partials[1])
        write_json(validation_scores(fitted.validation), partials[2])
        write_json(summarize_fit(fitted), partials[3])
    kept.remove(settings.train.members)


app = command_app(train)

if __name__ == "__main__":
    app()
