"""The argument SOURCE of `predict` and `explain`: a review, a file with one, or a table."""

import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from imdb_sentiment.runtime.errors import InputError

TABLE_SUFFIXES: Final = (".csv", ".jsonl", ".parquet")  # tables.SUFFIXES, without importing it for a single text
_ENDINGS: Final = "csv|docx?|gz|html?|jsonl?|md|ndjson|npz|onnx|parquet|pdf|tsv|txt|xlsx?|xz|zip|zst|bz2"
# What nobody would write as a review: "my reviews.csv", "/tmp/reviews", "./reviews", "data/reviews/".
_PATH: Final = re.compile(
    rf".{{0,250}}\.(?:{_ENDINGS})|(?:\.{{0,2}}|~|[A-Za-z]:)[/\\]\S*|\S+[/\\]", flags=re.IGNORECASE
)
_HYPHEN_TEXT: Final = re.compile(r"-[^-]|-[^=\s]*\s")

Source = Annotated[
    str | None,
    typer.Argument(
        help="A review, a .txt file with one, or a table of reviews (.csv, .jsonl or .parquet). Without it, or with -, "
        "a review is read from standard input. A review that begins with a hyphen goes after --.",
        show_default=False,
    ),
]
Model = Annotated[
    Path,
    typer.Option(help="The folder of the exported model.", envvar="IMDB_SENTIMENT_MODEL", show_envvar=True),
]
_STANDARD_INPUT: Final = Path("/dev/stdin")  # the file that it is redirected from, where there is one
DEFAULT_MODEL: Final = Path("data/model")


class ReviewCommand(TyperCommand):
    """A command that says how to pass a review that begins with a hyphen."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse `args`. Raises typer.BadParameter for a review that looks like an option."""
        with_value = {name for param in self.params if not getattr(param, "is_flag", True) for name in param.opts}
        for before, argument in pairwise(["", *args]):
            if argument == "--":
                break
            if before not in with_value and _HYPHEN_TEXT.match(argument):
                example = f"imdb-sentiment {ctx.info_name} -- {argument!r}"
                raise typer.BadParameter(
                    f"found the unknown option {argument!r}; expected a review after --, as in: {example}", ctx=ctx
                )
        return super().parse_args(ctx, args)


@dataclass(frozen=True)
class Review:
    """One review, its name in messages, and the file that it was read from, if any."""

    text: str
    name: str
    path: Path | None = None


def read_source(source: str | None) -> Path | Review:
    """Return the review that is meant, or the path of a table. Raises InputError for a path without such a file."""
    if source is None or source == "-":
        return _read_review(None)
    if source and _exists(Path(source)):  # an empty text would be the working folder
        return _open_file(Path(source))
    if _PATH.fullmatch(source):
        raise InputError(
            f"{source}: found no such file; expected a review, a .txt file or a table (a review that looks like a path "
            "can be passed on standard input)"
        )
    return _checked(Review(source, "the review"))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a name, or with a NUL in it: a text
        return False


def _open_file(path: Path) -> Path | Review:
    expected = f"a review, a .txt file or a table ({', '.join(TABLE_SUFFIXES)})"
    if path.is_dir():
        raise InputError(f"{path}: found a folder; expected {expected}")
    if not path.is_file():
        raise InputError(f"{path}: found a pipe or device; expected {expected}")
    suffix = path.suffix.lower()
    if suffix in TABLE_SUFFIXES:
        return path
    if suffix != ".txt":
        raise InputError(f"{path}: found a file of another kind; expected {expected}")
    return _read_review(path)


def _read_review(path: Path | None) -> Review:
    from imdb_sentiment.prediction.texts import read_text

    name = "standard input" if path is None else str(path)
    return _checked(Review(read_text(path), name, path or _STANDARD_INPUT))


def _checked(review: Review) -> Review:
    from imdb_sentiment.prediction.texts import problem_of

    problem = problem_of(review.text)
    try:
        review.text.encode()
    except UnicodeEncodeError:  # Python spells an argument's other bytes as half surrogates
        problem = "bytes that are not UTF-8"
    if problem:
        raise InputError(f"{review.name}: found {problem}; expected a review")
    return review


def check_output_is_not_input(option: str, output: Path, source: Path | None) -> None:
    """Raise InputError if `output` is the file `source`, also through a link."""
    with suppress(OSError):  # where one of them does not exist
        if source is not None and output.samefile(source):
            raise InputError(f"{option} {output}: found the file that is read; expected another file")
