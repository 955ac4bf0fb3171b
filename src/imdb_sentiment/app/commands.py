"""The command `imdb-sentiment`: predict, explain, evaluate, train and tune."""

import typer

from imdb_sentiment.app.evaluate import evaluate
from imdb_sentiment.app.explain import explain
from imdb_sentiment.app.predict import predict
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
app.command(cls=ReviewCommand)(ends_in_one_line(predict))
app.command(cls=ReviewCommand)(ends_in_one_line(explain))
app.command()(ends_in_one_line(evaluate))
app.command()(ends_in_one_line(train))
app.command()(ends_in_one_line(tune))


if __name__ == "__main__":
    app()
