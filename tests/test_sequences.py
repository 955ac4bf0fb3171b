"""The padded arrays: what is written comes back, and nothing that is broken gets past the reader."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment.artifacts.sequences import PARTS, Sequences, load_sequences, pad, save_sequences
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.text.encoder import PAD_ID

VOCABULARY_SIZE = 10
REAL_IDS = st.integers(1, VOCABULARY_SIZE - 1)
Arrays = dict[str, Any]


def sequences_of(rows: list[list[int]], labels: list[int], max_length: int | None = None) -> Sequences:
    """Return reviews r0, r1, ... of these token ids, padded to the longest or to `max_length`."""
    return Sequences(
        review_ids=np.array([f"r{row}" for row in range(len(rows))]),
        token_ids=pad(rows, max_length or max(len(row) for row in rows)),
        lengths=np.array([len(row) for row in rows], np.int32),
        labels=np.array(labels, np.int8),
        movies=np.arange(len(rows), dtype=np.int32),
        seen_in_train=np.zeros(len(rows), bool),
    )


def three_parts() -> dict[str, Sequences]:
    return {
        "train": sequences_of([[5, 9], [7], [2, 3]], [1, 0, 1], 4),
        "validation": sequences_of([[4, 4, 4, 4], [6]], [0, 1], 4),
        "test": sequences_of([[8], [1, 2, 9]], [0, 1], 4),
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_sequences(three_parts(), tmp_path / "sequences.npz")
    return tmp_path / "sequences.npz"


def test_rows_are_filled_up_on_the_right() -> None:
    padded = pad([[5, 9], [7]], 3)
    assert padded.tolist() == [[5, 9, 0], [7, 0, 0]]
    assert padded.dtype == np.int32


def test_no_reviews_make_an_array_of_no_rows() -> None:
    assert pad([], 3).shape == (0, 3)


@settings(deadline=None)
@given(st.lists(st.lists(REAL_IDS, min_size=1, max_size=8), max_size=10), st.integers(8, 12))
def test_taking_the_padding_off_gives_the_rows_back(rows: list[list[int]], max_length: int) -> None:
    padded = pad(rows, max_length)
    assert padded.shape == (len(rows), max_length)
    assert [row[row != PAD_ID].tolist() for row in padded] == rows
    assert [row[: len(ids)].tolist() for row, ids in zip(padded, rows, strict=True)] == rows


def test_what_is_saved_is_loaded(path: Path) -> None:
    loaded = load_sequences(path, VOCABULARY_SIZE)
    assert tuple(loaded) == PARTS
    for part, expected in three_parts().items():
        assert len(loaded[part]) == len(expected.labels)
        for field in ("review_ids", "token_ids", "lengths", "labels", "movies", "seen_in_train"):
            found = getattr(loaded[part], field)
            np.testing.assert_array_equal(found, getattr(expected, field), strict=True)


def test_the_file_is_the_same_to_the_byte_each_time(path: Path, tmp_path: Path) -> None:
    save_sequences(three_parts(), tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()
    # Two files of the same second would be equal by chance.
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def put(name: str, value: Any) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = value

    return change


def without(name: str) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        del arrays[name]

    return change


def as_type(name: str, dtype: str) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = arrays[name].astype(dtype)

    return change


def no_rows(arrays: Arrays) -> None:
    for name in [name for name in arrays if name.startswith("validation_")]:
        arrays[name] = arrays[name][:0]


def review_of_nothing(arrays: Arrays) -> None:
    arrays["train_token_ids"][1] = PAD_ID
    arrays["train_lengths"][1] = 0


def nothing(arrays: Arrays) -> None:
    arrays.clear()


TRAIN_IDS = np.array([[5, 9, 0, 0], [7, 0, 0, 0], [2, 3, 0, 0]], np.int32)


def ids_with(row: list[int]) -> Callable[[Arrays], None]:
    return put("train_token_ids", np.array([row, *TRAIN_IDS[1:].tolist()], np.int32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(nothing, "also train_review_ids", id="nothing in it"),
        pytest.param(without("test_lengths"), "also test_lengths", id="an array is missing"),
        pytest.param(no_rows, "validation", id="a part without reviews"),
        pytest.param(as_type("train_token_ids", "int64"), "train_token_ids as int64", id="wider ids"),
        pytest.param(as_type("train_token_ids", ">i4"), "train_token_ids as >i4", id="ids of another byte order"),
        pytest.param(as_type("train_token_ids", "float32"), "train_token_ids as float32", id="ids with decimals"),
        pytest.param(put("train_token_ids", TRAIN_IDS[0]), "of shape (4,)", id="ids in one row"),
        pytest.param(put("train_token_ids", TRAIN_IDS[:2]), "of shape (2, 4)", id="too few rows of ids"),
        pytest.param(put("train_token_ids", TRAIN_IDS[:, :0]), "train", id="rows of no ids"),
        pytest.param(put("train_token_ids", TRAIN_IDS[:, :, None]), "of shape (3, 4, 1)", id="ids in three dimensions"),
        pytest.param(
            ids_with([5, VOCABULARY_SIZE, 0, 0]), "token ids from 0 to 10 in train", id="beyond the vocabulary"
        ),
        pytest.param(ids_with([5, -1, 0, 0]), "token ids from -1 to 7 in train", id="a negative id"),
        pytest.param(ids_with([0, 0, 0, 0]), "lengths in train", id="a review of padding alone"),
        pytest.param(review_of_nothing, "lengths in train", id="a review of padding alone that says so"),
        pytest.param(ids_with([5, 9, 9, 0]), "lengths in train", id="a length too small"),
        pytest.param(ids_with([0, 0, 5, 9]), "lengths in train", id="padding on the left"),
        pytest.param(ids_with([5, 0, 0, 9]), "lengths in train", id="padding in the middle"),
        pytest.param(as_type("train_lengths", "float64"), "train_lengths as float64", id="lengths with decimals"),
        pytest.param(put("train_lengths", np.array([2, 1], np.int32)), "train_lengths", id="too few lengths"),
        pytest.param(put("train_lengths", np.array([2, 0, 2], np.int32)), "lengths in train", id="a length of none"),
        pytest.param(as_type("train_labels", "int64"), "train_labels as int64", id="wider labels"),
        pytest.param(put("train_labels", np.array([[1], [0], [1]], np.int8)), "train_labels", id="labels in a column"),
        pytest.param(put("train_labels", np.int8(1)), "train", id="one label for all"),
        pytest.param(put("train_labels", np.array([1, 1, 1], np.int8)), "labels [1] in train", id="one class"),
        pytest.param(
            put("train_labels", np.array([0, 1, 2], np.int8)), "labels [0, 1, 2] in train", id="three classes"
        ),
        pytest.param(as_type("train_movies", "int64"), "train_movies as int64", id="wider movies"),
        pytest.param(put("train_movies", np.array([0, 1], np.int32)), "train_movies", id="too few movies"),
        pytest.param(put("test_movies", np.array([3, -1], np.int32)), "the movie -1 in test", id="a movie below 0"),
        pytest.param(as_type("train_seen_in_train", "int8"), "train_seen_in_train as int8", id="marks as numbers"),
        pytest.param(put("train_review_ids", np.array(["r0", "r1"])), "review ids", id="too few review ids"),
        pytest.param(put("train_review_ids", np.arange(3)), "train", id="review ids as numbers"),
        pytest.param(put("train_review_ids", np.array("r0")), "train", id="one review id for all"),
        pytest.param(put("train_review_ids", np.array(["a", "b", "c"], object)), "pickle", id="objects"),
    ],
)
def test_a_broken_file_is_refused(path: Path, change: Callable[[Arrays], None], message: str) -> None:
    with np.load(path) as archive:
        arrays = dict(archive)
    assert np.array_equal(arrays["train_token_ids"], TRAIN_IDS)
    change(arrays)
    np.savez(path, **arrays)
    with pytest.raises(ArtifactError) as caught:
        load_sequences(path, VOCABULARY_SIZE)
    assert str(caught.value).startswith(f"{path}: found ")
    assert "; expected " in str(caught.value)
    assert message in str(caught.value)


def test_the_vocabulary_of_another_run_is_refused(path: Path) -> None:
    with pytest.raises(ArtifactError, match="token ids from 0 to 9 in train; expected 0 to 6"):
        load_sequences(path, 7)


def test_without_a_vocabulary_ids_may_be_as_large_as_they_like(path: Path) -> None:
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["train_token_ids"][0, 0] = 1_000_000
    np.savez(path, **arrays)
    assert load_sequences(path)["train"].token_ids.max() == 1_000_000
