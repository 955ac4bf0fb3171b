"""Which movie a review is about: line N of a `urls_*.txt`, counted from 0, is a page about the movie of review N."""

import io
import re
from collections.abc import Set as AbstractSet

from imdb_sentiment.corpus.layout import SourceFile
from imdb_sentiment.runtime.errors import SourceError

_MOVIE_ID = re.compile(r"/title/([^/\s]+)")


def find_movies(urls: SourceFile, numbers: AbstractSet[int]) -> dict[int, str]:
    """Return the movie of each of the reviews `numbers`: its id in `.../title/ID/...`, or else the whole line.

    Other lines take no memory. Raises SourceError if the file ends before the line of a review.
    """
    movies = {}
    count = 0
    for number, line in enumerate(io.BytesIO(urls.content)):
        count += 1
        if number in numbers:
            text = line.decode()
            match = _MOVIE_ID.search(text)
            movies[number] = match[1] if match else text.strip()
    if missing := numbers - movies.keys():
        expected = f"a line for review {min(missing)}, counted from 0"
        raise SourceError(f"{urls.where}: found {count:,} lines; expected {expected}")
    return movies
