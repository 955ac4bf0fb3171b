"""The command `imdb-sentiment`: predict, explain, evaluate, train, serve and tune."""

from typing import Annotated

import typer

from imdb_sentiment import find_version
from imdb_sentiment.app.evaluate import evaluate
from imdb_sentiment.app.explain import explain
from imdb_sentiment.app.predict import predict
from imdb_sentiment.app.serve import serve
from imdb_sentiment.app.source import ReviewCommand
from imdb_sentiment.app.train import train
from imdb_sentiment.app.tune import tune
from imdb_sentiment.runtime.command import ends_in_one_line

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Classify film reviews as positive or negative, and train, measure and tune models that do.",
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"imdb-sentiment {find_version()}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


app.command(cls=ReviewCommand)(ends_in_one_line(predict))
app.command(cls=ReviewCommand)(ends_in_one_line(explain))
app.command()(ends_in_one_line(evaluate))
app.command()(ends_in_one_line(train))
app.command()(ends_in_one_line(serve))
app.command()(ends_in_one_line(tune))


if __name__ == "__main__":
    app()
