"""Many texts tokenized at once: the tokens of `tokenization.tokenize`, several times as fast.

The regular expression makes a Python object of every token. Here NumPy finds where tokens begin and end in the bytes of
all the texts, and Arrow gives equal tokens the same number: a word that occurs many times is looked up once. A test
compares the two.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.runtime.threads import map_in_threads
from imdb_sentiment.text.tokenization import CURLY_APOSTROPHE, is_part_of_word

BLOCK_CHARACTERS: Final = 1_000_000  # enough to make the fixed costs small, few enough to stay in a cache
_GAP, _WORD, _MARK = range(3)
_APOSTROPHE: Final = ord("'")
# Of bytes, not of letters. A byte beyond ASCII belongs to a word: `_plain` has put spaces around other such characters.
_KINDS: Final = bytes(
    _GAP if chr(byte).isspace() and byte < 128 else _WORD if chr(byte).isalnum() or byte >= 128 else _MARK
    for byte in range(256)
)
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True)
class TokenizedTexts:
    """The tokens of B texts, one after the other, and the gaps between them.

    words: Arrow strings [W], each distinct token and gap; codes: int32 [S], the texts as a sequence of tokens and gaps,
    each an index into `words`; is_token: bool [S]; lengths: int64 [B], the number of tokens of each text.
    """

    words: Any
    codes: NDArray[np.int32]
    is_token: NDArray[np.bool_]
    lengths: NDArray[np.int64]

    def counts(self) -> NDArray[np.int64]:
        """Return how often each of `words` occurs as a token, `int64 [W]`: 0 for a gap."""
        return np.bincount(self.codes[self.is_token], minlength=len(self.words))

    def ids(self, vocabulary: Any, unknown: int) -> NDArray[np.int32]:
        """Return the index of each token in the Arrow strings `vocabulary`, or `unknown`: int32 [lengths.sum()]."""
        import pyarrow.compute as pc

        found = pc.index_in(self.words, value_set=vocabulary).fill_null(unknown)
        ids: NDArray[np.int32] = found.to_numpy(zero_copy_only=False)[self.codes[self.is_token]]
        return ids


def tokenize_all(texts: Sequence[str]) -> TokenizedTexts:
    """Return the tokens of `texts`, together less than 2 GB."""
    import pyarrow as pa

    encoded = [_plain(text) for text in texts]
    # White space around each text, so that no token spans two.
    content = b"\n".join([b"", *encoded, b""])
    characters = np.frombuffer(content, np.uint8)
    kinds = np.frombuffer(bytearray(content).translate(_KINDS), np.uint8)
    apostrophes = np.flatnonzero(characters[1:-1] == _APOSTROPHE) + 1
    is_inner = (kinds[apostrophes - 1] == _WORD) & (kinds[apostrophes + 1] == _WORD)
    kinds[apostrophes[is_inner]] = _WORD

    # A span is a word, one mark, or a gap.
    starts = np.flatnonzero(np.concatenate([[True], (kinds[1:] != kinds[:-1]) | (kinds[1:] == _MARK)]))
    offsets = np.append(starts, len(content)).astype(np.int32)
    spans = pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(content))
    encoded_spans = spans.dictionary_encode()
    is_token = kinds[starts] != _GAP
    ends = np.cumsum([len(text) + 1 for text in encoded], dtype=np.int64)
    tokens_before = np.cumsum(is_token)[np.searchsorted(starts, ends) - 1]
    return TokenizedTexts(
        encoded_spans.dictionary, encoded_spans.indices.to_numpy(), is_token, np.diff(tokens_before, prepend=0)
    )


def count_tokens(tokenized: Iterable[TokenizedTexts], most: int) -> dict[str, int]:
    """Return the counts of the `most` most frequent tokens, and of others that are as frequent as the last of them."""
    import pyarrow as pa

    counted = list(map_in_threads(lambda block: (block.words, block.counts()), tokenized))
    words = pa.chunked_array([words for words, _ in counted], pa.string()).combine_chunks().dictionary_encode()
    counts = np.zeros(len(words.dictionary), np.int64)
    block_counts = [block_counts for _, block_counts in counted]
    np.add.at(counts, words.indices.to_numpy(), np.concatenate([np.zeros(0, np.int64), *block_counts]))
    least = np.partition(counts, -most)[-most] if most < len(counts) else 0
    is_frequent = counts >= max(1, least)
    frequent = words.dictionary.filter(pa.array(is_frequent))
    return dict(zip(frequent.to_pylist(), counts[is_frequent].tolist(), strict=True))


def in_blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield `texts` in lists that end with the text that brings them to BLOCK_CHARACTERS."""
    block: list[str] = []
    size = 0
    for text in texts:
        block.append(text)
        size += len(text)
        if size >= BLOCK_CHARACTERS:
            yield block
            block, size = [], 0
    if block:
        yield block


def _plain(text: str) -> bytes:
    """Return `text` in lower case, with spaces around each character that is neither ASCII nor part of a word."""
    text = text.lower()
    if not text.isascii():
        text = _FOREIGN.sub(lambda match: _with_spaces(match[0]), text)
    # Half of a surrogate pair, which JSON can spell, becomes an unknown token.
    return text.encode("utf-8", errors="surrogatepass")


@cache
def _with_spaces(character: str) -> str:
    if character == CURLY_APOSTROPHE:
        return "'"
    if character.isspace():
        return " "
    return character if is_part_of_word(character) else f" {character} "
