"""The files between the stages: what is written comes back, and what is of another kind is refused."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment.artifacts.channels import add_channels, save_channels
from imdb_sentiment.artifacts.polarity import CHANNELS, PolarityTable, ngram_keys
from imdb_sentiment.artifacts.predictions import read_predictions, write_predictions
from imdb_sentiment.artifacts.reviews import REVIEWS_SCHEMA, iterate_reviews
from imdb_sentiment.artifacts.sequences import PARTS, Sequences, load_sequences, pad, save_sequences
from imdb_sentiment.artifacts.vectors import load_embeddings, save_embeddings
from imdb_sentiment.artifacts.vocabulary import PAD_ID, SPECIAL_TOKENS, Vocabulary
from imdb_sentiment.runtime.errors import ArtifactError
from tests.factories import make_sequences

VOCABULARY_SIZE = 10
Arrays = dict[str, Any]


def assert_refused(read: Callable[[], object], path: Path, message: str) -> None:
    """Check that reading `path` raises an ArtifactError that names it, what was found, and what was expected."""
    with pytest.raises(ArtifactError) as caught:
        read()
    assert str(caught.value).startswith(f"{path}: found ")
    assert "; expected " in str(caught.value)
    assert message in str(caught.value)


def change_arrays(path: Path, change: Callable[[Arrays], object]) -> None:
    with np.load(path) as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(path, **arrays)


def put(name: str, value: Any) -> Callable[[Arrays], object]:
    return lambda arrays: arrays.update({name: np.asarray(value)})


def cast(name: str, dtype: str) -> Callable[[Arrays], object]:
    return lambda arrays: arrays.update({name: arrays[name].astype(dtype)})


def remove(name: str) -> Callable[[Arrays], object]:
    return lambda arrays: arrays.pop(name)


def test_padding_is_on_the_right() -> None:
    assert pad([[5, 9], [7]], 3).tolist() == [[5, 9, 0], [7, 0, 0]]
    assert pad([], 3).shape == (0, 3)


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=8), max_size=10), st.integers(8, 12))
def test_rows_without_their_padding_are_what_they_were(rows: list[list[int]], max_length: int) -> None:
    padded = pad(rows, max_length)
    assert padded.shape == (len(rows), max_length)
    assert [row[row != PAD_ID].tolist() for row in padded] == rows


def three_parts() -> dict[str, Sequences]:
    return {
        "train": make_sequences([[5, 9], [7], [2, 3]], [1, 0, 1], 4),
        "validation": make_sequences([[4, 4, 4, 4], [6]], [0, 1], 4),
        "test": make_sequences([[8], [1, 2, 9]], [0, 1], 4),
    }


@pytest.fixture
def sequences(tmp_path: Path) -> Path:
    save_sequences(three_parts(), tmp_path / "sequences.npz")
    return tmp_path / "sequences.npz"


def test_sequences_come_back(sequences: Path) -> None:
    loaded = load_sequences(sequences, VOCABULARY_SIZE)
    assert tuple(loaded) == PARTS
    for part, expected in three_parts().items():
        for field in ("review_ids", "token_ids", "lengths", "labels", "groups", "seen_in_train"):
            np.testing.assert_array_equal(getattr(loaded[part], field), getattr(expected, field), strict=True)


def test_too_little_memory_is_not_taken_for_a_broken_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, *_: object) -> None:
            raise pa.ArrowMemoryError("malloc of size 64 failed")

    (tmp_path / "reviews.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(pq, "ParquetFile", Full)
    with pytest.raises(MemoryError):
        list(iterate_reviews(tmp_path / "reviews.parquet", ["text"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove("test_lengths"), "also test_lengths"),
        (cast("train_token_ids", "int64"), "train_token_ids as int64"),
        (put("train_token_ids", np.array([[5, 10, 0, 0], [7, 0, 0, 0], [2, 3, 0, 0]], np.int32)), "ids from 0 to 10"),
        (put("train_token_ids", np.array([[5, -1, 0, 0], [7, 0, 0, 0], [2, 3, 0, 0]], np.int32)), "ids from -1 to 7"),
        (put("train_token_ids", np.array([[0, 0, 5, 9], [7, 0, 0, 0], [2, 3, 0, 0]], np.int32)), "lengths in train"),
        (put("train_lengths", np.array([2, 0, 2], np.int32)), "lengths in train"),
        (put("train_labels", np.array([1, 1, 1], np.int8)), "labels [1] in train"),
        (put("test_groups", np.array([3, -1], np.int32)), "the group -1 in test"),
        (put("train_review_ids", np.array(["r0", "r1"])), "review ids"),
        (put("train_review_ids", np.array(["a", "b", "c"], object)), "pickle"),
    ],
)
def test_loading_sequences_rejects_other_arrays(
    sequences: Path, change: Callable[[Arrays], object], message: str
) -> None:
    change_arrays(sequences, change)
    assert_refused(lambda: load_sequences(sequences, VOCABULARY_SIZE), sequences, message)


def test_sequences_are_checked_against_the_vocabulary(sequences: Path) -> None:
    assert_refused(lambda: load_sequences(sequences, 9), sequences, "ids from 0 to 9 in train; expected 0 to 8")
    assert load_sequences(sequences)["train"].token_ids.max() == 9


@settings(max_examples=25)
@given(st.lists(st.text(max_size=9), unique=True), st.integers(1, 20), st.floats(0, 1))
def test_a_vocabulary_comes_back(
    tmp_path_factory: pytest.TempPathFactory, tokens: list[str], max_length: int, share: float
) -> None:
    path = tmp_path_factory.getbasetemp() / "vocabulary.json"
    vocabulary = Vocabulary(
        (*SPECIAL_TOKENS, *(token for token in tokens if token not in SPECIAL_TOKENS)), max_length, share
    )
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"format": 2}, "format 2"),
        ({"tokens": "good"}, "tokens"),
        ({"tokens": ["<unknown>", "<pad>", "good"]}, "tokens"),
        ({"tokens": [*SPECIAL_TOKENS, "good", "good"]}, "tokens"),
        ({"max_length": 0}, "max_length 0"),
        ({"head_share": math.nan}, "head_share nan"),
    ],
)
def test_loading_a_vocabulary_rejects_other_json(tmp_path: Path, changes: dict[str, Any], found: str) -> None:
    path = tmp_path / "vocabulary.json"
    Vocabulary((*SPECIAL_TOKENS, "good"), 5, 0.4).save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert_refused(lambda: Vocabulary.load(path), path, found)


def test_vectors_come_back_in_half_precision(tmp_path: Path) -> None:
    path = tmp_path / "embeddings.npz"
    vectors = np.arange(24, dtype=np.float32).reshape(6, 4)
    save_embeddings(vectors, path)
    np.testing.assert_array_equal(load_embeddings(path, 6, 4), vectors, strict=True)
    assert_refused(lambda: load_embeddings(path, 6, 5), path, "float16 of shape (6, 4)")
    save_embeddings(np.full((6, 4), np.nan, np.float32), path)
    assert_refused(lambda: load_embeddings(path, 6, 4), path, "not numbers")
    np.savez(path, others=vectors)
    assert_refused(lambda: load_embeddings(path, 6, 4), path, "no embeddings")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove("validation"), "nothing for validation"),
        (put("train", np.zeros((3, 4, 3), np.float16)), "(3, 4, 3) for train"),
        (cast("test", "float32"), "float32"),
        (put("test", np.full((2, 4, CHANNELS), np.inf, np.float16)), "infinite values, in test"),
        (put("test", np.ones((2, 4, CHANNELS), np.float16)), "polarity of padding"),
    ],
)
def test_channels_come_back_and_must_fit_the_sequences(
    tmp_path: Path, change: Callable[[Arrays], object], message: str
) -> None:
    parts, path = three_parts(), tmp_path / "channels.npz"
    polarity = {
        name: np.where(part.token_ids[..., None] == PAD_ID, 0, np.ones(CHANNELS, np.float16))
        for name, part in parts.items()
    }
    save_channels(polarity, path)
    for name, part in add_channels(parts, path).items():
        np.testing.assert_array_equal(part.polarity, polarity[name])
    change_arrays(path, change)
    assert_refused(lambda: add_channels(parts, path), path, message)


def test_ngram_keys_stand_where_the_ngrams_end() -> None:
    token_ids = np.array([[5, 9, 0], [1, 2, 3]], np.int32)
    assert ngram_keys(token_ids, 1, 10).tolist() == [[5, 9, -1], [-1, 2, 3]]
    assert ngram_keys(token_ids, 2, 10).tolist() == [[-1, 59, -1], [-1, -1, 23]]
    assert ngram_keys(np.array([[7]], np.int32), 3, 10).tolist() == [[-1]]
    # The largest vocabulary has a key for every 3-gram.
    last = 2**21 - 1
    keys = ngram_keys(np.array([[last, last, last], [last, last, last - 1]], np.int32), 3, 2**21)[:, 2]
    assert keys.tolist() == [2**63 - 1, 2**63 - 2]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    keys = tuple(np.arange(index + 1, 10, dtype=np.int64) for index in range(CHANNELS - 1))
    keys += (np.zeros(0, np.int64),)
    log_odds = tuple(np.linspace(-1, 1, len(known)).astype(np.float16) for known in keys)
    PolarityTable(7, keys, log_odds).save(tmp_path / "polarity.npz")
    loaded = PolarityTable.load(tmp_path / "polarity.npz")
    for found, expected in zip((*loaded.keys, *loaded.log_odds), (*keys, *log_odds), strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)
    return tmp_path / "polarity.npz"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove("vocabulary_size"), "vocabulary_size None"),
        (put("vocabulary_size", 2**21 + 1), "vocabulary_size 2097153"),
        (remove("log_odds_5"), "no table of channel 5"),
        (cast("steps_1", "int32"), "channel 1 of int32"),
        (put("steps_1", np.array([1, -1, *[1] * 6])), "out of order"),
        (put("log_odds_1", np.full(8, np.nan, np.float16)), "not finite"),
    ],
)
def test_a_polarity_table_comes_back_and_others_are_refused(
    table: Path, change: Callable[[Arrays], object], message: str
) -> None:
    change_arrays(table, change)
    assert_refused(lambda: PolarityTable.load(table), table, message)


def test_predictions_are_a_table_in_the_order_of_the_reviews(tmp_path: Path) -> None:
    ids = np.array([f"test/pos/{row}_7" for row in range(3)])
    path = tmp_path / "made/predictions.csv"
    write_predictions(ids, np.array([1, 0, 1], np.int8), np.array([0.25, 0.5, 0.8765432198]), path)
    assert path.read_bytes() == (
        b"review_id,actual,predicted,probability\n"
        b"test/pos/0_7,positive,negative,0.25\n"
        b"test/pos/1_7,negative,positive,0.5\n"
        b"test/pos/2_7,positive,positive,0.876543\n"
    )
    assert read_predictions(path).index.tolist() == ids.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.iloc[:0, :0], "cannot be read as CSV"),
        (lambda table: table.drop(columns="predicted"), "no column predicted"),
        (lambda table: table.assign(actual="fine"), "no column actual of labels"),
        (lambda table: table.drop(columns="review_id"), "the columns actual"),
        (lambda table: table.assign(probability="high"), "expected review_id and probability"),
    ],
)
def test_reading_predictions_rejects_other_tables(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    path = tmp_path / "predictions.csv"
    write_predictions(np.array(["a"]), np.array([1], np.int8), np.array([0.25]), path)
    change(pd.read_csv(path)).to_csv(path, index=False)
    assert_refused(lambda: read_predictions(path), path, message)


def reviews_table(**changes: list[Any]) -> pa.Table:
    columns = {"review_id": ["a", "b"], "split": ["train", "test"], "label": [1, None], "rating": [9, None]}
    columns |= {"group": [None, "tt1"], "text": ["Good.", "Bad."]}
    types = {name: REVIEWS_SCHEMA.field(name).type for name in columns if name not in changes}
    return pa.table({name: pa.array(values, types.get(name)) for name, values in (columns | changes).items()})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (reviews_table().drop_columns(["rating"]), "expected also rating"),
        (reviews_table(label=["pos", "neg"]), "column label of type string; expected int8"),
        (reviews_table(text=["Good.", None]), "a row without text"),
        (reviews_table(text=pa.array([b"Good.", b"caf\xe9"]).view(pa.string())), "Invalid UTF8"),
    ],
)
def test_reading_reviews_rejects_other_tables(tmp_path: Path, table: pa.Table, message: str) -> None:
    path = tmp_path / "reviews.parquet"
    pq.write_table(reviews_table(), path)
    assert [batch["text"].to_pylist() for batch in iterate_reviews(path, ["text"])] == [["Good.", "Bad."]]
    pq.write_table(table, path)
    assert_refused(lambda: list(iterate_reviews(path, ["text"])), path, message)


def test_reading_reviews_rejects_damaged_parquet(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    pq.write_table(reviews_table(), path)
    content = path.read_bytes()
    for damaged in (b"PAR1", b"review_id,text\n0_9,Good\n", content[: len(content) // 2], content[:-1]):
        path.write_bytes(damaged)
        assert_refused(lambda: list(iterate_reviews(path, ["review_id", "text"])), path, "Parquet")
