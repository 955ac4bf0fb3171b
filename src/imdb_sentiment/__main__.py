"""`python -m imdb_sentiment`: the command `imdb-sentiment`."""

from imdb_sentiment.app.commands import app

app()
