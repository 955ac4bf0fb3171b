"""The command `imdb-sentiment serve`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.app.output import standard_output
from imdb_sentiment.app.source import DEFAULT_MODEL, Model
from imdb_sentiment.runtime.extras import packages_of


def serve(
    *,
    model: Model = DEFAULT_MODEL,
    host: Annotated[
        str, typer.Option(help="The address to listen on. One that other machines reach needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes, each with the model.")] = 1,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Answer only to this name; can be repeated (all, if there is a token).")
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="Let pages of this origin, such as https://films.example, read answers; can be repeated."),
    ] = None,
    queue: Annotated[int, typer.Option(min=1, help="Texts that may wait; more are answered with 503.")] = 2048,
    max_texts: Annotated[int, typer.Option(min=1, help="Texts of one request.")] = 1000,
    max_characters: Annotated[int, typer.Option(min=1, max=1_000_000, help="Characters of a text.")] = 100_000,
    max_body: Annotated[int, typer.Option(min=1, help="Bytes of a request, except for tables.")] = 8_000_000,
    max_table: Annotated[int, typer.Option(min=1, help="Bytes of a table.")] = 100_000_000,
    max_rows: Annotated[int, typer.Option(min=1, help="Rows of a table.")] = 1_000_000,
    grace: Annotated[int, typer.Option(min=1, help="Seconds that SIGTERM and Ctrl-C leave to requests in hand.")] = 20,
) -> None:
    """Answer over HTTP: a page to try the model, and an API. It ends on Ctrl-C or SIGTERM.

    If the variable IMDB_SENTIMENT_TOKEN is set, requests to the API need that bearer token.
    """
    with packages_of("serve", "the server"):
        from imdb_sentiment.serving.server import run_server
        from imdb_sentiment.serving.settings import Settings

    settings = Settings(
        model=model,
        jobs=Path(),  # the server makes it
        host=host,
        port=port,
        workers=workers,
        hosts=tuple(name.lower() for name in allow_host or []),
        origins=tuple(allow_origin or []),
        queue_texts=max(queue, max_texts),
        most_texts=max_texts,
        most_characters=max_characters,
        body_bytes=max_body,
        table_bytes=max_table,
        table_rows=max_rows,
        grace=grace,
    )
    with standard_output() as print_line:

        def announce(address: str) -> None:
            print_line(address)
            sys.stdout.flush()

        run_server(settings, announce)
