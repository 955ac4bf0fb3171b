"""Which texts are reviews, and reading one from a file or standard input."""

import io
import sys
from pathlib import Path

import pytest

from imdb_sentiment.prediction.texts import MAX_CHARACTERS, problem_of, read_text
from imdb_sentiment.runtime.errors import InputError


@pytest.mark.parametrize("text", ["Good", " a ", "é" * MAX_CHARACTERS, "\N{GRINNING FACE}"])
def test_a_text_with_something_in_it_is_a_review(text: str) -> None:
    assert problem_of(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no text"),
        (3, "int 3"),
        ("", "an empty text"),
        (" \n\u3000", "an empty text"),
        ("a\0b", "a NUL byte"),
        ("x" * (MAX_CHARACTERS + 1), "1,000,001 characters"),
    ],
)
def test_what_is_no_review_is_named(text: object, said: str) -> None:
    assert said in str(problem_of(text))


def test_a_file_and_standard_input_are_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\xef\xbb\xbfCaf\xc3\xa9\n"
    (tmp_path / "review.txt").write_bytes(content)
    assert read_text(tmp_path / "review.txt") == "Café\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_text(None) == "Café\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"na\xefve", "bytes that are not UTF-8 at 2"), (b"x" * (4 * MAX_CHARACTERS + 1), "more than 4,000,000 bytes")],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "review.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"review.txt: found {said}"):
        read_text(path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    with pytest.raises(InputError, match=f"standard input: found {said}"):
        read_text(None)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.txt: found what cannot be read"):
        read_text(tmp_path / "nothing.txt")
