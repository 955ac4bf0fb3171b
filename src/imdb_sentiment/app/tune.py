"""The command `imdb-sentiment tune`."""

from pathlib import Path
from typing import Annotated

import typer


def tune(
    trials: Annotated[int, typer.Option(min=1, help="Stop when all processes together have run this many.")] = 30,
    minutes: Annotated[float | None, typer.Option(min=0, help="Start no trial after this many minutes.")] = None,
    space: Annotated[Path, typer.Option(help="The YAML file of what is searched.")] = Path("tune.yaml"),
    params: Annotated[Path, typer.Option(help="The params of all that is not searched.")] = Path("params.yaml"),
    data: Annotated[Path, typer.Option(help="Where `dvc repro` left its outputs.")] = Path("data"),
    storage: Annotated[
        str,
        typer.Option(
            help="Where the study is kept: a SQLite file, or the URL of a database that several machines share, such "
            "as postgresql://user:password@host/name (its driver is the extra `postgresql`)."
        ),
    ] = "runs/tune.db",
    study: Annotated[str, typer.Option(help="The name of the study, which goes on if there is one.")] = "tune",
) -> None:
    """Search for better params, by validation accuracy. Ctrl-C stops it, the same command goes on."""
    from imdb_sentiment.runtime.params import load_params
    from imdb_sentiment.tuning.search_space import load_search_space
    from imdb_sentiment.tuning.trial import identify_inputs, run_trial

    searched = load_search_space(space, load_params(params))
    identity = {**searched.identity(), "data": identify_inputs(data)}

    from imdb_sentiment.tuning.search import search
    from imdb_sentiment.tuning.study import open_study, storage_errors
    from imdb_sentiment.tuning.view import print_result, shown_trials

    # The params as they are come first: they are what is to be beaten.
    opened = open_study(storage, study, identity, first=searched.first_trial())
    seconds = None if minutes is None else 60 * minutes
    with storage_errors(storage):
        try:
            with shown_trials(trials) as changed:
                search(
                    opened,
                    searched,
                    lambda chosen: run_trial(chosen, data),
                    trials=trials,
                    seconds=seconds,
                    changed=changed,
                )
        finally:
            print_result(opened)
