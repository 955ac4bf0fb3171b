"""Which movie a review is about, from the `urls_*.txt`: line N, counted from 0, is a page of the movie of review N."""

import re
from array import array
from pathlib import Path

from imdb_sentiment.runtime.errors import SourceError

_MOVIE_ID = re.compile(r"/title/([^/\s]+)")


class Movies:
    """Collects the urls files of a source, four bytes a line, and finds the movie of a line."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._codes: dict[str, int] = {}
        self._names: list[str] = []
        self._lines: dict[str, array[int]] = {}

    def add(self, urls: str, content: str) -> None:
        """Keep the movie of each line of the file `urls`: its id in `.../title/ID/...`, or else the whole line."""
        lines = array("i")
        for line in content.splitlines():
            match = _MOVIE_ID.search(line)
            name = match[1] if match else line.strip()
            if name not in self._codes:
                self._codes[name] = len(self._names)
                self._names.append(name)
            lines.append(self._codes[name])
        self._lines[urls] = lines

    def find(self, urls: str, line: int) -> str | None:
        """Return the movie of a line, or None if there is no file `urls`. Raises SourceError if that ends before."""
        if urls not in self._lines:
            return None
        lines = self._lines[urls]
        if line >= len(lines):
            raise SourceError(
                f"{self._source}: found {len(lines)} lines in {urls}; expected one for review {line} (counted from 0)"
            )
        return self._names[lines[line]]
