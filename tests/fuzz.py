"""Fuzzing of whatever reads a file that somebody else made: each target may refuse its input, and nothing else.

A target takes any bytes, writes them where its reader looks, and reads. An error that says what is wrong with the file
is the right answer; any other exception, a hang or a gigabyte of memory is a fault. `python -m tests.fuzz TARGET
--minutes 30` runs a target with atheris (coverage-guided, `pip install atheris`); tests/test_fuzz.py is the short form.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

Target = Callable[[bytes, Path], None]
_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet")
_MODEL_FILES = ("settings.json", "model.onnx", "vocabulary.json", "polarity.npz")


def read_archive(data: bytes, folder: Path) -> None:
    """Read `data` as the archive of a corpus."""
    from imdb_sentiment.corpus.ingest import get_reviews_data
    from imdb_sentiment.runtime.errors import SourceError

    (folder / "archive").write_bytes(data)
    with suppress(SourceError):
        get_reviews_data(folder / "archive")


def read_params(data: bytes, folder: Path) -> None:
    """Read `data` as params.yaml."""
    from imdb_sentiment.runtime.errors import ParamsError
    from imdb_sentiment.runtime.params import load_params

    (folder / "params.yaml").write_bytes(data)
    with suppress(ParamsError):
        load_params(folder / "params.yaml")


def read_arrays(data: bytes, folder: Path) -> None:
    """Read `data` as each of the npz files between the stages."""
    from imdb_sentiment.artifacts.polarity import PolarityTable
    from imdb_sentiment.artifacts.sequences import load_sequences
    from imdb_sentiment.artifacts.vectors import load_embeddings
    from imdb_sentiment.runtime.errors import ArtifactError

    path = folder / "arrays.npz"
    path.write_bytes(data)
    with suppress(ArtifactError):
        load_sequences(path, 60)
    with suppress(ArtifactError):
        PolarityTable.load(path)
    with suppress(ArtifactError):
        load_embeddings(path, 60, 4)


def read_table(data: bytes, folder: Path) -> None:
    """Read `data`, after a byte that chooses the format, as a table of reviews, and write it in another format."""
    from imdb_sentiment.runtime.errors import InputError
    from imdb_sentiment.tables.columns import find_text_column
    from imdb_sentiment.tables.formats import TableOptions, open_table
    from imdb_sentiment.tables.rows import Added, in_blocks
    from imdb_sentiment.tables.writers import find_output_format, open_writer

    choice = data[0] if data else 0
    path = folder / f"table{_SUFFIXES[choice % len(_SUFFIXES)]}"
    path.write_bytes(data[1:])
    output = folder / f"output{_SUFFIXES[choice // len(_SUFFIXES) % len(_SUFFIXES)]}"
    with suppress(InputError):
        table = open_table(path, TableOptions())
        place = find_text_column(table.name, table.columns(), None)
        with open_writer(table, output, find_output_format("output", output), Added(("answer",))) as write:
            for block in in_blocks(table.rows([place])):
                assert all(row.problem or len(row.values) == 1 for row in block)
                write(block, [("positive",)] * len(block))


def read_model(data: bytes, folder: Path) -> None:
    """Put `data`, after a byte that chooses the file, in place of a file of a model, and predict with it."""
    from imdb_sentiment import SentimentModel
    from imdb_sentiment.runtime.errors import ArtifactError

    model = folder / "model"
    shutil.rmtree(model, ignore_errors=True)
    shutil.copytree(folder / "seed", model)
    name = _MODEL_FILES[(data[0] if data else 0) % len(_MODEL_FILES)]
    (model / name).write_bytes(data[1:])
    if name != "settings.json":  # with the right checksum, so that the file itself is read
        settings = json.loads((model / "settings.json").read_text(encoding="utf-8"))
        settings["files"][name] = sha256(data[1:]).hexdigest()
        (model / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    with suppress(ArtifactError):
        SentimentModel.load(model).predict(["A good film, and a long one."])


TARGETS: dict[str, Target] = {
    "archive": read_archive,
    "params": read_params,
    "arrays": read_arrays,
    "table": read_table,
    "model": read_model,
}


def make_seeds(target: str, folder: Path, exported: Path | None = None) -> list[bytes]:
    """Return valid inputs of a target, which will read in `folder`; `exported` is a workspace with a model."""
    from tests.factories import corpus_files, pack, params_text

    match target:
        case "archive":
            return [pack(corpus_files(), folder / "seed", compression).read_bytes() for compression in ("", "gz", "xz")]
        case "params":
            return [params_text().encode()]
    assert exported is not None
    data = exported / "data"
    match target:
        case "arrays":
            return [(data / f"{name}.npz").read_bytes() for name in ("sequences", "polarity", "embeddings")]
        case "table":
            csv = b'id,text\n1,"Good, ""really""\nfilm"\n2,Bad\n'
            lines = b'{"id": 1, "text": "Good"}\n{"text": null}\n{"text": "Bad", "more": [1, {}]}\n'
            array = b"[" + b", ".join(lines.splitlines()) + b"]"
            tables = [csv, csv.replace(b",", b"\t"), array, lines, (data / "reviews.parquet").read_bytes()]
            # In the order of the suffixes; each is written in the same format and in the next one.
            return [
                bytes([place + 5 * ((place + next_) % 5)]) + tables[place] for place in range(5) for next_ in (0, 1)
            ]
        case _:
            shutil.copytree(data / "model", folder / "seed", dirs_exist_ok=True)
            return [bytes([number]) + (data / "model" / name).read_bytes() for number, name in enumerate(_MODEL_FILES)]


def make_exported(workspace: Path) -> Path:
    """Return a workspace in which the stages up to export have run on the tiny corpus."""
    from tests.factories import corpus_files, write_folder, write_params
    from tests.stage_runs import run_stages

    source = write_folder(workspace / "corpus", corpus_files())
    write_params(workspace / "params.yaml", {"data.source": json.dumps(str(source))})
    run_stages(workspace, "ingest", "preprocess", "embed", "polarity", "train", "baseline", "evaluate", "export")
    return workspace


def main(
    target: Annotated[str, typer.Argument(help=f"One of {', '.join(TARGETS)}.")],
    minutes: Annotated[float, typer.Option(min=0, help="How long to look for faults.")] = 30,
) -> None:
    """Run a fuzz target; ends with an error and the input that caused it where there is a fault."""
    import atheris

    # Imported here for the first time, so that atheris sees which of their lines an input reaches.
    with atheris.instrument_imports(include=["imdb_sentiment", "tarfile", "csv", "json", "ruamel.yaml", "zipfile"]):
        for module in ("corpus.ingest", "tables.formats", "prediction.predictor", "runtime.params"):
            import_module(f"imdb_sentiment.{module}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exported = None if target in {"archive", "params"} else make_exported(folder / "workspace")
        (folder / "seeds").mkdir()
        for number, seed in enumerate(make_seeds(target, folder, exported)):
            (folder / f"seeds/{number}").write_bytes(seed)
        options = [f"-max_total_time={round(60 * minutes)}", "-rss_limit_mb=2500", "-timeout=60", "-max_len=200000"]
        atheris.Setup([sys.argv[0], *options, str(folder / "seeds")], lambda data: TARGETS[target](data, folder))
        atheris.Fuzz()


if __name__ == "__main__":
    typer.run(main)
