"""Evaluate: how often the model is right on reviews it never saw."""

from dataclasses import replace
from pathlib import Path

import keras

from imdb_sentiment.artifacts.sequences import Sequences, load_sequences
from imdb_sentiment.evaluation.metrics import Evaluation, classification_metrics
from imdb_sentiment.network.predict import predict_probabilities
from imdb_sentiment.network.saved_model import load_model
from imdb_sentiment.ngrams.channels import load_channels
from imdb_sentiment.runtime.progress import Progress, no_progress


def evaluate_saved_model(folder: Path, sequences: Path, channels: Path, progress: Progress = no_progress) -> Evaluation:
    """Load the model in `folder` and evaluate it on the test part of the npz file `sequences`.

    `channels` is read where the model reads polarity. Raises ArtifactError or ParamsError.
    """
    saved = load_model(folder)
    test = load_sequences(sequences, saved.vocabulary_size)["test"]
    if saved.params.architecture == "polarity":
        test = replace(test, polarity=load_channels(channels, {"test": test})["test"])
    return evaluate_model(saved.whole(), test, saved.params.ignore_padding, progress)


def evaluate_model(
    model: keras.Model, test: Sequences, ignore_padding: bool = True, progress: Progress = no_progress
) -> Evaluation:
    """Return the model's probabilities and metrics on the test part. The caller prints loss and accuracy."""
    y_prob = predict_probabilities(model, test, ignore_padding, progress)
    return Evaluation(
        test.review_ids, test.labels, y_prob, classification_metrics(test.labels, y_prob, test.seen_in_train)
    )
