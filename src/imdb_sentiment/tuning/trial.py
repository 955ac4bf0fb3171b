"""One trial of a search, in a process of its own: `python -m imdb_sentiment.tuning.trial DATA`.

A process that runs out of memory, or that the search has seen enough of, can end without its parent. It reads the
sections `model` and `train` as JSON from standard input, and prints the metrics of each epoch as JSON, a line each.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from imdb_sentiment.runtime.command import command_app, import_keras_quietly
from imdb_sentiment.runtime.errors import TrialError
from imdb_sentiment.runtime.files import missing
from imdb_sentiment.runtime.params import ModelParams, Params, TrainParams, check

_INPUTS: Final = ("sequences.npz", "vocabulary.json", "embeddings.npz", "channels.npz")


def identify_inputs(data: Path) -> dict[str, str]:
    """Return a checksum of each file in `data` that a trial reads. Raises ArtifactError if one is missing."""
    found = {}
    for path in (data / name for name in _INPUTS):
        try:
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise missing(path) from error
    return found


def run_trial(params: Params, data: Path) -> Generator[Mapping[str, float]]:
    """Yield the metrics of each epoch of a fit of one member to what the stages left in the folder `data`.

    Whoever takes no more of them ends the process. Raises TrialError with the reason if it fails.
    """
    settings = {"model": params.model.model_dump(), "train": params.train.model_dump()}
    command = [sys.executable, "-m", "imdb_sentiment.tuning.trial", str(data), "--quiet"]
    pipe = subprocess.PIPE
    # A session of its own: Ctrl-C reaches the search alone, which ends it.
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdin.write(json.dumps(settings))
            process.stdin.close()
            for line in process.stdout:
                yield json.loads(line)
            if process.wait():
                raise TrialError(_reason(process.returncode, process.stderr.read()))
        except (BrokenPipeError, json.JSONDecodeError) as error:
            raise TrialError(f"the process ended early ({error})") from error
        finally:
            process.kill()


def _reason(code: int, said: str) -> str:
    if code < 0:
        return f"killed by signal {-code}" + (", for memory as a rule" if code == -9 else "")
    lines = said.strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else f"exit code {code}"


class _Printer:
    def add_epoch(self, metrics: Mapping[str, float]) -> None:
        typer.echo(json.dumps(dict(metrics)))
        sys.stdout.flush()


def main(data: Annotated[Path, typer.Argument(help="Where the stages before train left their outputs.")]) -> None:
    """Fit one member to DATA by the params on standard input, and print each epoch's metrics."""
    settings: dict[str, Any] = json.load(sys.stdin)
    params = check(settings["model"], ModelParams, "standard input: model")
    train = check(settings["train"], TrainParams, "standard input: train")
    import_keras_quietly()

    from imdb_sentiment.training.fit import fit_member, load_inputs

    sequences, vocabulary, embeddings, channels = (data / name for name in _INPUTS)
    inputs = load_inputs(sequences, vocabulary, embeddings, channels, params)
    fit_member(inputs, params=params, train=train, number=0, log=_Printer())


app = command_app(main)

if __name__ == "__main__":
    app()
