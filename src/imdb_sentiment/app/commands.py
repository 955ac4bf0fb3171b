"""The command `imdb-sentiment`: predict, explain, serve and tune."""

import typer

from imdb_sentiment.app.explain import explain
from imdb_sentiment.app.predict import predict
from imdb_sentiment.app.serve import serve
from imdb_sentiment.app.source import ReviewCommand
from imdb_sentiment.app.tune import tune
from imdb_sentiment.runtime.command import ends_in_one_line

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Classify film reviews as positive or negative with an exported model, and search for better params.",
)
app.command(cls=ReviewCommand)(ends_in_one_line(predict))
app.command(cls=ReviewCommand)(ends_in_one_line(explain))
app.command()(ends_in_one_line(serve))
app.command()(ends_in_one_line(tune))


if __name__ == "__main__":
    app()
