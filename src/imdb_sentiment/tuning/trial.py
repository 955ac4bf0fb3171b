"""One trial of a search, in a process of its own: `python -m imdb_sentiment.tuning.trial DATA SETTINGS`.

It may run out of memory, or be pruned, without harm to the search. It takes the params as JSON, and prints the metrics
of each epoch as JSON, a line each.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import IO, Annotated, Final

import typer

from imdb_sentiment.runtime.command import command_app, import_keras_quietly
from imdb_sentiment.runtime.errors import TrialError, reason_of
from imdb_sentiment.runtime.files import missing
from imdb_sentiment.runtime.params import Params, check

_INPUTS: Final = ("sequences.npz", "vocabulary.json", "embeddings.npz", "channels.npz", "polarity.npz")
_COMMAND: Final = (sys.executable, "-m", "imdb_sentiment.tuning.trial")


def identify_inputs(data: Path) -> dict[str, str]:
    """Return a checksum of each file in `data` that a trial reads. Raises ArtifactError if one is missing."""
    try:
        return {name: hashlib.sha256((data / name).read_bytes()).hexdigest() for name in _INPUTS}
    except OSError as error:
        raise missing(Path(error.filename or data)) from error


def run_trial(params: Params, data: Path, command: Sequence[str] = _COMMAND) -> Generator[Mapping[str, float]]:
    """Yield the metrics of each epoch of a fit of one member to what the stages left in the folder `data`.

    Closing the generator ends the process. Raises TrialError with the reason if the process fails.
    """
    arguments = [*command, str(data), params.model_dump_json(), "--quiet"]
    # Errors go to a file: a process that fills a pipe would wait until somebody reads it.
    with tempfile.TemporaryFile() as errors:
        try:
            # A session of its own: Ctrl-C reaches the search alone, which ends this process.
            process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            )
        except OSError as error:
            raise TrialError(f"the process cannot be started ({reason_of(error)})") from error
        with process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    yield json.loads(line)
            except ValueError as error:
                raise TrialError(f"the process printed something else than metrics ({reason_of(error)})") from error
            else:
                if process.wait():
                    raise TrialError(_reason(process.returncode, errors))
            finally:
                process.kill()


def _reason(code: int, errors: IO[bytes]) -> str:
    if code < 0:
        return f"killed by signal {-code}" + (", usually for lack of memory" if code == -9 else "")
    errors.seek(max(0, errors.seek(0, 2) - 4096))
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else f"exit code {code}"


def main(
    data: Annotated[Path, typer.Argument(help="Where the stages before train left their outputs.")],
    settings: Annotated[str, typer.Argument(help="The params as JSON.")],
) -> None:
    """Fit one member to DATA by SETTINGS, and print each epoch's metrics."""
    params = check(json.loads(settings), Params, "SETTINGS")
    import_keras_quietly()

    from imdb_sentiment.training.dataset import add_pieces, load_dataset
    from imdb_sentiment.training.fit import fit_member

    sequences, vocabulary, embeddings, channels, polarity = (data / name for name in _INPUTS)
    dataset = load_dataset(sequences, vocabulary, embeddings, channels, params.model)
    dataset = add_pieces(dataset, polarity, params.train)
    fit_member(dataset, params.model, params.train, number=0, on_epoch=_print_metrics)


def _print_metrics(metrics: Mapping[str, float]) -> None:
    typer.echo(json.dumps(dict(metrics)))  # it flushes: the search reads each line at once


app = command_app(main)

if __name__ == "__main__":
    app()
