"""An explanation for people: coloured words in the terminal, and a page for a browser."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

from imdb_sentiment.artifacts.labels import LABEL_NAMES, describe
from imdb_sentiment.prediction.explanation import Explanation
from imdb_sentiment.runtime.console import printable

if TYPE_CHECKING:
    from rich.text import Text

STRONGEST: Final = 12  # words in the table below the text
# Blue and orange, which colour-blind readers can tell apart too. From the weakest to the strongest; the letters on them
# are dark in every colour scheme.
SHADES: Final = {
    "positive": ("#dbeafe", "#b3d4fc", "#7fb8f9", "#4b9bf5"),
    "negative": ("#ffe8cc", "#ffd199", "#ffb35c", "#fb9326"),
}
_LEVELS: Final = len(SHADES["positive"])


@dataclass(frozen=True)
class Piece:
    """A part of the review that is shown in one style.

    level: from 0 (no colour) to 4 (the strongest shade of `label`); is_read: False where the model does not read it.
    """

    text: str
    label: str = ""
    level: int = 0
    is_read: bool = True


def coloured_pieces(explanation: Explanation) -> Iterator[Piece]:
    """Yield the whole text of the review in order: its words with their colours, and what stands between them."""
    largest = max((abs(word.contribution or 0) for word in explanation.words), default=0) or 1.0
    end = 0
    for word in explanation.words:
        yield Piece(explanation.text[end : word.start])
        contribution = word.contribution or 0.0
        level = round(_LEVELS * abs(contribution) / largest)
        text = explanation.text[word.start : word.end]
        yield Piece(text, LABEL_NAMES[int(contribution >= 0)], level, word.contribution is not None)
        end = word.end
    yield Piece(explanation.text[end:])


def render_text(explanation: Explanation) -> "Text":
    """Return the review with coloured words, for `rich`; what could control a terminal is escaped."""
    from rich.text import Text

    text = Text()
    for piece in coloured_pieces(explanation):
        shown = printable(piece.text)
        if piece.level:
            text.append(shown, style=f"black on {SHADES[piece.label][piece.level - 1]}")
        else:
            text.append(shown, style="" if piece.is_read else "dim")
    return text


def render_page(explanation: Explanation) -> str:
    """Return one HTML page that needs no other file: the review with coloured words, and a table of the strongest."""
    template = template_environment("imdb_sentiment.prediction").get_template("explanation.html")
    strongest = explanation.strongest(STRONGEST)
    return template.render(headline=describe(explanation.probability), explanation=explanation, strongest=strongest)


def template_environment(*packages: str) -> Environment:
    """Return a Jinja2 environment of the packages' templates, which escapes values in `.html` files."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"coloured_pieces": coloured_pieces, "shades": SHADES}
    return environment
