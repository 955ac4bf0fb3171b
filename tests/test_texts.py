"""Which texts can be classified, and reading one from a file or standard input."""

import io
import sys
from pathlib import Path

import pytest

from imdb_sentiment.runtime.errors import InputError
from imdb_sentiment.tables.texts import MAX_CHARACTERS, problem_of, read_text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (" é" * (MAX_CHARACTERS // 2), None),
        (None, "no text"),
        (3, "int 3"),
        (list(range(10**6)), "list [0, 1, 2, 3, 4, 5, ...]"),
        ("", "an empty text"),
        (" \n\u3000", "an empty text"),
        ("a\0b", "a NUL byte"),
        ("x" * (MAX_CHARACTERS + 1), "1,000,001 characters (a review has at most 1,000,000)"),
    ],
)
def test_problem_of_a_text_is_described(text: object, problem: str | None) -> None:
    assert problem_of(text) == problem


def test_file_and_standard_input_are_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\xef\xbb\xbfCaf\xc3\xa9\n"
    (tmp_path / "review.txt").write_bytes(content)
    assert read_text(tmp_path / "review.txt") == "Café\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_text(None) == "Café\n"


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"na\xefve", "bytes that are not UTF-8 at byte 3"), (b"x" * 4_000_001, "more than 4,000,000 bytes")],
)
def test_other_bytes_are_refused(tmp_path: Path, content: bytes, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "review.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"review.txt: found {found}; expected"):
        read_text(path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    with pytest.raises(InputError, match=f"standard input: found {found}; expected"):
        read_text(None)


def test_missing_file_and_closed_standard_input_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"nothing\.txt: found what cannot be read \(No such file"):
        read_text(tmp_path / "nothing.txt")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input: found it closed; expected a review"):
        read_text(None)
