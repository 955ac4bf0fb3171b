"""Reviews from tables: the rows that have a text, with the labels and parts that the tables give them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from imdb_sentiment.corpus.findings import Findings, TableFindings
from imdb_sentiment.corpus.label_spellings import spell
from imdb_sentiment.corpus.sources import SPLITS, TableFileSource
from imdb_sentiment.corpus.table_roles import check_roles, find_roles
from imdb_sentiment.corpus.table_rows import TableRows, as_reviews
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.params import TableParams
from imdb_sentiment.runtime.progress import Task
from imdb_sentiment.tables.formats import TableOptions, open_table
from imdb_sentiment.tables.rows import Row, Table
from imdb_sentiment.tables.texts import problem_of
from imdb_sentiment.text.cleaning import clean_text

_MAX_CHARACTERS: Final = 1_000  # of a label, group or id: all of them are in memory
_RATINGS: Final = range(-128, 128)  # int8


def read_tables(tables: Sequence[TableFileSource], params: TableParams, findings: Findings, task: Task) -> pa.Table:
    """Return the reviews of `tables` with the columns of `get_reviews_data`, and note in `findings` what was found.

    Raises SourceError and InputError.
    """
    found = findings.tables = TableFindings()
    rows = TableRows()
    for source in tables:
        _read_table(source, params, rows, found, task)
    where = str(tables[0].path if len(tables) == 1 else tables[0].path.parent)
    return as_reviews(rows, params, findings, found, where)


def open_source(path: Path, params: TableParams) -> Table:
    """Return the table in `path`, read as `params` say. Raises InputError."""
    options = TableOptions(params.format, params.encoding, params.delimiter, params.header, params.text_column)
    return open_table(path, options)


def _read_table(
    source: TableFileSource, params: TableParams, rows: TableRows, found: TableFindings, task: Task
) -> None:
    table = open_source(source.path, params)
    roles = find_roles(table, params, needs_label=source.split != "unsupervised")
    roles = check_roles(table, roles, params)
    count = 0
    for row in table.rows(roles.places()):
        count += 1
        task.advance()
        text = _text_of(table, row, params, found)
        if text is None:
            continue
        values = roles.values(row.values)
        _check_lengths(table, row, values)
        rows.texts.append(text)
        rows.ids.append(f"{source.path.name}/{values['id'] if roles.id is not None else format(count, '08d')}")
        rows.spellings.append(spell(values["label"]))
        rows.splits.append(SPLITS[spell(values["split"])] if spell(values["split"]) else source.split)
        rows.ratings.append(_rating_of(values["rating"] if roles.rating is not None else values["label"]))
        rows.groups.append(str(values["group"]) if spell(values["group"]) else None)
    found.files.append({"name": source.path.name, "format": table.describe(), "rows": count})
    found.columns.update(roles.names(table.columns()))


def _check_lengths(table: Table, row: Row, values: Mapping[str, object]) -> None:
    for role, value in values.items():
        if role != "text" and isinstance(value, str) and len(value) > _MAX_CHARACTERS:
            raise SourceError(
                f"{table.locate(row)}: found {len(value):,} characters in the column of the {role}; expected at most "
                f"{_MAX_CHARACTERS:,}"
            )


def _text_of(table: Table, row: Row, params: TableParams, found: TableFindings) -> str | None:
    """Return the cleaned text of `row`, or None if it has none. Raises SourceError for a row that cannot be read."""
    problem = row.problem
    if problem is None and (row.values[0] is None or not str(row.values[0]).strip()):
        found.left_out["without a text"] += 1
        return None
    if problem is None and (cause := problem_of(row.values[0])):
        problem = cause, "a review"
    if problem is not None:
        if not params.skip_bad_rows:
            raise SourceError(
                f"{table.locate(row)}: found {problem[0]}; expected {problem[1]} (data.table.skip_bad_rows leaves out "
                "such rows)"
            )
        found.left_out["that cannot be read"] += 1
        return None
    text = clean_text(row.values[0])
    if not text:
        found.left_out["without a text"] += 1
    return text or None


def _rating_of(value: Any) -> int | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() and int(number) in _RATINGS else None
