"""Probabilities of many reviews: those of each review alone, in the order in which the reviews come."""

import numpy as np
import pytest

from tests.factories import make_sequences
from tests.networks import TOKEN_IDS, create_plain, draw_weights, predict


@pytest.mark.parametrize("ignore_padding", [True, False])
def test_each_review_gets_its_own_probability_in_batches(ignore_padding: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from imdb_sentiment.network import predict as inference

    monkeypatch.setattr(inference, "BATCH_SIZE", 2)  # three batches, and the shortest review is not the first
    model = draw_weights(create_plain(plain={"ignore_padding": ignore_padding}))
    rows = [[token for token in ids if token] for ids in TOKEN_IDS[[4, 0, 5, 2, 1]].tolist()]
    sequences = make_sequences(rows, [0, 1, 0, 1, 0], 9)
    found = inference.predict_probabilities(model, sequences, ignore_padding)
    assert found.dtype == np.float64
    expected = [
        predict(model, ids[None, : length if ignore_padding else None])[0, 0]
        for ids, length in zip(sequences.token_ids, sequences.lengths, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert len(np.unique(found)) == 5
