"""What tests are built from: a small corpus, params of tiny models, sequences, and snapshots of folders."""

import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment.artifacts.sequences import Sequences, pad
from imdb_sentiment.runtime.params import read_yaml

ROOT = Path(__file__).resolve().parent.parent
REVIEWS_PER_FOLDER = 8
MOVIES_PER_SPLIT = 4  # each with reviews of both labels, so that a part drawn by film has both

_OPINIONS = {
    "pos": "I loved every minute of it, a wonderful and moving story.",
    "neg": "I hated it, a dull and tiresome story, and I left early.",
    "unsup": "It has a beginning and an end, and people talk in it.",
}
_RATINGS = {"pos": (7, 8, 9, 10), "neg": (1, 2, 3, 4), "unsup": (0,)}

# What makes a model tiny. A value is YAML as it would be typed, and so a text: one number can be spelled in many ways.
_TINY = {
    "preprocess.test_size": "0.25",
    "preprocess.validation_size": "0.25",
    "preprocess.vocabulary_size": "60",
    "preprocess.max_length": "12",
    "model.embedding_dim": "4",
    "model.lstm_units": "4",
    "model.polarity.segment_length": "5",
    "train.batch_size": "8",
    "train.epochs": "1",
}


def corpus_files() -> dict[str, bytes]:
    """Return a valid corpus: 8 reviews in each labelled folder, 8 unlabelled, and the urls file of each."""
    files: dict[str, bytes] = {}
    for folder in ("train/pos", "train/neg", "train/unsup", "test/pos", "test/neg"):
        split, kind = folder.split("/")
        ratings = _RATINGS[kind]
        movies = [f"tt{split}{number % MOVIES_PER_SPLIT}" for number in range(REVIEWS_PER_FOLDER)]
        for number, movie in enumerate(movies):
            text = f"Number {number} of {folder} is about {movie}. {_OPINIONS[kind]}"
            files[f"{folder}/{number}_{ratings[number % len(ratings)]}.txt"] = text.encode()
        urls = "".join(f"http://www.imdb.com/title/{movie}/usercomments\n" for movie in movies)
        files[f"{split}/urls_{kind}.txt"] = urls.encode()
    return files


def write_folder(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write `files` under `root`, and return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def pack(files: Mapping[str, bytes], archive: Path, compression: str = "gz", prefix: str = "aclImdb/") -> Path:
    """Write `files`, in their order, to a tar of `compression` ("", "gz", "bz2" or "xz"), and return its path."""
    mode: Any = f"w:{compression}"
    with tarfile.open(archive, mode) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive


def params_text(changes: Mapping[str, str] | None = None) -> str:
    """Return the project's params.yaml for tiny models, with `{"train.epochs": "2"}` changed or added."""
    return _yaml(_leaves(read_yaml(ROOT / "params.yaml")) | _TINY | dict(changes or {}))


def variant_text(name: str) -> str:
    """Return the project's params.yaml with the keys of `variants/NAME.yaml` in place of its own."""
    return _yaml(_leaves(read_yaml(ROOT / "params.yaml")) | _leaves(read_yaml(ROOT / f"variants/{name}.yaml")))


def _leaves(sections: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in sections.items():
        # JSON is YAML, too.
        found |= _leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": json.dumps(value)}
    return found


def _yaml(leaves: Mapping[str, str]) -> str:
    tree: dict[str, Any] = {}
    for name, value in leaves.items():
        *path, key = name.split(".")
        node = tree
        for section in path:
            node = node.setdefault(section, {})
        node[key] = value
    return "\n".join(_lines(tree, "")) + "\n"


def _lines(tree: Mapping[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {value}")
    return lines


def write_params(path: Path, changes: Mapping[str, str] | None = None) -> Path:
    """Write `params_text(changes)` to `path`, and return it."""
    path.write_text(params_text(changes), encoding="utf-8")
    return path


Row = dict[str, Any]


def change_reviews(workspace: Path, change: Callable[[list[Row]], list[Row]]) -> None:
    """Replace the rows of the workspace's table of reviews by what `change` returns for them."""
    path = workspace / "data/reviews.parquet"
    table = pq.read_table(path)
    pq.write_table(pa.Table.from_pylist(change(table.to_pylist()), table.schema), path)


def make_sequences(rows: list[list[int]], labels: list[int], max_length: int | None = None) -> Sequences:
    """Return reviews r0, r1, ... of these token ids, padded to the longest or to `max_length`."""
    return Sequences(
        review_ids=np.array([f"r{row}" for row in range(len(rows))]),
        token_ids=pad(rows, max_length or max(len(row) for row in rows)),
        lengths=np.array([len(row) for row in rows], np.int32),
        labels=np.array(labels, np.int8),
        groups=np.arange(len(rows), dtype=np.int32),
        seen_in_train=np.zeros(len(rows), bool),
    )


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Return every path under `folder` with its bytes, or None for a folder, hidden ones included."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }
