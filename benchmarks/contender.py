"""One contender at work, in a process of its own: it sets up, works once, and prints one line of JSON.

python -m benchmarks.contender preprocess.keras --reviews 1000
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.groups import GROUPS
from benchmarks.setting import Lap, Setting
from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.errors import InputError

_DEFAULTS = Setting()


def contend(
    name: Annotated[str, typer.Argument(help="The group and the contender, as in preprocess.keras.")],
    data: Annotated[Path, typer.Option(help="Where `dvc repro` left its outputs.")] = _DEFAULTS.data,
    params: Annotated[Path, typer.Option(help="The params of what is fitted.")] = _DEFAULTS.params,
    archive: Annotated[Path, typer.Option(help="The archive of reviews.")] = _DEFAULTS.archive,
    reviews: Annotated[int | None, typer.Option(min=1, help="Take no more reviews than these.")] = None,
    batches: Annotated[int, typer.Option(min=1, help="Batches of a pass of training.")] = _DEFAULTS.batches,
    loose: Annotated[Path | None, typer.Option(help="What benchmarks.loose_files has unpacked.")] = None,
    loose_reviews: Annotated[int, typer.Option(help="How many reviews that are.")] = 0,
) -> None:
    """Do the work of the contender NAME once, and print the seconds, the amount of work and its unit."""
    units = {f"{group.name}.{its.name}": group.unit for group in GROUPS for its in group.contenders if not its.command}
    if name not in units:
        raise InputError(f"{name}: found no such contender; expected one of {', '.join(units)}")
    group, _, contender = name.partition(".")
    contenders = import_module(f"benchmarks.contenders.{group}").CONTENDERS
    setting = Setting(data, params, archive, reviews, batches, loose, loose_reviews)
    measured: Lap = contenders[contender](setting)
    typer.echo(json.dumps({**measured._asdict(), "unit": units[name]}))


app = command_app(contend)

if __name__ == "__main__":
    app()
