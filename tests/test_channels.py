"""The polarity at each token, as the stage writes it and train and evaluate read it."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from imdb_sentiment.artifacts.sequences import PARTS, load_sequences
from imdb_sentiment.ngrams import channels
from imdb_sentiment.ngrams.polarity import PolarityTable, learn_polarity
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.text.encoder import UNKNOWN_ID, TextEncoder
from tests.conftest import write_params
from tests.refusal import assert_refused_untouched, run_polarity


def test_each_part_sees_its_own(prepared: Path) -> None:
    parts = load_sequences(prepared / "sequences.npz")
    found = channels.load_channels(prepared / "channels.npz", parts)
    assert tuple(found) == PARTS
    table = PolarityTable.load(prepared / "polarity.npz")
    by_table = {part: table.channels(its.token_ids) for part, its in parts.items()}
    _, of_train = learn_polarity(parts["train"], table.vocabulary_size)
    np.testing.assert_array_equal(found["train"][..., :3], of_train)
    np.testing.assert_array_equal(found["train"][..., 3:], by_table["train"][..., 3:])
    assert found["train"][..., :3].any()
    for part in ("validation", "test"):
        np.testing.assert_array_equal(found[part], by_table[part])
    # Another thing than what the table says of the train part.
    assert (found["train"][..., :3] != by_table["train"][..., :3]).any()


def is_unlabelled(review: dict[str, Any]) -> bool:
    return bool(review["split"] == "unsupervised")


def test_the_teacher_labels_the_unlabelled_reviews_and_no_others(prepared: Path) -> None:
    # The unlabelled reviews are given the words of the positive ones: then those are positive there, too.
    reviews = pq.read_table(prepared / "reviews.parquet")
    rows = reviews.to_pylist()
    good = next(its["text"] for its in rows if its["split"] == "train" and its["label"] == 1)
    texts = [good if is_unlabelled(its) else its["text"] for its in rows]
    column = reviews.schema.get_field_index("text")
    pq.write_table(reviews.set_column(column, reviews.schema.field(column), [texts]), prepared / "reviews.parquet")
    assert run_polarity(prepared).exit_code == 0
    table = PolarityTable.load(prepared / "polarity.npz")
    encoder = TextEncoder.load(prepared / "vocabulary.json")
    ids = {its for its in encoder.encode(good) if its > UNKNOWN_ID}
    assert set(table.keys[3].tolist()) == ids
    assert (table.log_odds[3] > 1).all()
    assert len(np.unique(table.log_odds[3])) == 1


def test_without_unlabelled_reviews_their_channels_are_0(prepared: Path) -> None:
    whole = PolarityTable.load(prepared / "polarity.npz")
    write_params(prepared / "params.yaml", {"polarity.teacher": "none"})
    assert run_polarity(prepared).exit_code == 0
    table = PolarityTable.load(prepared / "polarity.npz")
    assert [len(its) for its in table.keys] == [*(len(its) for its in whole.keys[:3]), 0, 0, 0]
    with np.load(prepared / "channels.npz") as file:
        assert all(file[part][..., :3].any() and not file[part][..., 3:].any() for part in PARTS)

    write_params(prepared / "params.yaml")
    reviews = pq.read_table(prepared / "reviews.parquet")
    labelled = [not is_unlabelled(its) for its in reviews.to_pylist()]
    pq.write_table(reviews.filter(labelled), prepared / "reviews.parquet")
    before = (prepared / "channels.npz").read_bytes()
    assert run_polarity(prepared).exit_code == 0
    assert (prepared / "channels.npz").read_bytes() == before


def test_the_order_of_the_table_does_not_show(prepared: Path) -> None:
    before = (prepared / "channels.npz").read_bytes()
    reviews = pq.read_table(prepared / "reviews.parquet")
    pq.write_table(reviews.take(np.arange(len(reviews))[::-1]), prepared / "reviews.parquet")
    assert run_polarity(prepared).exit_code == 0
    assert (prepared / "channels.npz").read_bytes() == before


def test_the_same_bytes_come_twice(prepared: Path) -> None:
    before = [(prepared / name).read_bytes() for name in ("polarity.npz", "channels.npz")]
    assert run_polarity(prepared).exit_code == 0
    assert [(prepared / name).read_bytes() for name in ("polarity.npz", "channels.npz")] == before


def test_a_vocabulary_too_large_for_the_keys_is_refused(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "LARGEST_VOCABULARY", 5)
    assert_refused_untouched(run_polarity, prepared, str(prepared / "vocabulary.json"), "expected at most 5")


def of_padding(arrays: dict[str, Any]) -> None:
    arrays["test"][:, -1] = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda its: its.pop("validation"), "nothing for validation"),
        (lambda its: its.update(train=its["train"][1:]), "for train"),
        (lambda its: its.update(test=its["test"].astype(np.float32)), "float32"),
        (lambda its: its["test"].__setitem__((0, 0, 0), np.inf), "no numbers"),
        (of_padding, "polarity of padding in test"),
    ],
)
def test_channels_of_other_sequences_are_refused(prepared: Path, change: Any, message: str) -> None:
    parts = load_sequences(prepared / "sequences.npz")
    for its in parts.values():  # shorter rows, so that there is padding
        its.token_ids[:, 6:] = 0
    with np.load(prepared / "channels.npz") as file:
        arrays = {part: np.where(parts[part].token_ids[..., None] == 0, 0, file[part]) for part in PARTS}
    np.savez(prepared / "channels.npz", **arrays)
    assert channels.load_channels(prepared / "channels.npz", parts).keys() == set(PARTS)
    change(arrays)
    np.savez(prepared / "channels.npz", **arrays)
    with pytest.raises(ArtifactError) as caught:
        channels.load_channels(prepared / "channels.npz", parts)
    assert message in str(caught.value)
