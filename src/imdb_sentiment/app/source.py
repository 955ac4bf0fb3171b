"""The argument SOURCE of `predict` and `explain`: a review, a file with one, tables, or a folder of either."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand

from imdb_sentiment.runtime.errors import InputError

if TYPE_CHECKING:
    from imdb_sentiment.tables.formats import TableOptions
    from imdb_sentiment.tables.rows import Table

_ENDINGS: Final = "csv|docx?|gz|html?|jsonl?|md|ndjson|npz|onnx|parquet|pdf|pq|tab|tsv|txt|xlsx?|xz|zip|zst|bz2"
# What nobody would write as a review: "my reviews.csv", "/tmp/reviews", "./reviews", "data/reviews/".
_PATH: Final = re.compile(
    rf".{{0,250}}\.(?:{_ENDINGS})|(?:\.{{0,2}}|~|[A-Za-z]:)[/\\]\S*|\S+[/\\]", flags=re.IGNORECASE
)
_HYPHEN_TEXT: Final = re.compile(r"-[^-]|-[^=\s]*\s")
_EXPECTED: Final = "a review, a .txt file or a table (such as .csv, .jsonl or .parquet)"

_HYPHEN_HELP: Final = "A review that begins with a hyphen goes after --."
Source = Annotated[
    str | None,
    typer.Argument(
        help="A review, or a .txt file with one. Without it, or with -, a review is read from standard input. "
        f"{_HYPHEN_HELP}",
        show_default=False,
    ),
]
Sources = Annotated[
    list[str] | None,
    typer.Argument(
        help="A review, a .txt file with one, or tables of reviews (.csv, .tsv, .json, .jsonl, .parquet, also in .gz, "
        f".bz2, .xz, .zst or .zip), or a folder. Without it, or with -, standard input is read. {_HYPHEN_HELP}",
        show_default=False,
    ),
]
Model = Annotated[
    Path,
    typer.Option(help="The folder of the exported model.", envvar="IMDB_SENTIMENT_MODEL", show_envvar=True),
]
STANDARD_INPUT: Final = Path("/dev/stdin")  # the file that it is redirected from, where there is one
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


def read_review(source: str | None) -> Review:
    """Return the one review that is meant. Raises InputError for anything else."""
    found = find_source([] if source is None else [source], is_table=False)
    if not isinstance(found, Review):
        raise InputError(f"{source}: found a table or a folder; expected one review")
    return found


def find_source(sources: Sequence[str], is_table: bool) -> Review | list[Path]:
    """Return the review that is meant, or the paths of tables or of text files: none for standard input.

    `is_table`: files of any name, and standard input, are tables. Raises InputError.
    """
    if list(sources) in ([], ["-"]):
        return [] if is_table else _read_review(None)
    if len(sources) > 1:
        return _find_files(sources, is_table)
    source = sources[0]
    if source and _exists(Path(source)):  # an empty text would be the working folder
        path = Path(source)
        if path.suffix.lower() == ".txt" and path.is_file() and not is_table:
            return _read_review(path)
        return _find_files(sources, is_table)
    if _PATH.fullmatch(source) or is_table:
        raise InputError(
            f"{source}: found no such file; expected {_EXPECTED} (a review that looks like a path can be passed on "
            "standard input)"
        )
    return _checked(Review(source, "the review"))


@contextmanager
def open_tables(paths: Sequence[Path], options: "TableOptions") -> Iterator[list["Table"]]:
    """Yield the tables in the files that `find_source` returned. Raises InputError."""
    from imdb_sentiment.tables.files import spooled_standard_input
    from imdb_sentiment.tables.formats import open_table
    from imdb_sentiment.tables.text_files import TextFilesTable

    if not paths:
        with spooled_standard_input() as file:
            yield [open_table(file, options)]
    elif paths[0].suffix.lower() == ".txt" and options.format is None:
        yield [TextFilesTable(paths)]
    else:
        yield [open_table(path, options) for path in paths]


def _find_files(sources: Sequence[str], is_table: bool) -> list[Path]:
    paths = [Path(source) for source in sources]
    missing = [path for path in paths if not _exists(path)]
    if len(missing) == len(paths) and not any(_PATH.fullmatch(source) for source in sources):
        raise InputError(f"the review: found {len(paths)} arguments; expected one, in quotes")
    if missing:
        raise InputError(f"{missing[0]}: found no such file; expected {_EXPECTED}")
    files = [file for path in paths for file in (_files_in(path, is_table) if path.is_dir() else [path])]
    for file in files:
        _check_file(file, is_table)
    texts = [file for file in files if file.suffix.lower() == ".txt"]
    if not is_table and 0 < len(texts) < len(files):
        table = next(file for file in files if file not in texts)
        raise InputError(f"{texts[0]}, {table}: found a text and a table; expected files of one kind")
    return files


def _files_in(folder: Path, is_table: bool) -> list[Path]:
    """Return the tables in `folder`, or if there are none its text files."""
    from imdb_sentiment.tables.formats import has_table_name

    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if is_table:
        found = files
    else:
        found = [path for path in files if has_table_name(path.name)]
        found = found or [path for path in files if path.suffix.lower() == ".txt"]
    if not found:
        raise InputError(f"{folder}: found a folder without tables or .txt files; expected {_EXPECTED}")
    return found


def _check_file(path: Path, is_table: bool) -> None:
    from imdb_sentiment.tables.formats import has_table_name

    if not path.is_file():
        raise InputError(f"{path}: found a pipe or device; expected {_EXPECTED}")
    if not (is_table or path.suffix.lower() == ".txt" or has_table_name(path.name)):
        raise InputError(f"{path}: found a file of another kind; expected {_EXPECTED}, or --format")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a name, or with a NUL in it: a text
        return False


def _read_review(path: Path | None) -> Review:
    from imdb_sentiment.tables.texts import read_text

    name = "standard input" if path is None else str(path)
    return _checked(Review(read_text(path), name, path or STANDARD_INPUT))


def _checked(review: Review) -> Review:
    from imdb_sentiment.tables.texts import problem_of

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
