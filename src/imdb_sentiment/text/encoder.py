"""The one path from text to token ids, for training and for prediction alike."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.files import read_json, write_json
from imdb_sentiment.runtime.threads import map_in_threads
from imdb_sentiment.text.bulk_tokenization import TokenizedTexts, count_tokens, in_blocks, tokenize_all
from imdb_sentiment.text.tokenization import tokenize

PAD_ID: Final = 0
UNKNOWN_ID: Final = 1
SPECIAL_TOKENS: Final = ("<pad>", "<unknown>")
FORMAT: Final = 1
Token = TypeVar("Token", str, int)


@dataclass(frozen=True)
class TextEncoder:
    """Turns a review into at most `max_length` token ids.

    `tokens[i]` is the token of id i, the special tokens first. A longer review keeps its beginning and its end, where
    opinions stand: `head_share` of `max_length` from its beginning, the rest from its end.
    """

    tokens: tuple[str, ...]
    max_length: int
    head_share: float

    @classmethod
    def learn(
        cls, tokenized: Iterable[TokenizedTexts], vocabulary_size: int, max_length: int, head_share: float
    ) -> "TextEncoder":
        """Return the encoder of the `vocabulary_size` most frequent tokens of some texts, the special ones included.

        Sorted by (-frequency, token), so that the order of the texts does not show and a smaller vocabulary is a
        prefix of a larger one.
        """
        wanted = vocabulary_size - len(SPECIAL_TOKENS)
        counts = count_tokens(tokenized, wanted)
        frequent = sorted(counts, key=lambda token: (-counts[token], token))
        return cls(SPECIAL_TOKENS + tuple(frequent[:wanted]), max_length, head_share)

    @property
    def vocabulary_size(self) -> int:
        """The number of ids, the special ones included."""
        return len(self.tokens)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.tokens) if index >= len(SPECIAL_TOKENS)}

    def encode(self, text: str) -> list[int]:
        """Return at most `max_length` token ids of `text`, at least one: an empty review is one unknown token."""
        return keep_ends(self.token_ids(text), self.max_length, self.head_share) or [UNKNOWN_ID]

    def token_ids(self, text: str) -> list[int]:
        """Return the ids of all tokens of `text`, however many."""
        return [self._ids.get(token, UNKNOWN_ID) for token in tokenize(text)]

    def encode_all(self, texts: Iterable[str]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return what `encode` gives for each of `texts`, padded: `token_ids int32 [B, T]` and `lengths int32 [B]`.

        T is `max_length`. Many times as fast as `encode` for many texts, and slower for one.
        """
        return self.encode_tokens(map_in_threads(tokenize_all, in_blocks(texts)))

    def encode_tokens(self, tokenized: Iterable[TokenizedTexts]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Do as `encode_all`, with texts that are tokenized."""
        none = np.zeros((0, self.max_length), np.int32), np.zeros(0, np.int32)
        vocabulary = self._arrow_tokens()

        def encode(its: TokenizedTexts) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
            ids = its.ids(vocabulary, UNKNOWN_ID)
            return _pad_and_keep_ends(ids, its.lengths, self.max_length, self.head_share)

        padded, lengths = zip(none, *map_in_threads(encode, tokenized), strict=True)
        return np.concatenate(padded), np.concatenate(lengths)

    def token_ids_of_all(self, texts: Iterable[str]) -> list[NDArray[np.int32]]:
        """Return what `token_ids` gives for each of `texts`, as arrays."""
        vocabulary = self._arrow_tokens()
        found = []
        for its in map_in_threads(tokenize_all, in_blocks(texts)):
            found += np.split(its.ids(vocabulary, UNKNOWN_ID), np.cumsum(its.lengths)[:-1])
        return found

    def _arrow_tokens(self) -> Any:
        import pyarrow as pa

        return pa.array(self.tokens, pa.string())

    def save(self, path: Path) -> None:
        """Write the encoder to the JSON file `path`."""
        content = {"format": FORMAT, "max_length": self.max_length, "head_share": self.head_share}
        write_json({**content, "tokens": self.tokens}, path)

    @classmethod
    def load(cls, path: Path) -> "TextEncoder":
        """Read what `save` wrote. Raises ArtifactError."""
        content = read_json(path)
        if content.get("format") != FORMAT:
            raise ArtifactError(path, f"format {content.get('format')!r}", f"format {FORMAT}")
        tokens, max_length, head_share = (content.get(key) for key in ("tokens", "max_length", "head_share"))
        if not isinstance(tokens, list) or not _is_vocabulary(tokens):
            raise ArtifactError(path, "tokens that are no vocabulary", f"texts, {' and '.join(SPECIAL_TOKENS)} first")
        if type(max_length) is not int or max_length < 1:
            raise ArtifactError(path, f"max_length {max_length!r}", "a whole number of at least 1")
        if not isinstance(head_share, int | float) or not 0 <= head_share <= 1:
            raise ArtifactError(path, f"head_share {head_share!r}", "a number from 0 to 1")
        return cls(tuple(tokens), max_length, float(head_share))


def keep_ends(tokens: list[Token], max_length: int, head_share: float) -> list[Token]:
    """Shorten `tokens`, or their ids, to `max_length` by leaving out the middle.

    `keep_ends(["a", "b", "c", "d", "e"], 4, 0.25) -> ["a", "c", "d", "e"]`
    """
    if len(tokens) <= max_length:
        return tokens
    head = round(max_length * head_share)
    return tokens[:head] + tokens[len(tokens) - (max_length - head) :]


def _pad_and_keep_ends(
    ids: NDArray[np.int32], lengths: NDArray[np.int64], max_length: int, head_share: float
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Do `keep_ends` and the padding for the `ids` of B texts, one after the other, at once."""
    head = round(max_length * head_share)
    is_kept = np.ones(len(ids), bool)
    ends = np.cumsum(lengths)
    for row in np.flatnonzero(lengths > max_length):
        is_kept[ends[row] - lengths[row] + head : ends[row] - (max_length - head)] = False
    kept_lengths = np.minimum(lengths, max_length)
    padded = np.full((len(lengths), max_length), PAD_ID, np.int32)
    padded[np.arange(max_length) < kept_lengths[:, None]] = ids[is_kept]
    padded[lengths == 0, 0] = UNKNOWN_ID
    return padded, np.maximum(kept_lengths, 1).astype(np.int32)


def _is_vocabulary(tokens: list[Any]) -> bool:
    return (
        tuple(tokens[: len(SPECIAL_TOKENS)]) == SPECIAL_TOKENS
        and all(isinstance(token, str) for token in tokens)
        and len(set(tokens)) == len(tokens)
    )
