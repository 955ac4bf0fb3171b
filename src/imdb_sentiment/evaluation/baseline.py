"""The linear baseline: NB-SVM fitted to the same split, for the LSTM to be compared with."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline

from imdb_sentiment.artifacts.reviews import iterate_reviews
from imdb_sentiment.artifacts.sequences import load_sequences
from imdb_sentiment.evaluation.metrics import Evaluation
from imdb_sentiment.ngrams.nb_svm import create_nb_svm, positive_probabilities
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.runtime.progress import Progress, no_progress, track
from imdb_sentiment.text.tokenization import tokenize


def fit_linear_baseline(
    reviews: Path, sequences: Path, progress: Progress = no_progress
) -> tuple[Pipeline, Evaluation]:
    """Fit NB-SVM to the split of the npz file `sequences` and evaluate it on the test part.

    It has nothing to choose, and so learns from the validation part too. The texts are those of the Parquet table
    `reviews`. Raises ArtifactError.
    """
    parts = load_sequences(sequences)
    texts = _labelled_texts(reviews)

    def texts_by_id(ids: Iterable[str]) -> list[str]:
        try:
            return [texts[str(review_id)] for review_id in ids]
        except KeyError as error:
            raise ArtifactError(reviews, f"no labelled review {error}", f"each review of {sequences}") from error

    train_ids = [*parts["train"].review_ids, *parts["validation"].review_ids]
    train_labels = np.concatenate([parts["train"].labels, parts["validation"].labels])
    test = parts["test"]
    train_texts, test_texts = texts_by_id(train_ids), texts_by_id(test.review_ids)
    if not any(tokenize(text) for text in train_texts):
        raise ArtifactError(reviews, "no word in any text of the train and validation parts", "some to learn from")
    model = create_nb_svm()
    counted = model[0].fit_transform(track(progress, train_texts, "Counting n-grams", len(train_texts), "reviews"))
    with progress("Fitting NB-SVM", None, ""):
        model[1:].fit(counted, train_labels)  # a slice shares its steps with the pipeline
    shown = track(progress, test_texts, "Predicting", len(test_texts), "reviews")
    return model, Evaluation(test, positive_probabilities(model, shown))


def _labelled_texts(reviews: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for batch in iterate_reviews(reviews, ["review_id", "label", "text"]):
        labelled = batch.filter(batch["label"].is_valid())
        texts |= zip(labelled["review_id"].to_pylist(), labelled["text"].to_pylist(), strict=True)
    return texts
