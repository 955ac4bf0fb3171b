"""The polarity at each token, as the stage writes it and train and evaluate read it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imdb_sentiment import channels
from imdb_sentiment.errors import ArtifactError
from imdb_sentiment.polarity import PolarityTable, learn_polarity
from imdb_sentiment.sequences import PARTS, load_sequences
from tests.refusal import assert_refused_untouched, run_polarity


def test_each_part_sees_its_own(prepared: Path) -> None:
    parts = load_sequences(prepared / "sequences.npz")
    found = channels.load_channels(prepared / "channels.npz", parts)
    assert tuple(found) == PARTS
    table = PolarityTable.load(prepared / "polarity.npz")
    _, of_train = learn_polarity(parts["train"], table.vocabulary_size)
    np.testing.assert_array_equal(found["train"], of_train)
    assert found["train"].any()
    for part in ("validation", "test"):
        np.testing.assert_array_equal(found[part], table.channels(parts[part].token_ids))
    # Another thing than what the table says of the train part.
    assert (found["train"] != table.channels(parts["train"].token_ids)).any()


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
