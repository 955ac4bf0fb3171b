"""Cleaning takes out what the web page put in, and leaves what the writer wrote."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment.text.cleaning import clean_text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Good.<br /><br />Bad &amp; ugly.", "Good. Bad & ugly."),
        ("one<br>two<BR/>three<br  />four", "one two three four"),
        ("<i>never</i> <b>ever</b> <em>once</em> <u>more</u>", "never ever once more"),
        ("<p>Para</p><hr><spoiler>He dies</spoiler>", "Para He dies"),
        ("<strong>no</STRONG>", "no"),
    ],
)
def test_markup_becomes_a_space(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@pytest.mark.parametrize("text", ["I <3 it", "<sigh> again", "5 < 6 and 7 > 6", "<breathtaking>", "a <> b", "x<y>z"])
def test_other_angle_brackets_are_the_writers_own(text: str) -> None:
    assert clean_text(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("&quot;Loved&quot; it", '"Loved" it'),
        ("it&#39;s &lt;3", "it's <3"),
        ("caf&eacute;", "caf\u00e9"),
        ("one&nbsp;two", "one two"),
        ("Smith & Sons", "Smith & Sons"),
    ],
)
def test_entities_become_their_characters(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("it\x92s", "it\N{RIGHT SINGLE QUOTATION MARK}s"),
        ("\x93grand\x94", "\N{LEFT DOUBLE QUOTATION MARK}grand\N{RIGHT DOUBLE QUOTATION MARK}"),
        ("well\x97no", "well\N{EM DASH}no"),
        ("wait\x85", "wait\N{HORIZONTAL ELLIPSIS}"),
        ("5\x80", "5\N{EURO SIGN}"),
    ],
)
def test_control_characters_are_read_as_windows_1252(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@pytest.mark.parametrize("unused", ["\x81", "\x8d", "\x8f", "\x90", "\x9d"])
def test_a_code_that_windows_1252_leaves_unused_becomes_a_space(unused: str) -> None:
    assert clean_text(f"a{unused}b") == "a b"


def test_two_spellings_of_an_accented_letter_become_one() -> None:
    assert clean_text("cafe\u0301") == clean_text("caf\u00e9") == "caf\u00e9"


def test_white_space_becomes_single_spaces_between_words() -> None:
    assert clean_text("\t two\n\n words\u00a0 \u2003here \r\n") == "two words here"


@pytest.mark.parametrize("text", ["", "   ", "<br /><br />", "&nbsp;"])
def test_nothing_but_markup_and_white_space_leaves_nothing(text: str) -> None:
    assert clean_text(text) == ""


def test_case_and_punctuation_stay() -> None:
    assert clean_text("WHAT?! (No... really.)") == "WHAT?! (No... really.)"


@settings(deadline=None)
@given(st.text())
def test_what_is_left_is_words_with_single_spaces_between(text: str) -> None:
    assert re.search(r"^\s|\s$|\s\s|[^\S ]", clean_text(text)) is None


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="<&", exclude_categories=["Cs"])))
def test_clean_text_stays_as_it_is(text: str) -> None:
    # "<" and "&" are left out: `&amp;amp;` stands for the text `&amp;`, which would be read once more.
    assert clean_text(clean_text(text)) == clean_text(text)


@settings(deadline=None)
@given(st.lists(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="<&"))))
def test_plain_words_are_not_touched(words: list[str]) -> None:
    assert clean_text(" ".join(words)).split() == " ".join(words).split()


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u2003\u3000\N{ZERO WIDTH SPACE}")))
def test_white_space_is_what_split_takes_for_it(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned == " ".join(text.replace("\x85", "\N{HORIZONTAL ELLIPSIS}").split())
