"""From a review's text to its token ids: cleaning, tokens, and the encoder."""

import re
import time
import unicodedata
from collections import Counter
from itertools import pairwise
from random import Random

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.artifacts.vocabulary import PAD_ID, SPECIAL_TOKENS, UNKNOWN_ID
from imdb_sentiment.text import bulk_tokenization
from imdb_sentiment.text.bulk_tokenization import count_tokens, in_blocks, tokenize_all
from imdb_sentiment.text.cleaning import MOST_MARKS, clean_text
from imdb_sentiment.text.encoder import TextEncoder, keep_ends
from imdb_sentiment.text.tokenization import is_part_of_word, token_spans, tokenize

# Ordinary text rarely comes out of all of Unicode by chance: letters, apostrophes and marks close together do more.
TEXTS = st.one_of(st.text(), st.text(alphabet="aBé'_-!. \n\u20199\u0130\u0301\u0915\u093f"))
SHORT_TEXTS = st.text(alphabet="abcdeé'!. \n", max_size=60)
SHARES = st.floats(0, 1)
LENGTHS = st.integers(1, 20)
SURROGATE = "half \ud800 of a pair"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Good.<br /><br />Bad &amp; ugly.", "Good. Bad & ugly."),
        ("one<br>two<BR/>three<br  />four", "one two three four"),
        ("<i>never</i> <b>ever</b> <em>once</em> <u>more</u>", "never ever once more"),
        ("<p>Para</p><hr><spoiler>He dies</spoiler>", "Para He dies"),
        ("&quot;Loved&quot; it", '"Loved" it'),
        ("it&#39;s &lt;3", "it's <3"),
        ("caf&eacute;", "caf\u00e9"),
        ("one&nbsp;two", "one two"),
        ("it\x92s", "it\N{RIGHT SINGLE QUOTATION MARK}s"),
        ("well\x97no", "well\N{EM DASH}no"),
        ("a\x81b\x9dc", "a b c"),  # Windows-1252 leaves these codes unused
        ("cafe\u0301", "caf\u00e9"),
        ("\t two\n\n words\u00a0 \u2003here \r\n", "two words here"),
        ("<br /><br />&nbsp;", ""),
        ("", ""),
    ],
)
def test_cleaning_removes_markup_entities_and_odd_characters(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@pytest.mark.parametrize(
    "text",
    ["I <3 it", "<sigh> again", "5 < 6 and 7 > 6", "<breathtaking>", "x<y>z", "Smith & Sons", "WHAT?! (No... really.)"],
)
def test_cleaning_keeps_what_writers_type(text: str) -> None:
    assert clean_text(text) == text


def test_cleaning_removes_byte_order_marks() -> None:
    assert clean_text("\ufeffGood.\ufeff &#65279;Bad") == "Good. Bad"


@given(st.text())
def test_cleaned_text_is_words_with_single_spaces(text: str) -> None:
    assert re.search(r"^\s|\s$|\s\s|[^\S ]", clean_text(text)) is None


@given(st.text(alphabet=st.characters(exclude_characters="<&", exclude_categories=["Cs"])))
@example("a" + "\u0301\u0316" * 99)
@example("\u0f73" * 99)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    # "<" and "&" are left out: `&amp;amp;` stands for the text `&amp;`, which would be read once more.
    assert clean_text(clean_text(text)) == clean_text(text)


@given(st.text(alphabet=st.sampled_from("ab \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u2003\u3000\N{ZERO WIDTH SPACE}")))
def test_cleaning_takes_for_white_space_what_split_does(text: str) -> None:
    assert clean_text(text) == " ".join(text.replace("\x85", "\N{HORIZONTAL ELLIPSIS}").split())


@pytest.mark.parametrize("digits", ["9" * 5000, "0" * 5000 + "65"])
def test_cleaning_survives_entities_of_thousands_of_digits(digits: str) -> None:
    assert clean_text(f"Good &#{digits}; film") == "Good \N{REPLACEMENT CHARACTER} film"


def test_a_letter_keeps_at_most_30_combining_marks() -> None:
    marks = "\u0316" * 10 + "\u0323" * 90
    assert clean_text(f"a{marks}b") == unicodedata.normalize("NFC", f"a{marks[:MOST_MARKS]}b")
    assert clean_text("\N{EM DASH}" * 99) == "\N{EM DASH}" * 99


# What expressions, entities, case and normalization could take more than linear time for.
PARTS = (*"a\u0301\u0316\u0f73\u1100 9;&<>/\n\u03a3'", "&#9", "&#x", "amp", "br")


@settings(max_examples=20)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("".join))
@example("\u0301\u0316")
@example("&#9")
def test_cleaning_and_tokenizing_take_time_in_proportion_to_the_length(unit: str) -> None:
    """Time of the processor, which a busy machine does not change; in quadratic time these take minutes."""
    for text in (unit * (100_000 // len(unit)), f"&#{unit * 1000}" * (100 // len(unit)), "a" + unit[-1] * 100_000):
        start = time.process_time()
        tokenize(clean_text(text))
        assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I don't like it!", ["i", "don't", "like", "it", "!"]),
        (" \n\t", []),
        ("'tis the boys' film", ["'", "tis", "the", "boys", "'", "film"]),
        ("fo'c's'le a''b", ["fo'c's'le", "a", "'", "'", "b"]),
        ("what?!...", ["what", "?", "!", ".", ".", "."]),
        ("snake_case __", ["snake", "_", "case", "_", "_"]),
        ("8/10 in 1999", ["8", "/", "10", "in", "1999"]),
        ("café NAÏVE", ["café", "naïve"]),
        ("<pad> <unknown>", ["<", "pad", ">", "<", "unknown", ">"]),
        ("don\N{RIGHT SINGLE QUOTATION MARK}t", ["don't"]),
        ("Отличный фильм!", ["отличный", "фильм", "!"]),
        ("यह फ़िल्म अच्छी है।", ["यह", "फ़िल्म", "अच्छी", "है", "।"]),  # vowels are marks
        ("שָׁלוֹם, סֶרֶט", ["שָׁלוֹם", ",", "סֶרֶט"]),
    ],
)
def test_tokens_are_words_and_punctuation_marks(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


@given(TEXTS)
def test_tokens_contain_every_character_but_white_space(text: str) -> None:
    tokens = tokenize(text)
    assert "".join(tokens) == "".join(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    assert tokenize(" ".join(tokens)) == tokens
    assert all(len(token) == 1 or all(map(is_part_of_word, token.replace("'", ""))) for token in tokens)


@given(TEXTS)
def test_token_spans_are_where_the_tokens_stand(text: str) -> None:
    spans = token_spans(text)
    assert len(spans) == len(tokenize(text))
    assert all(start < end for start, end in spans)
    assert all(one <= other for (one, _), (other, _) in pairwise(spans))
    if "İ" not in text:  # its small letter is two characters
        assert [tokenize(text[start:end]) for start, end in spans] == [[token] for token in tokenize(text)]


@given(st.lists(TEXTS))
@example(["before", "\x1c\x85\xa0\u3000 a", "“Good”—he said…", "it\u2019s", "\x00", "İstanbul", "٣ cafés", "after"])
def test_bulk_tokenization_gives_the_same_tokens(texts: list[str]) -> None:
    words = ["a", "b", "é", "'", "!", "a'b", "_", "\u2014"]
    expected = [token for text in texts for token in tokenize(text)]
    found = tokenize_all(texts)
    assert found.lengths.tolist() == [len(tokenize(text)) for text in texts]
    counted = zip(found.words.to_pylist(), found.counts().tolist(), strict=True)
    assert {word: count for word, count in counted if count} == Counter(expected)
    assert found.ids(pa.array(words), unknown=99).tolist() == [
        words.index(token) if token in words else 99 for token in expected
    ]


def test_bulk_tokenization_takes_half_a_surrogate_pair_for_an_unknown_token() -> None:
    found = tokenize_all([SURROGATE])
    assert found.ids(pa.array(["half", "of", "a", "pair"]), unknown=9).tolist() == [0, 9, 1, 2, 3]
    assert tokenize(SURROGATE) == ["half", "\ud800", "of", "a", "pair"]


@given(st.lists(st.lists(TEXTS), max_size=3), st.integers(1, 9))
def test_frequent_tokens_are_counted_over_all_blocks(blocks: list[list[str]], most: int) -> None:
    expected = Counter(token for texts in blocks for text in texts for token in tokenize(text))
    least = min((count for _, count in expected.most_common(most)), default=0)
    found = count_tokens(map(tokenize_all, blocks), most)
    assert found == {token: count for token, count in expected.items() if count >= least}


def test_blocks_have_every_text_once_and_end_when_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_tokenization, "BLOCK_CHARACTERS", 5)
    blocks = list(in_blocks(["ab", "cd", "e", "", "fghijkl", "m"]))
    assert blocks == [["ab", "cd", "e"], ["", "fghijkl"], ["m"]]
    encoder = TextEncoder((*SPECIAL_TOKENS, *map(str, range(100))), 3, 0.5)
    token_ids, _ = encoder.encode_all(f"{number} {number}" for number in range(100))
    assert token_ids[:, :2].tolist() == [[number + 2] * 2 for number in range(100)]
    assert [array.shape for array in encoder.encode_all([])] == [(0, 3), (0,)]


def create_encoder(*tokens: str, max_length: int = 5, head_share: float = 0.4) -> TextEncoder:
    return TextEncoder((*SPECIAL_TOKENS, *tokens), max_length, head_share)


def learn(texts: list[str], vocabulary_size: int, max_length: int = 9, head_share: float = 0.5) -> TextEncoder:
    # In two blocks: a token's count is that of both.
    tokenized = [tokenize_all(block) for block in (texts[::2], texts[1::2])]
    return TextEncoder.learn(tokenized, vocabulary_size, max_length, head_share)


def test_the_vocabulary_is_sorted_by_frequency_then_token() -> None:
    texts = ["b a c", "c b c", "a!"]  # c three times, a and b twice, "!" once
    assert learn(texts, 99).tokens == ("<pad>", "<unknown>", "c", "a", "b", "!")
    assert learn(texts, 4).tokens == ("<pad>", "<unknown>", "c", "a")
    assert learn(texts, 4).size == 4


@given(st.lists(SHORT_TEXTS), st.integers(3, 12), st.randoms(use_true_random=False))
def test_the_vocabulary_does_not_depend_on_the_order_of_the_texts(texts: list[str], size: int, random: Random) -> None:
    smaller = learn(texts, size)
    assert learn(random.sample(texts, len(texts)), size) == smaller
    assert learn(texts, size + 3).tokens[: smaller.size] == smaller.tokens


def test_encoding_gives_known_words_their_ids() -> None:
    assert create_encoder("good", "film").encode("Good bad FILM") == [2, UNKNOWN_ID, 3]
    assert create_encoder("good").encode(" \n") == [UNKNOWN_ID]
    # 0.4 of 5 tokens: two from the beginning, three from the end.
    assert create_encoder(*"abcdefg").encode("a b c d e f g") == [2, 3, 6, 7, 8]


def test_no_text_spells_a_special_token() -> None:
    encoder = learn(["<pad> <unknown>"], 20)
    assert encoder.encode("<pad>") == [encoder.tokens.index(token) for token in ("<", "pad", ">")]


@pytest.mark.parametrize(
    ("max_length", "head_share", "kept"),
    [(4, 0.25, "acde"), (4, 0.0, "bcde"), (4, 1.0, "abcd"), (1, 0.25, "e"), (1, 1.0, "a"), (5, 0.25, "abcde")],
)
def test_long_reviews_keep_a_share_of_each_end(max_length: int, head_share: float, kept: str) -> None:
    assert keep_ends(list("abcde"), max_length, head_share) == list(kept)


@given(LENGTHS, st.integers(1, 20), SHARES)
def test_shortening_leaves_out_the_middle(length: int, surplus: int, share: float) -> None:
    tokens = [str(number) for number in range(length + surplus)]
    kept = keep_ends(tokens, length, share)
    head = next((place for place in range(length) if kept[place] != tokens[place]), length)
    assert kept == tokens[:head] + tokens[head + surplus :]
    assert abs(head - length * share) <= 0.5
    assert keep_ends(kept, length, share) == kept


@given(st.lists(SHORT_TEXTS), SHORT_TEXTS, st.integers(3, 12), LENGTHS, SHARES)
def test_ids_are_in_the_vocabulary_and_at_most_the_maximal_length(
    texts: list[str], text: str, size: int, max_length: int, share: float
) -> None:
    encoder = learn(texts, size, max_length, share)
    ids = encoder.encode(text)
    assert 1 <= len(ids) <= max_length
    assert all(PAD_ID < index < encoder.size for index in ids)


@given(st.lists(st.text(alphabet="ab é'!", max_size=40)), st.integers(1, 12), SHARES)
def test_encoding_many_texts_gives_what_encoding_each_gives(texts: list[str], length: int, head_share: float) -> None:
    encoder = create_encoder("a", "b", "!", max_length=length, head_share=head_share)
    encoded = [encoder.encode(text) for text in texts]
    token_ids, lengths = encoder.encode_all(texts)
    assert token_ids.dtype == lengths.dtype == "int32"
    assert token_ids.tolist() == pad(encoded, length).tolist()
    assert lengths.tolist() == [len(ids) for ids in encoded]
    assert [ids.tolist() for ids in encoder.token_ids_of_all(texts)] == [encoder.token_ids(text) for text in texts]
