"""The rows of tables with their answers: classified in blocks, and printed or written."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from imdb_sentiment.prediction.answers import NO_ANSWER, UNCERTAIN, UNKNOWN, Answer, Thresholds
from imdb_sentiment.runtime.console import console_progress, counted, printable
from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.runtime.progress import Progress
from imdb_sentiment.tables.columns import find_text_column
from imdb_sentiment.tables.rows import Added, Row, Table, in_blocks
from imdb_sentiment.tables.texts import problem_of

if TYPE_CHECKING:
    from imdb_sentiment.prediction.predictor import SentimentModel

ADDED: Final = Added(("predicted_label", "probability"))
_MOST_NAMED: Final = 10
_PREVIEW: Final = 60  # characters of a text beside its label


class BadRows(Enum):
    """What is done with rows that cannot be classified."""

    REFUSE = "refuse"
    SKIP = "skip"
    KEEP = "keep"  # without an answer


@dataclass
class Tally:
    """How many rows were classified, and what the user has to know of them.

    counts: of the labels that are no answer; bad_messages: of the first few rows that could not be classified.
    """

    count: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {UNKNOWN: 0, UNCERTAIN: 0})
    bad_count: int = 0
    bad_messages: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add the rows of `other`."""
        self.count += other.count
        for label, count in other.counts.items():
            self.counts[label] += count
        self.bad_count += other.bad_count
        self.bad_messages = [*self.bad_messages, *other.bad_messages][:_MOST_NAMED]

    def summary(self, bad_rows: BadRows) -> Iterator[str]:
        """Yield what the user has to know of, a line each; `bad_rows` is what was done with them."""
        if self.bad_count:
            done = "left out" if bad_rows is BadRows.SKIP else "without an answer"
            yield f"bad rows {done}: {self.bad_count:,}"
            yield from (f"  {message}" for message in self.bad_messages)
            if self.bad_count > len(self.bad_messages):
                yield f"  and {self.bad_count - len(self.bad_messages):,} more"
        if count := self.counts[UNKNOWN]:
            yield f"rows with no word that the model knows: {count:,} ({UNKNOWN})"


@dataclass
class ClassifiedRows:
    """Reads tables and classifies their rows, and counts them in `tally`."""

    model: "SentimentModel"
    thresholds: Thresholds
    bad_rows: BadRows
    text_column: str | None
    progress: Progress = console_progress
    block_rows: int | None = None
    tally: Tally = field(default_factory=Tally)

    def blocks(self, table: Table) -> Iterator[tuple[list[Row], list[Answer]]]:
        """Yield the rows of `table` in blocks, with their answers. Raises InputError."""
        place = find_text_column(table.name, table.columns(), self.text_column)
        done = 0
        with self.progress("Predicting", table.size, "") as task:
            for block in in_blocks(table.rows([place]), self.block_rows):
                yield self._classify(table, block)
                position = table.position()
                task.advance(position - done, counted(self.tally.count, "reviews"))
                done = position

    def _classify(self, table: Table, block: list[Row]) -> tuple[list[Row], list[Answer]]:
        is_bad = [self._is_bad(table, row) for row in block]
        texts = [row.values[0] for row, bad in zip(block, is_bad, strict=True) if not bad]
        (_, probabilities), is_known = self.model.predict_with_known(texts)
        answers = iter(map(self.thresholds.answer, probabilities.tolist(), is_known.tolist()))
        rows: list[Row] = []
        found: list[Answer] = []
        for row, bad in zip(block, is_bad, strict=True):
            if bad and self.bad_rows is BadRows.SKIP:
                continue
            answer = NO_ANSWER if bad else next(answers)
            if answer.label in self.tally.counts:
                self.tally.counts[answer.label] += 1
            rows.append(row)
            found.append(answer)
        self.tally.count += len(rows)
        return rows, found

    def _is_bad(self, table: Table, row: Row) -> bool:
        problem = row.problem
        if problem is None:
            found = problem_of(row.values[0])
            if found is None:
                return False
            problem = (found, "a review")
        message = f"{table.locate(row)}: found {problem[0]}; expected {problem[1]}"
        if self.bad_rows is BadRows.REFUSE:
            raise InputError(f"{message} (--skip-bad-lines leaves out such rows, --keep-bad-rows gives them no answer)")
        self.tally.bad_count += 1
        if len(self.tally.bad_messages) < _MOST_NAMED:
            self.tally.bad_messages.append(message)
        return True


def check_added_columns(table: Table, overwrite: bool) -> None:
    """Raise InputError if the table has one of the columns that are added, and shall not lose it."""
    there = [column.name for column in table.columns() if column.name in ADDED.names]
    if there and not overwrite:
        raise InputError(f"{table.name}: found a column {there[0]}; expected none, or --overwrite-columns")


def print_rows(rows: ClassifiedRows, tables: Sequence[Table], as_json: bool, print_line: Callable[[str], None]) -> None:
    """Print the answers: a line for each row, with the file where there are several. Raises InputError."""
    has_several = len(tables) > 1
    for table in tables:
        if has_several and not as_json:
            print_line(f"{printable(table.name)}:")
        for block, answers in rows.blocks(table):
            for row, answer in zip(block, answers, strict=True):
                if as_json:
                    file = {"file": table.name} if has_several else {}
                    print_line(json.dumps({**file, table.numbered: row.number, **as_object(answer)}))
                else:
                    shown = "  -  " if answer.probability is None else f"{answer.probability:.3f}"
                    text = row.values[0] if row.values and isinstance(row.values[0], str) else ""
                    print_line(f"{answer.label or 'no answer'}  {shown}  {_preview(text)}")


def write_rows(rows: ClassifiedRows, table: Table, output: Path, kind: str) -> None:
    """Write the table with its answers to `output` in the format `kind`. Raises InputError and OutputError."""
    from imdb_sentiment.runtime.files import written_beside
    from imdb_sentiment.tables.writers import open_writer

    with written_beside(output) as partial, open_writer(table, partial, kind, ADDED) as write:
        for block, answers in rows.blocks(table):
            write(block, answers)


def as_object(answer: Answer) -> dict[str, Any]:
    """Return what `--json` prints: `as_object(Answer("negative", 0.25)) -> {"label": "negative", …}`."""
    return answer._asdict()


def _preview(text: str) -> str:
    shown = printable(" ".join(text[: 2 * _PREVIEW].split()))
    return shown if len(shown) <= _PREVIEW else f"{shown[: _PREVIEW - 1]}…"
