"""Which column of a table holds what: the text, the label, and what else a source can say of a review."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from imdb_sentiment.corpus.label_spellings import spell
from imdb_sentiment.corpus.sources import SPLITS
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.params import TableParams
from imdb_sentiment.tables.columns import describe_columns, find_column, find_text_column
from imdb_sentiment.tables.rows import Column, Table

# Usual names, in any case.
_LABEL: Final = ("label", "labels", "sentiment", "polarity", "target", "class")
_RATING: Final = ("rating", "stars", "star_rating", "score", "overall")
_SPLIT: Final = ("split", "subset")
_GROUP: Final = ("group", "movie_id", "film_id", "imdb_id", "product_id", "parent_asin", "asin", "business_id")
_ID: Final = ("id", "review_id", "reviewid")


@dataclass(frozen=True)
class Roles:
    """The place of the column with each of these, None where there is none."""

    text: int
    label: int | None
    rating: int | None
    split: int | None
    group: int | None
    id: int | None

    def places(self) -> list[int]:
        """Return the places of the columns to read."""
        return [place for place in asdict(self).values() if place is not None]

    def values(self, found: Sequence[object]) -> dict[str, object]:
        """Return the values `found` at `places` by their role; None for one without a column."""
        columns = iter(found)
        return {role: None if place is None else next(columns) for role, place in asdict(self).items()}

    def names(self, columns: Sequence[Column]) -> dict[str, str]:
        """Return the names of the columns by their role."""
        return {role: columns[place].name for role, place in asdict(self).items() if place is not None}


def find_roles(table: Table, params: TableParams, needs_label: bool) -> Roles:
    """Return which column holds what: the named ones, or those of usual names. Raises InputError and SourceError."""
    columns = table.columns()
    text = find_text_column(table.name, columns, params.text_column, "data.table.text_column")

    def find(param: str, named: str | None, usual: Sequence[str]) -> int | None:
        if named is not None:
            return find_column(table.name, columns, named, f"data.table.{param}")
        for name in usual:
            places = [place for place in _places(columns, name) if place != text]
            if len(places) > 1:
                raise SourceError(f"{table.name}: found {len(places)} columns {name}; expected one, or different names")
            if places:
                return places[0]
        return None

    rating = find("", None, _RATING)
    label = find("label_column", params.label_column, _LABEL)
    label = rating if label is None else label
    if label is None and needs_label:
        raise SourceError(
            f"{table.name}: found the columns {describe_columns(columns)}; expected labels in label, sentiment or "
            "another usual name (data.table.label_column names it)"
        )
    return Roles(
        text,
        label,
        None if rating == label else rating,
        find("split_column", params.split_column, _SPLIT),
        find("group_column", params.group_column, _GROUP),
        find("id_column", params.id_column, _ID),
    )


def _places(columns: Sequence[Column], name: str) -> list[int]:
    return [place for place, column in enumerate(columns) if column.name.strip().lower() == name]


def check_roles(table: Table, roles: Roles, params: TableParams) -> Roles:
    """Return `roles` without the columns of usual names that do not hold what their names say.

    Raises SourceError for such columns that were named.
    """
    splits: Counter[str] = Counter()
    ids: set[str] = set()
    count = 0
    if roles.split is None and roles.id is None:
        return roles
    wanted = [place for place in (roles.split, roles.id) if place is not None]
    for row in table.rows(wanted):
        if row.problem:
            continue
        values = iter(row.values)
        count += 1
        if roles.split is not None:
            splits[spell(next(values))] += 1
        if roles.id is not None:
            ids.add("" if (value := next(values)) is None else str(value))
    dropped: dict[str, str] = {}
    if others := [split for split in splits if split and split not in SPLITS]:
        dropped["split"] = f"{others[0]}; expected train, test, validation or unsupervised"
    if roles.id is not None and (len(ids) < count or "" in ids):
        dropped["id"] = "values that are not there or not different; expected one of its own in each row"
    for role, problem in dropped.items():
        name = table.columns()[getattr(roles, role)].name
        if getattr(params, f"{role}_column") is not None:
            raise SourceError(f"{table.name}: in the column {name}, found {problem}")
    return Roles(**{**vars(roles), **dict.fromkeys(dropped)})
