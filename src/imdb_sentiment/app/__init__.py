"""The command line `imdb-sentiment`."""
