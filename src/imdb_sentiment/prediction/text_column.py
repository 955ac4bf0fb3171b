"""Which column of a table holds the reviews."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imdb_sentiment.prediction.table import ADDED_COLUMNS
from imdb_sentiment.runtime.errors import InputError

# Tried in this order, in any case, where no column is named.
TEXT_COLUMNS: Final = ("text", "review", "review_text", "content", "comment", "sentence", "body")
_MOST_LISTED: Final = 20
_LONGEST_NAME: Final = 60


@dataclass(frozen=True)
class Column:
    """A column: its name, the type in words where the format has types, and whether it holds numbers or dates."""

    name: str
    kind: str = ""
    is_number: bool = False

    def __str__(self) -> str:
        name = self.name if len(self.name) <= _LONGEST_NAME else f"{self.name[:_LONGEST_NAME]}…"
        return f"{name} ({self.kind})" if self.kind else name


def find_text_column(path: Path, columns: Sequence[Column], wanted: str | None) -> int:
    """Return the index of the column with the reviews of the table `path`.

    That is the `wanted` one, else the one with a usual name, else the only one that is not of numbers. Raises
    InputError if no column or several qualify, or a column has the name of one that is to be added.
    """
    for name in ADDED_COLUMNS:
        if any(column.name == name for column in columns):
            raise InputError(f"{path}: found a column {name}; expected none, since predict adds one of that name")
    found = _matching(columns, wanted)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(columns[index].name for index in found)
        raise InputError(f"{path}: found {len(found)} columns that may hold the reviews ({names}); expected one")
    shown = ", ".join(map(str, columns[:_MOST_LISTED])) + (", …" if len(columns) > _MOST_LISTED else "")
    expected = f"one of {', '.join(TEXT_COLUMNS)}"
    if wanted is not None:
        raise InputError(f"{path}: found the columns {shown}; expected also {wanted}, which --text-column names")
    found_columns = f"the columns {shown}" if columns else "no columns"
    raise InputError(f"{path}: found {found_columns}; expected texts in {expected} (--text-column names another)")


def _matching(columns: Sequence[Column], wanted: str | None) -> list[int]:
    if wanted is not None:
        return [index for index, column in enumerate(columns) if column.name == wanted]
    candidates = [index for index, column in enumerate(columns) if not column.is_number]
    for usual in TEXT_COLUMNS:
        if found := [index for index in candidates if columns[index].name.strip().lower() == usual]:
            return found
    return candidates if len(candidates) == 1 else []
