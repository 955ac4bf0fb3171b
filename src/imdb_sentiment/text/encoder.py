"""From texts to token ids: one path for training and for prediction."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.artifacts.vocabulary import PAD_ID, SPECIAL_TOKENS, UNKNOWN_ID, Vocabulary
from imdb_sentiment.runtime.extras import has_arrow
from imdb_sentiment.runtime.threads import map_in_threads
from imdb_sentiment.text.bulk_tokenization import TokenizedTexts, count_tokens, in_blocks, tokenize_all
from imdb_sentiment.text.tokenization import tokenize

Token = TypeVar("Token", str, int)


@dataclass(frozen=True)
class TextEncoder(Vocabulary):
    """A vocabulary that turns reviews into token ids."""

    @classmethod
    def learn(
        cls, tokenized: Iterable[TokenizedTexts], vocabulary_size: int, max_length: int, head_share: float
    ) -> Self:
        """Return the encoder with the `vocabulary_size` most frequent tokens, the special ones included.

        Sorted by (-frequency, token): the order of the texts has no effect, and a smaller vocabulary is a prefix of a
        larger one.
        """
        wanted = vocabulary_size - len(SPECIAL_TOKENS)
        counts = count_tokens(tokenized, wanted)
        frequent = sorted(counts, key=lambda token: (-counts[token], token))
        return cls(SPECIAL_TOKENS + tuple(frequent[:wanted]), max_length, head_share)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.tokens) if index >= len(SPECIAL_TOKENS)}

    def encode(self, text: str) -> list[int]:
        """Return at most `max_length` token ids of `text`, at least one: an empty text is one unknown token."""
        return keep_ends(self.token_ids(text), self.max_length, self.head_share) or [UNKNOWN_ID]

    def token_ids(self, text: str) -> list[int]:
        """Return the ids of all tokens of `text`, however many."""
        return [self._ids.get(token, UNKNOWN_ID) for token in tokenize(text)]

    def encode_all(
        self, texts: Iterable[str], threads: int | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return what `encode` gives for each of `texts`, padded: `token_ids int32 [B, T]` and `lengths int32 [B]`.

        T is `max_length`. Several times as fast as `encode` for many texts, and slower for one; without PyArrow, as
        slow. `threads`: as `map_in_threads` has it.
        """
        if not has_arrow():
            encoded = [self.encode(text) for text in texts]
            return pad(encoded, self.max_length), np.array([len(ids) for ids in encoded], np.int32)
        return self.encode_tokens(map_in_threads(tokenize_all, in_blocks(texts), threads), threads)

    def encode_tokens(
        self, tokenized: Iterable[TokenizedTexts], threads: int | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return what `encode_all` returns, for texts that are tokenized already."""
        none = np.zeros((0, self.max_length), np.int32), np.zeros(0, np.int32)
        vocabulary = self._arrow_tokens()

        def encode(block: TokenizedTexts) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
            ids = block.ids(vocabulary, UNKNOWN_ID)
            return _pad_and_keep_ends(ids, block.lengths, self.max_length, self.head_share)

        padded, lengths = zip(none, *map_in_threads(encode, tokenized, threads), strict=True)
        return np.concatenate(padded), np.concatenate(lengths)

    def token_ids_of_all(self, texts: Iterable[str]) -> list[NDArray[np.int32]]:
        """Return what `token_ids` gives for each of `texts`, as arrays."""
        vocabulary = self._arrow_tokens()
        found = []
        for block in map_in_threads(tokenize_all, in_blocks(texts)):
            found += np.split(block.ids(vocabulary, UNKNOWN_ID), np.cumsum(block.lengths)[:-1])
        return found

    def _arrow_tokens(self) -> Any:
        import pyarrow as pa

        return pa.array(self.tokens, pa.string())


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
    """Apply `keep_ends` and padding to B texts at once; `ids` are those of the first text, then of the second, ..."""
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
