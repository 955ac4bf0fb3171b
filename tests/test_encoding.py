"""The vocabulary and the ids: what training and prediction share."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.text.bulk_tokenization import tokenize_all
from imdb_sentiment.text.encoder import PAD_ID, SPECIAL_TOKENS, UNKNOWN_ID, TextEncoder, keep_ends
from imdb_sentiment.text.tokenization import tokenize

TEXTS = st.text(alphabet="abcdeé'!. \n", max_size=60)
SHARES = st.floats(0, 1)
LENGTHS = st.integers(1, 20)


def encoder(*tokens: str, max_length: int = 5, head_share: float = 0.4) -> TextEncoder:
    return TextEncoder((*SPECIAL_TOKENS, *tokens), max_length, head_share)


def learn(texts: list[str], vocabulary_size: int, max_length: int, head_share: float) -> TextEncoder:
    # In two blocks: a token's count is that of both.
    tokenized = [tokenize_all(its) for its in (texts[::2], texts[1::2])]
    return TextEncoder.learn(tokenized, vocabulary_size, max_length, head_share)


def test_the_vocabulary_is_sorted_by_frequency_then_token() -> None:
    learnt = learn(["b a c", "c b c", "a!"], vocabulary_size=6, max_length=9, head_share=0.5)
    # c three times, a and b twice, "!" once.
    assert learnt.tokens == ("<pad>", "<unknown>", "c", "a", "b", "!")
    assert learnt.vocabulary_size == 6


def test_the_vocabulary_size_includes_the_special_tokens_and_is_a_limit() -> None:
    assert learn(["c c c b b a"], 4, 9, 0.5).tokens == ("<pad>", "<unknown>", "c", "b")
    assert learn(["c c c b b a"], 99, 9, 0.5).tokens == ("<pad>", "<unknown>", "c", "b", "a")


@settings(deadline=None)
@given(st.lists(TEXTS), st.integers(3, 12), st.randoms(use_true_random=False))
def test_the_order_of_the_texts_does_not_show(texts: list[str], size: int, random: Any) -> None:
    shuffled = random.sample(texts, len(texts))
    assert learn(texts, size, 9, 0.5) == learn(shuffled, size, 9, 0.5)


@settings(deadline=None)
@given(st.lists(TEXTS), st.integers(3, 12))
def test_a_smaller_vocabulary_is_the_beginning_of_a_larger_one(texts: list[str], size: int) -> None:
    smaller = learn(texts, size, 9, 0.5).tokens
    assert learn(texts, size + 3, 9, 0.5).tokens[: len(smaller)] == smaller


def test_a_known_word_has_its_own_id_and_another_the_unknown_one() -> None:
    assert encoder("good", "film").encode("Good bad FILM") == [2, UNKNOWN_ID, 3]


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_review_is_one_unknown_token(text: str) -> None:
    assert encoder("good").encode(text) == [UNKNOWN_ID]


def test_a_review_that_says_pad_is_not_padding() -> None:
    # "<pad>" is three tokens, so that no text can spell a special one.
    learnt = learn(["<pad> <unknown>"], 20, 20, 0.5)
    assert learnt.encode("<pad>") == [learnt.tokens.index(token) for token in ("<", "pad", ">")]


def test_a_long_review_keeps_its_beginning_and_its_end() -> None:
    # 0.4 of 5 tokens: two from the beginning, three from the end.
    assert encoder(*"abcdefg").encode("a b c d e f g") == [2, 3, 6, 7, 8]


@pytest.mark.parametrize(
    ("max_length", "head_share", "kept"),
    [
        (4, 0.25, "acde"),
        (4, 0.0, "bcde"),
        (4, 1.0, "abcd"),
        (1, 0.25, "e"),
        (1, 1.0, "a"),
        (5, 0.25, "abcde"),
        (9, 0.25, "abcde"),
    ],
)
def test_the_share_divides_what_is_kept(max_length: int, head_share: float, kept: str) -> None:
    assert keep_ends(list("abcde"), max_length, head_share) == list(kept)


@settings(deadline=None)
@given(LENGTHS, st.integers(0, 20), SHARES)
def test_a_short_review_is_kept_whole(length: int, room: int, share: float) -> None:
    tokens = [str(number) for number in range(length)]
    assert keep_ends(tokens, length + room, share) == tokens


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 20), SHARES)
def test_a_beginning_and_an_end_are_kept_and_nothing_between(length: int, surplus: int, share: float) -> None:
    tokens = [str(number) for number in range(length + surplus)]
    kept = keep_ends(tokens, length, share)
    assert len(kept) == length
    head = next((place for place in range(length) if kept[place] != tokens[place]), length)
    assert kept == tokens[:head] + tokens[head + surplus :]
    assert abs(head - length * share) <= 0.5


@settings(deadline=None)
@given(st.lists(TEXTS), TEXTS, st.integers(3, 12), LENGTHS, SHARES)
def test_ids_are_few_enough_never_none_and_in_the_vocabulary(
    texts: list[str], text: str, size: int, max_length: int, share: float
) -> None:
    learnt = learn(texts, size, max_length, share)
    ids = learnt.encode(text)
    assert 1 <= len(ids) <= max_length
    assert all(UNKNOWN_ID <= index < learnt.vocabulary_size for index in ids)
    assert PAD_ID not in ids


@settings(deadline=None)
@given(TEXTS.filter(tokenize))
def test_the_ids_of_a_short_known_text_spell_it(text: str) -> None:
    learnt = learn([text], 100, 100, 0.5)
    assert [learnt.tokens[index] for index in learnt.encode(text)] == tokenize(text)


@settings(deadline=None)
@given(st.lists(st.text(max_size=30)), st.integers(3, 12), LENGTHS, SHARES)
def test_an_encoder_saved_and_loaded_is_equal(texts: list[str], size: int, max_length: int, share: float) -> None:
    learnt = learn(texts, size, max_length, share)
    # No tmp_path: hypothesis runs one test many times, and that folder would be shared.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocabulary.json"
        learnt.save(path)
        assert TextEncoder.load(path) == learnt


def test_the_file_is_the_same_to_the_byte_each_time(tmp_path: Path) -> None:
    for name, texts in (("one.json", ["one two", "two été"]), ("two.json", ["two été", "one two"])):
        learn(texts, 9, 7, 0.25).save(tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert "été" in (tmp_path / "one.json").read_text(encoding="utf-8")


GOOD = {"format": 1, "max_length": 5, "head_share": 0.4, "tokens": [*SPECIAL_TOKENS, "good"]}


def test_the_file_that_the_next_tests_break_is_whole(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.json").write_text(json.dumps(GOOD))
    assert TextEncoder.load(tmp_path / "vocabulary.json") == encoder("good")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"format": 2}, "format 2"),
        ({"format": None}, "format None"),
        ({"tokens": None}, "tokens"),
        ({"tokens": "good"}, "tokens"),
        ({"tokens": []}, "tokens"),
        ({"tokens": ["<unknown>", "<pad>", "good"]}, "tokens"),
        ({"tokens": [*SPECIAL_TOKENS, "good", "good"]}, "tokens"),
        ({"tokens": [*SPECIAL_TOKENS, 3]}, "tokens"),
        ({"tokens": [*SPECIAL_TOKENS, ["good"]]}, "tokens"),
        ({"max_length": 0}, "max_length 0"),
        ({"max_length": -5}, "max_length -5"),
        ({"max_length": 5.0}, "max_length 5.0"),
        ({"max_length": "5"}, "max_length '5'"),
        ({"head_share": None}, "head_share None"),
        ({"head_share": "0.4"}, "head_share '0.4'"),
        ({"head_share": 1.5}, "head_share 1.5"),
        ({"head_share": -0.5}, "head_share -0.5"),
        ({"head_share": float("nan")}, "head_share nan"),
    ],
)
def test_a_file_that_is_no_encoder_is_refused(tmp_path: Path, changes: dict[str, Any], found: str) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps({**GOOD, **changes}))
    with pytest.raises(ArtifactError) as caught:
        TextEncoder.load(path)
    assert str(caught.value).startswith(f"{path}: found ")
    assert found in str(caught.value)
