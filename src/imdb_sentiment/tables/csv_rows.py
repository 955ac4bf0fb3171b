"""Writing rows of separated values, so that each is read again as one row."""

import csv
from collections.abc import Iterable
from typing import Any, TextIO


class CsvRows:
    r"""Writes rows to a file, a line each.

    Python 3.11 puts no quotes around a text with a carriage return where lines end in `\n`; every reader would take it
    for the end of the row.
    """

    def __init__(self, file: TextIO, separator: str) -> None:
        self._plain = csv.writer(file, delimiter=separator, lineterminator="\n")
        self._quoted = csv.writer(file, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(self, values: Iterable[Any]) -> None:
        """Write a row."""
        row = list(values)
        has_return = any(isinstance(value, str) and "\r" in value for value in row)
        (self._quoted if has_return else self._plain).writerow(row)
