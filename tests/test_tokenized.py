"""Many texts at once have the tokens that each has alone."""

from collections import Counter
from itertools import accumulate, pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.text import bulk_tokenization as tokenized
from imdb_sentiment.text.bulk_tokenization import count_tokens, in_blocks, tokenize_all
from imdb_sentiment.text.encoder import UNKNOWN_ID, TextEncoder
from imdb_sentiment.text.tokenization import tokenize
from tests.test_tokenization import TEXTS

WORDS = ["a", "b", "é", "'", "!", "a'b", "_", "\u2014"]
SURROGATE = "half \ud800 of a pair"


@settings(deadline=None, max_examples=300)
@given(st.lists(TEXTS))
def test_the_tokens_are_those_of_the_regular_expression(texts: list[str]) -> None:
    found = tokenize_all(texts)
    assert found.lengths.tolist() == [len(tokenize(text)) for text in texts]
    expected = [token for text in texts for token in tokenize(text)]
    counted = zip(found.words.to_pylist(), found.counts().tolist(), strict=True)
    assert {word: count for word, count in counted if count} == Counter(expected)
    ids = found.ids(pa.array(WORDS), unknown=99).tolist()
    assert ids == [WORDS.index(token) if token in WORDS else 99 for token in expected]


@settings(deadline=None)
@given(st.lists(st.lists(TEXTS), max_size=3), st.integers(1, 9))
def test_the_most_frequent_tokens_of_several_blocks_are_counted_together(blocks: list[list[str]], most: int) -> None:
    expected = Counter(token for texts in blocks for text in texts for token in tokenize(text))
    least = min((count for _, count in expected.most_common(most)), default=0)
    found = count_tokens(map(tokenize_all, blocks), most)
    assert found == {token: count for token, count in expected.items() if count >= least}


@pytest.mark.parametrize(
    "text", ["\x1c\x85\xa0\u3000 a", "“Good”—he said…", "it\u2019s", "\x00", "İstanbul", "٣ cafés", SURROGATE]
)
def test_what_is_not_ascii_is_taken_apart_as_the_regular_expression_does(text: str) -> None:
    tokens = tokenize(text)
    vocabulary = [its for its in dict.fromkeys(tokens) if its != "\ud800"]  # Arrow's texts are UTF-8
    found = tokenize_all(["before", text, "after"])
    assert found.lengths.tolist() == [1, len(tokens), 1]
    expected = [vocabulary.index(token) if token in vocabulary else -1 for token in tokens]
    assert found.ids(pa.array(vocabulary), unknown=-1).tolist() == [-1, *expected, -1]


@settings(deadline=None)
@given(st.lists(st.text(max_size=9)), st.integers(1, 20))
def test_blocks_have_every_text_once_and_end_when_full(texts: list[str], size: int) -> None:
    kept, tokenized.BLOCK_CHARACTERS = tokenized.BLOCK_CHARACTERS, size
    try:
        blocks = list(in_blocks(texts))
    finally:
        tokenized.BLOCK_CHARACTERS = kept
    assert [text for block in blocks for text in block] == texts
    assert all(sum(map(len, block[:-1])) < size for block in blocks)
    assert all(sum(map(len, block)) >= size for block in blocks[:-1])


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab é'!", max_size=40)), st.integers(1, 12), st.floats(0, 1))
def test_encoding_many_gives_what_encoding_each_gives(texts: list[str], max_length: int, head_share: float) -> None:
    encoder = TextEncoder(("<pad>", "<unknown>", "a", "b", "!"), max_length, head_share)
    encoded = [encoder.encode(text) for text in texts]
    token_ids, lengths = encoder.encode_all(texts)
    assert token_ids.shape == (len(texts), max_length)
    assert token_ids.dtype == lengths.dtype == "int32"
    assert token_ids.tolist() == pad(encoded, max_length).tolist()
    assert lengths.tolist() == [len(ids) for ids in encoded]
    assert [its.tolist() for its in encoder.token_ids_of_all(texts)] == [encoder.token_ids(text) for text in texts]


def test_encoding_many_keeps_the_order_over_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenized, "BLOCK_CHARACTERS", 5)
    encoder = TextEncoder(("<pad>", "<unknown>", *map(str, range(100))), 3, 0.5)
    texts = [f"{number} {number}" for number in range(100)]
    token_ids, lengths = encoder.encode_all(texts)
    assert token_ids[:, :2].tolist() == [[number + 2] * 2 for number in range(100)]
    assert set(lengths.tolist()) == {2}
    empty, none = encoder.encode_all([])
    assert (empty.shape, none.shape) == ((0, 3), (0,))
    assert encoder.encode_all([""])[0].tolist() == [[UNKNOWN_ID, 0, 0]]


@given(TEXTS)
def test_the_spans_are_where_the_tokens_stand(text: str) -> None:
    from imdb_sentiment.text.tokenization import token_spans

    spans = token_spans(text)
    assert len(spans) == len(tokenize(text))
    assert all(start < end for start, end in spans)
    ends = list(accumulate((end for _, end in spans), max))
    assert all(
        before <= start or text[start:before] == "İ" for before, (start, _) in zip(ends, spans[1:], strict=False)
    )
    assert all(one <= other for (one, _), (other, _) in pairwise(spans))
    if "İ" not in text:  # its small letter is a letter and a mark, two tokens
        assert [tokenize(text[start:end]) for start, end in spans] == [[token] for token in tokenize(text)]
