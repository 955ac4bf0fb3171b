"""Texts that are new: the same way to the model as the pipeline's own reviews, and the same probabilities."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from imdb_sentiment.artifacts.sequences import pad
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.text.encoder import SPECIAL_TOKENS, TextEncoder
from tests.refusal import run_evaluate
from tests.test_model import TOKEN_IDS, VOCABULARY_SIZE, create, draw_weights, model_params, predict, train_params
from tests.test_sequences import sequences_of


def test_a_review_gets_the_probability_that_evaluate_gives_it(trained: Path) -> None:
    from imdb_sentiment.evaluation.metrics import read_predictions
    from imdb_sentiment.network.predict import TextClassifier

    assert run_evaluate(trained).exit_code == 0
    predictions = read_predictions(trained / "predictions.csv")
    texts = pq.read_table(trained / "reviews.parquet").to_pandas().set_index("review_id")["text"]
    names = ("model", "vocabulary.json", "polarity.npz")
    classifier = TextClassifier.load(*(trained / name for name in names))
    found = classifier.predict([texts[review_id] for review_id in predictions.index])
    np.testing.assert_allclose(found, predictions["probability"], atol=2e-6)
    alone = [classifier.predict([texts[review_id]])[0] for review_id in predictions.index[:4]]
    np.testing.assert_allclose(alone, found[:4], atol=1e-6)
    assert 0 < classifier.predict([""])[0] < 1
    # What ingest cleans is cleaned here as well.
    plain, marked = classifier.predict(["I loved it, and I left.", "I <br />loved   it,<br /><br />and I left&#46;"])
    assert plain == marked


@pytest.mark.parametrize("ignore_padding", [True, False])
def test_each_review_gets_its_own_probability_whatever_the_batches(
    ignore_padding: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imdb_sentiment.network import predict as inference

    monkeypatch.setattr(inference, "BATCH_SIZE", 2)  # three batches, and the shortest review is not the first
    model = draw_weights(create(ignore_padding=ignore_padding))
    rows = [[token for token in ids if token] for ids in TOKEN_IDS[[4, 0, 5, 2, 1]].tolist()]
    sequences = sequences_of(rows, [0, 1, 0, 1, 0], 9)
    found = inference.predict_probabilities(model, sequences, ignore_padding)
    assert found.dtype == np.float64
    expected = [
        predict(model, ids[None, : None if not ignore_padding else length])[0, 0]
        for ids, length in zip(sequences.token_ids, sequences.lengths, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert len(np.unique(found)) == 5


@pytest.mark.parametrize("ignore_padding", [True, False])
def test_a_model_without_polarity_needs_no_table(tmp_path: Path, ignore_padding: bool) -> None:
    from imdb_sentiment.network.predict import TextClassifier
    from imdb_sentiment.network.saved_model import SavedModel, save_model

    model = draw_weights(create(ignore_padding=ignore_padding))
    params = model_params(ignore_padding=ignore_padding)
    save_model(SavedModel([model], VOCABULARY_SIZE, params, train_params()), tmp_path)
    TextEncoder((*SPECIAL_TOKENS, *"abcdefgh"), 6, 0.25).save(tmp_path / "vocabulary.json")
    classifier = TextClassifier.load(tmp_path, tmp_path / "vocabulary.json", tmp_path / "nowhere.npz")
    # Ids 2, 3 and 5; the tag is not of the words, and z is unknown.
    found = classifier.predict(["A<br />b d", "h z"])
    encoded = [[2, 3, 5], [9, 1]]
    expected = predict(model, pad(encoded, 3 if ignore_padding else 6))[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert classifier.predict([]).shape == (0,)


@pytest.mark.parametrize("name", ["vocabulary.json", "polarity.npz"])
def test_a_vocabulary_or_table_of_another_model_is_refused(trained: Path, name: str) -> None:
    from imdb_sentiment.network.predict import TextClassifier

    path = trained / name
    if name == "vocabulary.json":
        content = json.loads(path.read_text(encoding="utf-8"))
        size = len(content["tokens"])
        path.write_text(json.dumps({**content, "tokens": [*content["tokens"], "one more"]}), encoding="utf-8")
    else:
        with np.load(path) as file:
            arrays = dict(file)
        size = int(arrays["vocabulary_size"])
        np.savez(path, **{**arrays, "vocabulary_size": np.array(size + 1)})
    with pytest.raises(ArtifactError) as caught:
        TextClassifier.load(*(trained / its for its in ("model", "vocabulary.json", "polarity.npz")))
    assert str(caught.value).startswith(f"{path}: found {size + 1} tokens; expected {size}")
