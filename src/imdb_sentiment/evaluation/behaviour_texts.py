"""The texts that behaviour is measured on, written for this project: see `texts/README.md`."""

import csv
import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal

from imdb_sentiment.artifacts.labels import LABEL_NAMES

Half = Literal["tune", "held_out"]
HALVES: Final = ("tune", "held_out")
_EDIT: Final = re.compile(r"\{([^{}|]*)\|([^{}|]*)\}")  # {before|after}


@dataclass(frozen=True)
class LabelledText:
    """A text with its label, 1 for positive and 0 for negative, and the kind of its opinion."""

    kind: str
    label: int
    text: str
    half: Half


@dataclass(frozen=True)
class Pair:
    """A short review with its label, and its edit, which has the other label. `kind` names how it was edited."""

    kind: str
    label: int
    review: str
    edit: str
    half: Half


def half_of(text: str) -> Half:
    """Return the half of a text by its hash: params may be chosen on the texts of `tune`, not on those held out."""
    return "tune" if hashlib.sha256(text.encode()).digest()[0] < 128 else "held_out"


def load_pairs() -> list[Pair]:
    """Return the reviews with their edits.

    `I {loved|hated} it.` -> `Pair(review="I loved it.", edit="I hated it.", ...)`
    """
    return [
        Pair(
            row["kind"],
            LABEL_NAMES.index(row["label"]),
            _EDIT.sub(r"\1", row["text"]),
            _EDIT.sub(r"\2", row["text"]),
            half_of(row["text"]),
        )
        for row in _rows("pairs")
    ]


def load_sentences() -> list[LabelledText]:
    """Return single sentences."""
    return [_labelled(row, row["kind"]) for row in _rows("sentences")]


def load_mixed() -> list[LabelledText]:
    """Return texts with praise and blame, labelled by their verdict."""
    return [_labelled(row, "mixed") for row in _rows("mixed")]


def load_templates() -> dict[str, list[str]]:
    """Return the texts of each kind of name, with `{}` where the name stands."""
    templates: dict[str, list[str]] = {}
    for row in _rows("names"):
        templates.setdefault(row["kind"], []).append(row["text"])
    return templates


def _labelled(row: dict[str, str], kind: str) -> LabelledText:
    return LabelledText(kind, LABEL_NAMES.index(row["label"]), row["text"], half_of(row["text"]))


def _rows(name: str) -> list[dict[str, str]]:
    table = files("imdb_sentiment.evaluation").joinpath(f"texts/{name}.tsv").read_text(encoding="utf-8")
    return list(csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
