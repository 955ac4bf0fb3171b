"""Reviews from tables: the rows that have a text, with the labels and parts that the tables give them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from imdb_sentiment.corpus.findings import Findings, TableFindings
from imdb_sentiment.corpus.label_spellings import LEFT_OUT, UNLABELLED, find_meanings, spell, unclear
from imdb_sentiment.corpus.sources import SPLITS, TableFileSource
from imdb_sentiment.corpus.table_roles import Roles, find_roles
from imdb_sentiment.corpus.text_column import TextColumn
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.params import TableParams
from imdb_sentiment.runtime.progress import Task
from imdb_sentiment.tables.formats import TableOptions, open_table
from imdb_sentiment.tables.rows import Row, Table
from imdb_sentiment.tables.texts import problem_of
from imdb_sentiment.text.cleaning import clean_text

_MEANINGS: Final = {1: "positive", 0: "negative", None: "unlabelled", LEFT_OUT: LEFT_OUT}
_MAX_CHARACTERS: Final = 1_000  # of a label, group or id: all of them are in memory
_RATINGS: Final = range(-128, 128)  # int8


@dataclass
class _Rows:
    """The rows of all tables, a list for each column."""

    ids: list[str] = field(default_factory=list)
    spellings: list[str] = field(default_factory=list)  # of the labels
    splits: list[str | None] = field(default_factory=list)
    ratings: list[int | None] = field(default_factory=list)
    groups: list[str | None] = field(default_factory=list)
    texts: TextColumn = field(default_factory=TextColumn)


def read_tables(tables: Sequence[TableFileSource], params: TableParams, findings: Findings, task: Task) -> pa.Table:
    """Return the reviews of `tables` with the columns of `get_reviews_data`, and note in `findings` what was found.

    Raises SourceError and InputError.
    """
    found = findings.tables = TableFindings()
    rows = _Rows()
    for source in tables:
        _read_table(source, params, rows, found, task)
    where = str(tables[0].path if len(tables) == 1 else tables[0].path.parent)
    return _as_reviews(rows, params, findings, found, where)


def open_source(path: Path, params: TableParams) -> Table:
    """Return the table in `path`, read as `params` say. Raises InputError."""
    options = TableOptions(params.format, params.encoding, params.delimiter, params.header, params.text_column)
    return open_table(path, options)


def _read_table(source: TableFileSource, params: TableParams, rows: _Rows, found: TableFindings, task: Task) -> None:
    table = open_source(source.path, params)
    roles = find_roles(table, params, needs_label=source.split != "unsupervised")
    roles = _check_columns(table, roles, params)
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


def _check_columns(table: Table, roles: Roles, params: TableParams) -> Roles:
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


def _rating_of(value: Any) -> int | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() and int(number) in _RATINGS else None


def _as_reviews(rows: _Rows, params: TableParams, findings: Findings, found: TableFindings, where: str) -> pa.Table:
    counts = Counter(rows.spellings)
    meanings = find_meanings(counts, params, where)
    found.labels = {spelling: _MEANINGS[meanings[spelling]] for spelling, _ in counts.most_common(20)}
    if counts[UNLABELLED] and not params.positive and meanings[UNLABELLED] is None:
        _check_unlabelled(rows, counts, where)
    has_splits = any(rows.splits)
    found.split = "as the source names it" if has_splits else "none in the source"
    labels, splits, is_kept = [], [], []
    for spelling, named in zip(rows.spellings, rows.splits, strict=True):
        label = meanings[spelling]
        reason = _reason_to_leave_out(label, named)
        if reason:
            found.left_out[reason] += 1
        is_kept.append(reason is None)
        is_labelled = label in (0, 1) and named != "unsupervised"
        labels.append(label if is_labelled else None)
        splits.append((named or "train") if is_labelled else "unsupervised")
    scale = params.positive_from is not None or "rating" in found.columns
    reviews = pa.table(
        {
            "review_id": pa.array(rows.ids, pa.string()),
            "split": pa.array(splits, pa.string()),
            "label": pa.array(labels, pa.int8()),
            "rating": pa.array(rows.ratings if scale else [None] * len(labels), pa.int8()),
            "group": pa.array(rows.groups, pa.string()),
            "text": rows.texts.as_arrow(),
        }
    ).filter(pa.array(is_kept, pa.bool_()))
    if not reviews["label"].drop_null():
        raise SourceError(f"{where}: found no labelled review; expected some positive and some negative ones")
    for content in _contents(reviews):
        findings.fingerprint.add(*content)
    return reviews


def _check_unlabelled(rows: _Rows, counts: Counter[str], where: str) -> None:
    """Raise SourceError if -1 may be the negative of three labels rather than none: where 0 is a neutral one."""
    parts = {split for spelling, split in zip(rows.spellings, rows.splits, strict=True) if spelling == UNLABELLED}
    if {"0", "1"} <= counts.keys() and parts != {"unsupervised"}:
        raise unclear(counts, where, "-1 for no label in an unsupervised part only, as -1, 0 and 1 may mean three")


def _reason_to_leave_out(label: int | str | None, split: str | None) -> str | None:
    if label == LEFT_OUT:
        return "with other labels"
    if label is None and split in ("test", "validation"):
        return f"of the {split} part without a label"
    return None


def _contents(reviews: pa.Table) -> Iterator[tuple[str, bytes]]:
    for batch in reviews.to_batches(max_chunksize=1000):
        for row in batch.to_pylist():
            yield row["review_id"], f"{row['split']}\n{row['label']}\n{row['text']}".encode()
