"""The vocabulary: which token has which id, and how long a review may be; a JSON file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_json, write_json

PAD_ID: Final = 0
UNKNOWN_ID: Final = 1
SPECIAL_TOKENS: Final = ("<pad>", "<unknown>")
FORMAT: Final = 1


@dataclass(frozen=True)
class Vocabulary:
    """The tokens by id, the special ones first, and how a review is shortened.

    A review of more than `max_length` tokens keeps its beginning and its end, where opinions stand: `head_share` of
    `max_length` from the beginning, the rest from the end.
    """

    tokens: tuple[str, ...]
    max_length: int
    head_share: float

    @property
    def size(self) -> int:
        """The number of ids, the special tokens included."""
        return len(self.tokens)

    def save(self, path: Path) -> None:
        """Write the vocabulary to the JSON file `path`."""
        content = {"format": FORMAT, "max_length": self.max_length, "head_share": self.head_share}
        write_json({**content, "tokens": self.tokens}, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote. Raises ArtifactError."""
        content = read_json(path)
        if content.get("format") != FORMAT:
            raise ArtifactError(path, f"format {content.get('format')!r}", f"format {FORMAT}")
        tokens, max_length, head_share = (content.get(key) for key in ("tokens", "max_length", "head_share"))
        if not isinstance(tokens, list) or not _are_tokens(tokens):
            expected = f"distinct texts, {' and '.join(SPECIAL_TOKENS)} first"
            raise ArtifactError(path, "tokens that are not a vocabulary", expected)
        if type(max_length) is not int or max_length < 1:
            raise ArtifactError(path, f"max_length {max_length!r}", "a whole number of at least 1")
        if not isinstance(head_share, int | float) or not 0 <= head_share <= 1:
            raise ArtifactError(path, f"head_share {head_share!r}", "a number from 0 to 1")
        return cls(tuple(tokens), max_length, float(head_share))


def _are_tokens(tokens: list[Any]) -> bool:
    return (
        tuple(tokens[: len(SPECIAL_TOKENS)]) == SPECIAL_TOKENS
        and all(isinstance(token, str) for token in tokens)
        and len(set(tokens)) == len(tokens)
    )
