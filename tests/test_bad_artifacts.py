"""A file between the stages is missing, broken or of another make."""

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import Result

from tests.conftest import (
    assert_refused,
    snapshot,
    write_params,
)
from tests.refusal import (
    add_old_outputs,
    assert_refused_untouched,
    run_baseline,
    run_behaviour,
    run_embed,
    run_evaluate,
    run_polarity,
    run_preprocess,
    run_train,
)


@pytest.mark.parametrize("column", ["review_id", "split", "label", "rating", "movie_id", "text"])
def test_a_parquet_file_with_a_missing_column_is_refused(prepared: Path, column: str) -> None:
    reviews = prepared / "reviews.parquet"
    pq.write_table(pq.read_table(reviews).drop_columns([column]), reviews)

    assert_refused_untouched(run_preprocess, prepared, str(reviews), f"expected also {column}")


def test_a_parquet_file_with_a_column_of_another_type_is_refused(prepared: Path) -> None:
    reviews = prepared / "reviews.parquet"
    table = pq.read_table(reviews)
    labels = pa.array(["pos"] * len(table))
    pq.write_table(table.set_column(table.schema.get_field_index("label"), "label", labels), reviews)

    assert_refused_untouched(run_preprocess, prepared, str(reviews), "label of type string", "int8")


def test_a_review_without_a_text_is_refused(prepared: Path) -> None:
    path = prepared / "reviews.parquet"
    table = pq.read_table(path)
    texts = [None, *table["text"].to_pylist()[1:]]
    nullable = table.schema.set(table.schema.get_field_index("text"), pa.field("text", pa.string()))
    columns = [pa.array(texts) if name == "text" else table[name] for name in table.schema.names]
    pq.write_table(pa.table(columns, schema=nullable), path)

    assert_refused_untouched(run_preprocess, prepared, str(path), "a row without text", "one in each row")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"review_id,text\n0_9,Good\n"])
def test_what_is_not_a_parquet_file_is_refused(prepared: Path, content: bytes) -> None:
    (prepared / "reviews.parquet").write_bytes(content)

    assert_refused_untouched(run_preprocess, prepared, str(prepared / "reviews.parquet"), "Parquet")


def test_a_parquet_file_cut_short_or_damaged_is_refused(prepared: Path) -> None:
    reviews = prepared / "reviews.parquet"
    whole = reviews.read_bytes()
    damaged = bytearray(whole)
    damaged[200:600] = b"\xff" * 400
    for content in (whole[: len(whole) // 2], whole[:-1], bytes(damaged)):
        reviews.write_bytes(content)
        assert_refused_untouched(run_preprocess, prepared, str(reviews), "Parquet")


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        (run_preprocess, "reviews.parquet"),
        (run_embed, "reviews.parquet"),
        (run_embed, "vocabulary.json"),
        (run_polarity, "sequences.npz"),
        (run_polarity, "reviews.parquet"),
        (run_train, "sequences.npz"),
        (run_train, "embeddings.npz"),
        (run_train, "channels.npz"),
        (run_baseline, "reviews.parquet"),
        (run_baseline, "sequences.npz"),
        (run_evaluate, "channels.npz"),
        (run_evaluate, "baseline.csv"),
        (run_behaviour, "polarity.npz"),
        (run_behaviour, "reviews.parquet"),
    ],
)
def test_an_input_that_is_not_there_is_refused(trained: Path, stage: Callable[[Path], Result], name: str) -> None:
    add_old_outputs(trained)
    (trained / name).unlink()
    before = snapshot(trained)

    assert_refused(stage(trained), str(trained / name), "no such file", "dvc repro")
    assert snapshot(trained) == before


def _set_labels(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    reviews = folder / "reviews.parquet"
    table = pq.read_table(reviews)
    pq.write_table(pa.Table.from_pandas(change(table.to_pandas()), table.schema, preserve_index=False), reviews)


@pytest.mark.parametrize("split", ["official", "random"])
@pytest.mark.parametrize("label", [0, 1])
def test_reviews_of_one_class_only_are_refused(prepared: Path, label: int, split: str) -> None:
    write_params(prepared / "params.yaml", {"preprocess.split": split})
    _set_labels(prepared, lambda reviews: reviews[reviews["label"] == label])

    assert_refused_untouched(
        run_preprocess, prepared, str(prepared / "reviews.parquet"), f"labels [{label}]", "0 and 1"
    )


def test_one_class_only_in_the_test_reviews_is_refused(prepared: Path) -> None:
    _set_labels(prepared, lambda reviews: reviews[(reviews["split"] != "test") | (reviews["label"] == 0)])

    assert_refused_untouched(run_preprocess, prepared, str(prepared / "reviews.parquet"), "test part", "0 and 1")


def test_reviews_without_any_label_are_refused(prepared: Path) -> None:
    _set_labels(prepared, lambda reviews: reviews[reviews["label"].isna()])

    assert_refused_untouched(run_preprocess, prepared, str(prepared / "reviews.parquet"), "no labelled review")


def test_reviews_of_one_movie_only_are_refused(prepared: Path) -> None:
    _set_labels(prepared, lambda reviews: reviews.assign(movie_id="tt1"))

    assert_refused_untouched(run_preprocess, prepared, str(prepared / "reviews.parquet"), "1 movies", "2 or more")


Arrays = dict[str, np.ndarray]


def _change_sequences(folder: Path, change: Callable[[Arrays], object]) -> None:
    with np.load(folder / "sequences.npz") as file:
        arrays = dict(file)
    change(arrays)
    with (folder / "sequences.npz").open("wb") as file:
        np.savez(file, **arrays)


def _vocabulary_size(folder: Path) -> int:
    return len(json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))["tokens"])


@pytest.mark.parametrize("part", ["train", "validation", "test"])
@pytest.mark.parametrize("stage", [run_train, run_evaluate])
def test_ids_beyond_the_vocabulary_are_refused(trained: Path, stage: Callable[[Path], Result], part: str) -> None:
    size = _vocabulary_size(trained)

    def change(arrays: Arrays) -> None:
        arrays[f"{part}_token_ids"][0, 0] = size

    _change_sequences(trained, change)

    parts = (str(trained / "sequences.npz"), f"to {size} in {part}", f"0 to {size - 1}")
    assert_refused_untouched(stage, trained, *parts)


def test_the_largest_id_of_the_vocabulary_is_taken(trained: Path) -> None:
    def change(arrays: Arrays) -> None:
        arrays["test_token_ids"][0, 0] = _vocabulary_size(trained) - 1

    _change_sequences(trained, change)

    assert run_evaluate(trained).exit_code == 0


BAD_ARRAYS: dict[str, Callable[[Arrays], object]] = {
    "negative ids": lambda its: its["train_token_ids"].__setitem__((0, 0), -1),
    "an array is missing": lambda its: its.pop("validation_lengths"),
    "fewer labels than rows": lambda its: its.update(train_labels=its["train_labels"][:-1]),
    "no reviews": lambda its: its.update({name: its[name][:0] for name in its if name.startswith("test_")}),
    "no columns": lambda its: its.update(train_token_ids=its["train_token_ids"][:, :0]),
    "ids of another type": lambda its: its.update(train_token_ids=its["train_token_ids"].astype(np.float32)),
    "labels without an axis": lambda its: its.update(train_labels=np.int8(1)),
    "lengths that are not the rows' own": lambda its: its["train_lengths"].__setitem__(0, 1),
    "padding before the tokens": lambda its: its.update(train_token_ids=its["train_token_ids"][:, ::-1].copy()),
    "a movie below 0": lambda its: its["train_movies"].__setitem__(0, -1),
    "labels beyond 0 and 1": lambda its: its["train_labels"].__setitem__(0, 2),
    "one class only": lambda its: its["train_labels"].__setitem__(slice(None), 1),
    "text that runs code": lambda its: its.update(train_labels=np.array([print], dtype=object)),
}


@pytest.mark.parametrize("change", BAD_ARRAYS.values(), ids=BAD_ARRAYS.keys())
def test_arrays_that_are_no_sequences_are_refused(prepared: Path, change: Callable[[Arrays], object]) -> None:
    # Rows shorter than the array, so that there is padding to be in the wrong place.
    _change_sequences(prepared, _shorten_rows)
    _change_sequences(prepared, change)

    assert_refused_untouched(run_train, prepared, str(prepared / "sequences.npz"), "found", "expected")


def _shorten_rows(arrays: Arrays) -> None:
    for part in ("train", "validation", "test"):
        arrays[f"{part}_token_ids"][:, 5:] = 0
        arrays[f"{part}_lengths"][:] = 5


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(3))
    return file.getvalue()


NOT_NPZ = [b"", b"Not an npz file.", b"PK\x03\x04 cut short", _npy(), pickle.dumps({"train_labels": [0, 1]})]


@pytest.mark.parametrize("content", NOT_NPZ)
def test_what_is_not_an_npz_file_is_refused(prepared: Path, content: bytes) -> None:
    (prepared / "sequences.npz").write_bytes(content)

    assert_refused_untouched(run_train, prepared, str(prepared / "sequences.npz"), "found", "expected")


def _with_a_damaged_byte(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def test_an_npz_file_cut_short_or_damaged_is_refused(prepared: Path) -> None:
    sequences = prepared / "sequences.npz"
    whole = sequences.read_bytes()
    with np.load(sequences) as arrays:
        np.savez_compressed(sequences, **arrays)
    compressed = sequences.read_bytes()
    for content in (
        whole[: len(whole) // 2],
        whole[:-1],
        _with_a_damaged_byte(whole),
        _with_a_damaged_byte(compressed),
    ):
        sequences.write_bytes(content)
        assert_refused_untouched(run_train, prepared, str(sequences), "found", "expected")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": 2, "max_length": 12, "head_share": 0.25, "tokens": ["<pad>", "<unknown>", "film"]}',
        '{"format": 1, "max_length": 12, "head_share": 0.25, "tokens": "film"}',
        '{"format": 1, "max_length": 12, "head_share": 0.25, "tokens": ["film", "<pad>", "<unknown>"]}',
        '{"format": 1, "max_length": 12, "head_share": 0.25, "tokens": ["<pad>", "<unknown>", "film", "film"]}',
        '{"format": 1, "max_length": 12, "head_share": 0.25, "tokens": ["<pad>", "<unknown>", ["film"]]}',
        '{"format": 1, "max_length": "12", "head_share": 0.25, "tokens": ["<pad>", "<unknown>", "film"]}',
    ],
)
def test_what_is_not_a_vocabulary_is_refused(prepared: Path, content: str) -> None:
    (prepared / "vocabulary.json").write_text(content, encoding="utf-8")

    assert_refused_untouched(run_train, prepared, str(prepared / "vocabulary.json"), "found", "expected")


@pytest.mark.parametrize("content", [*NOT_NPZ, None])
def test_weights_that_are_none_are_refused(trained: Path, content: bytes | None) -> None:
    weights = trained / "model" / "weights.npz"
    weights.unlink()
    if content is not None:
        weights.write_bytes(content)

    assert_refused_untouched(run_evaluate, trained, str(weights), "found", "expected")


def test_weights_of_another_shape_are_refused(trained: Path) -> None:
    settings = trained / "model" / "model.json"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"lstm_units": 4', '"lstm_units": 5'))

    assert_refused_untouched(run_evaluate, trained, str(trained / "model" / "weights.npz"), "shape")


@pytest.mark.parametrize(
    "change",
    [
        lambda settings: settings.pop("vocabulary_size"),
        lambda settings: settings.update(vocabulary_size="60"),
        lambda settings: settings.update(vocabulary_size=-1),
        lambda settings: settings.update(vocabulary_size=True),
        lambda settings: settings.pop("model"),
        lambda settings: settings["model"].update(lstm_units=0),
        lambda settings: settings["model"].update(surprise=1),
        lambda settings: settings.update(train=[]),
        lambda settings: settings.update(temperature=-1.0),
    ],
)
def test_settings_that_describe_no_model_are_refused(trained: Path, change: Callable[[dict], object]) -> None:
    path = trained / "model" / "model.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    change(settings)
    path.write_text(json.dumps(settings), encoding="utf-8")

    assert_refused_untouched(run_evaluate, trained, str(path))


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"[1, 2]", b"\xff\xfe"])
def test_a_settings_file_that_is_none_is_refused(trained: Path, content: bytes) -> None:
    (trained / "model" / "model.json").write_bytes(content)

    assert_refused_untouched(run_evaluate, trained, str(trained / "model" / "model.json"), "JSON")


def test_a_file_or_nothing_in_the_models_place_is_refused(prepared: Path) -> None:
    for content in (None, b"PK\x03\x04 a .keras file"):
        if content is not None:
            (prepared / "model").write_bytes(content)
        before = snapshot(prepared)
        assert_refused(run_evaluate(prepared), str(prepared / "model"), "found", "expected")
        assert snapshot(prepared) == before


def test_polarity_and_vectors_of_another_vocabulary_or_length_are_refused(prepared: Path) -> None:
    np.savez(prepared / "channels.npz", **{part: np.zeros((3, 4, 3), np.float16) for part in ("train", "validation")})
    assert_refused_untouched(run_train, prepared, str(prepared / "channels.npz"), "(3, 4, 3) for train", "token ids")

    np.savez(prepared / "embeddings.npz", embeddings=np.zeros((7, 4), np.float16))
    assert_refused_untouched(run_train, prepared, str(prepared / "embeddings.npz"), "(7, 4)", ", 4)")


def _change_predictions(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    def break_it(path: Path) -> None:
        change(pd.read_csv(path)).to_csv(path, index=False)

    return break_it


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda path: path.write_bytes(b""), "cannot be read as CSV"),
        (lambda path: path.write_bytes(b"review_id\n"), "no column actual"),
        (_change_predictions(lambda its: its.drop(columns="predicted")), "no column predicted"),
        (_change_predictions(lambda its: its.assign(predicted="fine")), "no column predicted of labels"),
        (_change_predictions(lambda its: its[1:]), "15 other reviews"),
        (_change_predictions(lambda its: pd.concat([its, its[:1]])), "17 other reviews"),
        (_change_predictions(lambda its: its.assign(actual=its["actual"].to_numpy()[::-1])), "other labels"),
    ],
)
def test_a_peers_predictions_of_other_reviews_are_refused(
    trained: Path, break_it: Callable[[Path], object], message: str
) -> None:
    break_it(trained / "baseline.csv")

    assert_refused_untouched(run_evaluate, trained, str(trained / "baseline.csv"), message)
