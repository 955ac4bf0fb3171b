"""Check the params before any other stage runs, and so before DVC removes an output."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app


def check(
    *,
    params: Annotated[Path, typer.Option(help="Params: all sections are checked.")] = Path("params.yaml"),
    checked: Annotated[Path, typer.Option(help="Out: a file that is the same for all good params.")] = Path(
        "data/params_checked.json"
    ),
) -> None:
    """Refuse params that a later stage would refuse, and a source that is not there."""
    from imdb_sentiment.runtime.files import write_json
    from imdb_sentiment.runtime.params import check_source, load_params

    check_source(load_params(params), params)
    write_json({"params": "checked"}, checked)


app = command_app(check)

if __name__ == "__main__":
    app()
