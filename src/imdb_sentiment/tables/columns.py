"""Which column of a table holds what."""

from collections.abc import Sequence
from typing import Final

from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.tables.rows import Column

# Usual names of the column of reviews, in any case and with blanks around, tried in this order.
TEXT_COLUMNS: Final = (
    *("text", "review", "reviews", "review_text", "reviewtext", "review_body", "review_content", "content"),
    *("comment", "comment_text", "sentence", "sentimenttext", "phrase", "tweet", "body", "document"),
)
_MOST_LISTED: Final = 20


def is_text_name(name: str) -> bool:
    """Tell whether a column of this name usually holds reviews."""
    return name.strip().lower() in TEXT_COLUMNS


def find_text_column(where: str, columns: Sequence[Column], wanted: str | None, option: str = "--text-column") -> int:
    """Return the place of the column with the reviews.

    That is the `wanted` one, else the one with a usual name, else the only one that is not of numbers. Raises
    InputError if no column or several qualify; `where` opens its message, and `option` is what names a column.
    """
    if wanted is not None:
        return _checked(where, columns, find_column(where, columns, wanted, option))
    candidates = [place for place, column in enumerate(columns) if not column.is_number]
    found = candidates if len(candidates) == 1 else []
    for usual in TEXT_COLUMNS:
        if named := [place for place in candidates if columns[place].name.strip().lower() == usual]:
            found = named
            break
    if len(found) == 1:
        return _checked(where, columns, found[0])
    if found:
        raise _several(where, columns, found, option)
    found_columns = f"the columns {describe_columns(columns)}" if columns else "no columns"
    usual_names = f"{', '.join(TEXT_COLUMNS[:4])} or another usual name"
    raise InputError(
        f"{where}: found {found_columns}; expected texts in {usual_names} ({option} names it; a CSV table without "
        "names in its first line needs --no-header, as a param data.table.header: false)"
    )


def _checked(where: str, columns: Sequence[Column], place: int) -> int:
    column = columns[place]
    if not column.is_text:
        raise InputError(f"{where}: found the column {column.name} of type {column.kind}; expected texts")
    return place


def find_column(where: str, columns: Sequence[Column], wanted: str, option: str) -> int:
    """Return the place of the column `wanted`, which `option` names. Raises InputError."""
    found = [place for place, column in enumerate(columns) if column.name == wanted]
    found = found or [place for place, column in enumerate(columns) if column.name.strip() == wanted.strip()]
    if len(found) > 1:
        raise _several(where, columns, found, option)
    if not found:
        shown = describe_columns(columns)
        raise InputError(f"{where}: found the columns {shown}; expected also {wanted}, which {option} names")
    return found[0]


def describe_columns(columns: Sequence[Column]) -> str:
    """Return the names and types of the first columns."""
    return ", ".join(map(str, columns[:_MOST_LISTED])) + (", …" if len(columns) > _MOST_LISTED else "")


def _several(where: str, columns: Sequence[Column], found: Sequence[int], option: str) -> InputError:
    names = ", ".join(columns[place].name for place in found)
    return InputError(f"{where}: found {len(found)} columns that may be meant ({names}); expected one ({option})")
