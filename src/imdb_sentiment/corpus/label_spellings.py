"""Labels as people write them: which spelling means positive, negative, or unlabelled."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.params import TableParams

LEFT_OUT: Final = "left out"
_POSITIVE: Final = frozenset(("positive", "pos", "true", "1"))
_NEGATIVE: Final = frozenset(("negative", "neg", "false", "0"))
_NO_LABEL: Final = frozenset(("", "null", "none", "nan", "na", "n/a"))
UNLABELLED: Final = "-1"
_MOST_LISTED: Final = 8

Meanings = Mapping[str, int | str | None]  # of each spelling: 1, 0, None for unlabelled, or LEFT_OUT


def spell(value: Any) -> str:
    """Return a label as it is compared, in lower case and with a whole number as one: `spell(1.0) -> "1"`."""
    if value is None:
        return ""
    text = str(value).strip().lower()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text


def find_meanings(counts: Counter[str], params: TableParams, where: str) -> Meanings:
    """Return what each of the spellings `counts` means.

    Raises SourceError if that is not clear; `where` opens its message.
    """
    labels = sorted(spelling for spelling in counts if spelling not in _NO_LABEL)
    unlabelled: dict[str, int | str | None] = dict.fromkeys(_NO_LABEL)
    if params.positive:
        return unlabelled | _by_names(labels, params, counts, where)
    if params.positive_from is not None and params.negative_up_to is not None:
        return unlabelled | {label: _on_scale(label, params, counts, where) for label in labels}
    names = {label for label in labels if label != UNLABELLED}
    unlabelled[UNLABELLED] = None
    if names <= {"1", "2"} and "2" in names:
        return unlabelled | {"1": 0, "2": 1}
    # With -1 and 1 alone, -1 may mean negative.
    if not names <= _POSITIVE | _NEGATIVE or (UNLABELLED in labels and names and not names & _NEGATIVE):
        raise unclear(counts, where)
    return unlabelled | dict.fromkeys(_POSITIVE, 1) | dict.fromkeys(_NEGATIVE, 0)


def _by_names(labels: list[str], params: TableParams, counts: Counter[str], where: str) -> dict[str, int | str | None]:
    positive, negative = ({spell(name) for name in names} for names in (params.positive, params.negative))
    if both := positive & negative:
        raise SourceError(f"{where}: found {min(both)} in positive and in negative; expected different labels")
    if not (positive | negative) & set(labels):
        raise unclear(counts, where)
    others = {label: None if label == UNLABELLED else LEFT_OUT for label in labels}
    return {label: 1 if label in positive else 0 if label in negative else others[label] for label in labels}


def _on_scale(label: str, params: TableParams, counts: Counter[str], where: str) -> int | str:
    assert params.positive_from is not None
    assert params.negative_up_to is not None
    try:
        value = float(label)
    except ValueError as error:
        raise unclear(counts, where, "numbers, as positive_from is set") from error
    return 1 if value >= params.positive_from else 0 if value <= params.negative_up_to else LEFT_OUT


def unclear(counts: Counter[str], where: str, expected: str | None = None) -> SourceError:
    """Return the error for labels that may mean this or that."""
    shown = ", ".join(f"{label or 'nothing'} ({count:,} rows)" for label, count in counts.most_common(_MOST_LISTED))
    more = f" and {len(counts) - _MOST_LISTED} more" if len(counts) > _MOST_LISTED else ""
    return SourceError(
        f"{where}: found the labels {shown}{more}; expected "
        + (expected or "positive and negative, pos and neg, 1 and 0, 2 and 1, or true and false")
        + ", or that positive and negative name the labels, or positive_from and negative_up_to stars (params in "
        "data.table, or options such as --positive-from)"
    )
