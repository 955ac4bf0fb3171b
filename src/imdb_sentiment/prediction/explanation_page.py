"""An explanation to look at: the words coloured in the terminal, and as a page for a browser."""

import html
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from imdb_sentiment.artifacts.labels import LABEL_NAMES, describe
from imdb_sentiment.prediction.explanation import Explanation

if TYPE_CHECKING:
    from rich.text import Text

STRONGEST: Final = 12  # words in the table below the text
_LEVELS: Final = 4  # shades; the weakest words have none
# Blue and orange are told apart by the colour-blind, too. From the weakest to the strongest, each with dark letters.
_SHADES: Final = {
    "positive": ("#dbeafe", "#b3d4fc", "#7fb8f9", "#4b9bf5"),
    "negative": ("#ffe8cc", "#ffd199", "#ffb35c", "#fb9326"),
}
_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1c1c; --faint: #666; --line: #ddd; }
@media (prefers-color-scheme: dark) { :root { --paper: #17191c; --ink: #e6e6e6; --faint: #9a9a9a; --line: #3a3d42; } }
body { background: var(--paper); color: var(--ink); font: 1.05rem/1.9 system-ui, sans-serif; margin: 2rem auto;
  max-width: 46rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; line-height: 1.3; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.review { overflow-wrap: anywhere; white-space: pre-wrap; }
.unread, .note { color: var(--faint); }
.note { font-size: .9rem; line-height: 1.5; }
table { border-collapse: collapse; } th, td { border-bottom: 1px solid var(--line); padding: .1rem 1rem .1rem 0;
  text-align: left; } td:last-child { font-variant-numeric: tabular-nums; text-align: right; }
"""


# Of `marked_words`, for the style sheet of its page.
COLOURS: Final = "mark { border-radius: .2em; color: #1c1c1c; padding: .1em .15em; }\n" + "".join(
    f".{label}{level} {{ background: {shade}; }}\n"
    for label, its in _SHADES.items()
    for level, shade in enumerate(its, 1)
)


def render_text(explanation: Explanation) -> "Text":
    """Return the review with its words coloured, for `rich`."""
    from rich.text import Text

    shown = Text()
    for piece, label, level, is_read in _pieces(explanation):
        if level:
            shown.append(piece, style=f"black on {_SHADES[label][level - 1]}")
        else:
            shown.append(piece, style="" if is_read else "dim")
    return shown


def render_page(explanation: Explanation) -> str:
    """Return a page of HTML that needs nothing else: the review with its words coloured, and the strongest of them."""
    rows = "".join(
        f"<tr><td>{html.escape(word)}</td><td>{_label(contribution)}</td><td>{contribution:+.2f}</td></tr>"
        for word, contribution in explanation.strongest(STRONGEST)
    )
    headline = describe(explanation.probability)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{headline}</title>
<style>{_STYLE}{COLOURS}</style>
</head>
<body>
<h1>{headline}</h1>
<p class="review">{marked_words(explanation)}</p>
<p class="note">Blue words speak for a positive review, <mark class="positive3">like this</mark>, orange ones for a
negative one, <mark class="negative3">like this</mark>; the stronger the colour, the more. Faint words, in the middle
of a long review, were not read.</p>
<h2>The words that counted most</h2>
<table>
<thead><tr><th scope="col">word</th><th scope="col">speaks for</th><th scope="col">log-odds</th></tr></thead>
<tbody>{rows}</tbody>
</table>
<p class="note">By how much the log-odds of a positive review fall when the word is taken out and the rest read again
(erasure; Li, Monroe, Jurafsky 2016).</p>
</body>
</html>
"""


def marked_words(explanation: Explanation) -> str:
    """Return the review as HTML, its words marked with classes that COLOURS has the colours of."""
    return "".join(_marked(*its) for its in _pieces(explanation))


def _marked(piece: str, label: str, level: int, is_read: bool) -> str:
    escaped = html.escape(piece)
    if level:
        return f'<mark class="{label}{level}">{escaped}</mark>'
    return escaped if is_read else f'<span class="unread">{escaped}</span>'


def _pieces(explanation: Explanation) -> Iterator[tuple[str, str, int, bool]]:
    """Yield the text piece by piece: it, the label it speaks for, its shade from 0 to _LEVELS, whether it was read."""
    text = explanation.text
    level = _leveller(explanation)
    at = 0
    for word in explanation.words:
        yield text[at : word.start], "", 0, True
        contribution = word.contribution
        yield text[word.start : word.end], _label(contribution or 0), level(contribution or 0), contribution is not None
        at = word.end
    yield text[at:], "", 0, True


def _leveller(explanation: Explanation) -> Callable[[float], int]:
    largest = max((abs(its.contribution or 0) for its in explanation.words), default=0) or 1.0
    return lambda contribution: round(_LEVELS * min(abs(contribution) / largest, 1))


def _label(contribution: float) -> str:
    return LABEL_NAMES[int(contribution >= 0)]
