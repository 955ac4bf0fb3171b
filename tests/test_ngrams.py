"""NB-SVM, and n-gram polarity: counted by hand, and never from a training review's own label."""

import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from scipy import sparse

from imdb_sentiment.artifacts.polarity import CHANNELS, ORDERS, PolarityTable, ngram_keys
from imdb_sentiment.artifacts.sequences import PARTS, Sequences, load_sequences
from imdb_sentiment.artifacts.vocabulary import UNKNOWN_ID
from imdb_sentiment.ngrams import channels as channels_module
from imdb_sentiment.ngrams.nb_svm import LogCountRatio, create_nb_svm, ngrams, positive_probabilities
from imdb_sentiment.ngrams.polarity import (
    MIN_REVIEWS,
    distinct,
    find_ngrams,
    learn_polarity,
    learn_unlabelled_polarity,
)
from imdb_sentiment.ngrams.teacher import encode_unlabelled, ngram_matrix, read_teacher_labels, teach
from imdb_sentiment.runtime.errors import ArtifactError
from imdb_sentiment.text.encoder import TextEncoder
from tests.factories import change_reviews, make_sequences, write_params
from tests.stage_runs import assert_stage_refuses, run_stages

VOCABULARY_SIZE = 7
Y_PROB = np.array([0.9, 0.2, 0.6] * 14)[:40]


def test_ngrams_are_of_one_to_three_tokens() -> None:
    assert ngrams("So good!") == ["so", "good", "!", "so good", "good !", "so good !"]
    assert ngrams("Good") == ["good"]
    assert ngrams("") == []


def test_the_log_count_ratio_is_what_it_is_by_hand() -> None:
    counts = sparse.csr_matrix(np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1]], np.float32))
    ratios = LogCountRatio().fit(counts, np.array([1, 1, 0], np.int8))
    # Positive texts have 3, 2, 1 with one added to each; negative ones 1, 2, 2.
    expected = np.log(np.array([3, 2, 1]) / 6) - np.log(np.array([1, 2, 2]) / 5)
    np.testing.assert_allclose(ratios.ratio_, expected, rtol=1e-6)
    np.testing.assert_allclose(ratios.transform(counts).toarray(), counts.toarray() * expected, rtol=1e-6)


def test_nb_svm_separates_texts_and_counts_an_ngram_once() -> None:
    texts = ["good film", "a good story!", "bad film", "a bad, bad story"]
    model = create_nb_svm().fit(texts, np.array([1, 1, 0, 0], np.int8))
    y_prob = positive_probabilities(model, ["a good film", "a bad film", "bad", "bad bad bad"])
    assert y_prob[0] > 0.5 > y_prob[1]
    assert y_prob[2] == y_prob[3]


def draw_reviews(seed: int = 0) -> Sequences:
    """Return 40 random reviews of 9 films with few words, so that n-grams repeat; unknown words and padding occur."""
    rng = np.random.default_rng(seed)
    rows = [rng.integers(1, VOCABULARY_SIZE, rng.integers(1, 12)).tolist() for _ in range(40)]
    part = make_sequences(rows, rng.integers(0, 2, 40).tolist(), 12)
    return replace(part, groups=rng.integers(0, 9, 40).astype(np.int32))


def ngrams_ending_at(ids: list[int], order: int) -> list[tuple[int, ...] | None]:
    """Return the n-gram that ends at each position, or None."""
    found = [tuple(ids[max(0, at - order + 1) : at + 1]) for at in range(len(ids))]
    return [ngram if len(ngram) == order and min(ngram) > UNKNOWN_ID else None for ngram in found]


def rows_of(part: Sequences) -> list[list[int]]:
    return [ids[:length].tolist() for ids, length in zip(part.token_ids, part.lengths, strict=True)]


def polarity_by_hand(
    part: Sequences, order: int, y_prob: NDArray[Any], left_out: int | None = None
) -> dict[tuple[int, ...], float]:
    """Return the log-odds of each n-gram of reviews that are positive with the probability `y_prob`.

    The reviews of the movie `left_out` are not counted.
    """
    counts: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [0.0, 0])
    for ids, probability, movie in zip(rows_of(part), y_prob, part.groups, strict=True):
        if movie != left_out:
            for ngram in {ngram for ngram in ngrams_ending_at(ids, order) if ngram}:
                counts[ngram] = [counts[ngram][0] + probability, counts[ngram][1] + 1]
    return {
        ngram: math.log((positive + 1) / (reviews - positive + 1))
        for ngram, (positive, reviews) in counts.items()
        if reviews >= MIN_REVIEWS
    }


def assert_channel(channel: NDArray[Any], ids: list[int], order: int, log_odds: dict[tuple[int, ...], float]) -> None:
    expected = [log_odds.get(ngram, 0.0) if ngram else 0.0 for ngram in ngrams_ending_at(ids, order)]
    np.testing.assert_allclose(channel[: len(ids)], expected, atol=2e-3)
    assert not channel[len(ids) :].any()


def learn_table(part: Sequences) -> PolarityTable:
    """Return a table of `part` as the labelled reviews and, with Y_PROB, as the unlabelled ones."""
    tables, _ = learn_polarity(part, VOCABULARY_SIZE)
    tables += learn_unlabelled_polarity(part.token_ids, Y_PROB[: len(part)], VOCABULARY_SIZE)
    return PolarityTable(VOCABULARY_SIZE, tuple(keys for keys, _ in tables), tuple(odds for _, odds in tables))


@pytest.mark.parametrize("seed", range(3))
def test_the_table_has_the_log_odds_of_every_ngram_of_two_reviews(seed: int) -> None:
    part = draw_reviews(seed)
    table = learn_table(part)
    channels = table.channels(part.token_ids)
    assert channels.shape == (40, 12, CHANNELS)
    for index in range(CHANNELS):
        order = ORDERS[index % len(ORDERS)]
        by_hand = polarity_by_hand(part, order, part.labels if index < len(ORDERS) else Y_PROB)
        assert by_hand
        assert len(table.keys[index]) == len(by_hand)
        for row, ids in enumerate(rows_of(part)):
            assert_channel(channels[row, :, index], ids, order, by_hand)


@pytest.mark.parametrize("seed", range(3))
def test_training_reviews_get_the_log_odds_by_reviews_of_other_movies(seed: int) -> None:
    part = draw_reviews(seed)
    _, channels = learn_polarity(part, VOCABULARY_SIZE)
    for index, order in enumerate(ORDERS):
        for row, ids in enumerate(rows_of(part)):
            others = polarity_by_hand(part, order, part.labels, left_out=part.groups[row])
            assert_channel(channels[row, :, index], ids, order, others)


def test_the_labels_of_a_movie_do_not_reach_its_own_reviews() -> None:
    part = draw_reviews()
    own = part.groups == part.groups[0]
    flipped = replace(part, labels=np.where(own, 1 - part.labels, part.labels).astype(np.int8))
    (_, before), (_, after) = (learn_polarity(labelled, VOCABULARY_SIZE) for labelled in (part, flipped))
    np.testing.assert_array_equal(before[own], after[own])
    assert (before[~own] != after[~own]).any()


def test_unknown_ngrams_have_no_polarity() -> None:
    table = learn_table(make_sequences([[2, 3], [2, 3], [4]], [1, 1, 0]))
    channels = table.channels(np.array([[2, 3, 4, 5, 6, 0]], np.int32)).astype(float)
    np.testing.assert_allclose(channels[0, :, 0], [math.log(3), math.log(3), 0, 0, 0, 0], atol=1e-3)
    np.testing.assert_allclose(channels[0, :, 1], [0, math.log(3), 0, 0, 0, 0], atol=1e-3)
    assert not channels[0, :, 2].any()


@pytest.mark.parametrize("order", ORDERS)
def test_ngrams_are_found_wherever_they_stand(order: int) -> None:
    part = draw_reviews()
    keys = learn_table(part).keys[order - 1]
    reviews, places = find_ngrams(part.token_ids, order, keys, VOCABULARY_SIZE)
    found = sorted(zip(reviews.tolist(), keys[places].tolist(), strict=True))
    every = ngram_keys(part.token_ids, order, VOCABULARY_SIZE)
    assert found == sorted((row, key) for row in range(40) for key in every[row].tolist() if key in keys.tolist())
    assert [len(array) for array in find_ngrams(part.token_ids, order, keys[:0], VOCABULARY_SIZE)] == [0, 0]


@pytest.mark.parametrize(("values", "expected"), [([5, -1, 5, 2**62, -1], [-1, 5, 2**62]), ([7, 7], [7]), ([], [])])
def test_distinct_values_ascend(values: list[int], expected: list[int]) -> None:
    assert distinct(np.array(values, np.int64)).tolist() == expected


def test_the_ngram_matrix_has_one_for_each_ngram_of_a_review() -> None:
    keys = tuple(np.array(known, np.int64) for known in ([2, 5], [2 * 12 + 5], []))
    found = ngram_matrix(np.array([[2, 5, 2, 5], [6, 2, 0, 0], [5, 0, 0, 0]], np.int32), keys, 12)
    assert found.toarray().tolist() == [[1, 1, 1], [1, 0, 0], [0, 1, 0]]


def test_the_teacher_learns_from_the_labelled_reviews() -> None:
    # 2 and 3 are of positive reviews, 4 and 5 of negative ones, 6 to 9 of both.
    rows = [[2, 6, 7], [3, 8, 2], [2, 3, 9], [4, 6, 9], [5, 7, 4], [4, 5, 8]]
    train = make_sequences(rows * 3, [1, 1, 1, 0, 0, 0] * 3)
    tables, _ = learn_polarity(train, 12)
    keys = tuple(known for known, _ in tables)
    unlabelled = np.array([[2, 3, 6], [4, 5, 6], [10, 11, 0]], np.int32)
    y_prob = teach(train, unlabelled, keys, 12)
    assert y_prob[0] > 0.6
    assert y_prob[1] < 0.4
    assert abs(y_prob[2] - 0.5) < 0.05
    nothing = tuple(known[:0] for known in keys)
    assert teach(train, unlabelled, nothing, 12).tolist() == [0.5, 0.5, 0.5]


def write_labels(path: Path, **columns: list[Any]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_teacher_labels_are_found_by_review_id(tmp_path: Path) -> None:
    path = write_labels(tmp_path / "labels.parquet", review_id=["c", "a", "b"], probability=[0.25, 0.5, 1.0])
    assert read_teacher_labels(path, ["a", "c"]).tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"review_id": ["a"], "probability": [0.5]}, "found no row of 'b'"),
        ({"review_id": ["a", "b"], "probability": [0.5, 1.5]}, "outside 0 to 1"),
        ({"review_id": ["a", "b"], "probability": [0.5, None]}, "outside 0 to 1"),
        ({"review_id": ["a", "b"], "probability": ["x", "y"]}, "found no table of predictions"),
        ({"review_id": ["a", "b"]}, "found no table of predictions"),
    ],
)
def test_reading_teacher_labels_rejects_other_tables(
    tmp_path: Path, columns: dict[str, list[Any]], message: str
) -> None:
    path = write_labels(tmp_path / "labels.parquet", **columns)
    with pytest.raises(ArtifactError, match=message):
        read_teacher_labels(path, ["a", "b"])


def read_rows(workspace: Path, split: str) -> list[dict[str, Any]]:
    rows = pq.read_table(workspace / "data/reviews.parquet").to_pylist()
    return sorted((row for row in rows if row["split"] == split), key=lambda row: row["review_id"])


def test_unlabelled_reviews_are_encoded_as_the_labelled_ones(prepared_once: Path) -> None:
    encoder = TextEncoder.load(prepared_once / "data/vocabulary.json")
    ids, token_ids = encode_unlabelled(prepared_once / "data/reviews.parquet", encoder)
    rows = read_rows(prepared_once, "unsupervised")
    assert ids == [row["review_id"] for row in rows]
    assert [[token for token in ids if token] for ids in token_ids.tolist()] == [
        encoder.encode(row["text"]) for row in rows
    ]


def load_table_and_channels(workspace: Path) -> tuple[PolarityTable, dict[str, NDArray[Any]]]:
    with np.load(workspace / "data/channels.npz") as archive:
        return PolarityTable.load(workspace / "data/polarity.npz"), dict(archive)


def test_only_the_channels_of_the_train_part_are_held_out(prepared_once: Path) -> None:
    table, channels = load_table_and_channels(prepared_once)
    parts = load_sequences(prepared_once / "data/sequences.npz")
    _, held_out = learn_polarity(parts["train"], table.vocabulary_size)
    np.testing.assert_array_equal(channels["train"][..., :3], held_out)
    for name in PARTS:
        looked_up = table.channels(parts[name].token_ids)
        np.testing.assert_array_equal(channels[name][..., 3:], looked_up[..., 3:])
        assert np.array_equal(channels[name][..., :3], looked_up[..., :3]) == (name != "train")


def test_the_linear_teacher_labels_the_unlabelled_reviews(prepared: Path) -> None:
    # The unlabelled reviews get the words of a positive one: then those are positive there, too.
    good = next(row["text"] for row in read_rows(prepared, "train") if row["label"] == 1)

    change_reviews(
        prepared, lambda rows: [row | {"text": good} if row["split"] == "unsupervised" else row for row in rows]
    )
    run_stages(prepared, "polarity")
    table, _ = load_table_and_channels(prepared)
    encoder = TextEncoder.load(prepared / "data/vocabulary.json")
    assert set(table.keys[3].tolist()) == {token for token in encoder.encode(good) if token > UNKNOWN_ID}
    assert (table.log_odds[3] > 1).all()


def test_the_labels_of_another_teacher_decide_the_polarity(prepared: Path) -> None:
    ids = [row["review_id"] for row in read_rows(prepared, "unsupervised")]
    write_params(prepared / "params.yaml", {"polarity.teacher": "labels.parquet"})
    log_odds = []
    for probability in (0.0, 1.0):
        write_labels(prepared / "labels.parquet", review_id=ids, probability=[probability] * len(ids))
        run_stages(prepared, "polarity")
        log_odds.append(load_table_and_channels(prepared)[0].log_odds[3])
    assert (log_odds[0] < 0).all()
    np.testing.assert_array_equal(log_odds[0], -log_odds[1])
    (prepared / "labels.parquet").unlink()
    assert_stage_refuses("polarity", prepared, "labels.parquet: found no such file", "linear, none")


def test_without_unlabelled_reviews_their_channels_are_zero(prepared: Path) -> None:
    write_params(prepared / "params.yaml", {"polarity.teacher": "none"})
    run_stages(prepared, "polarity")
    table, channels = load_table_and_channels(prepared)
    assert [bool(len(keys)) for keys in table.keys] == [True] * 3 + [False] * 3
    assert all(channels[name][..., :3].any() and not channels[name][..., 3:].any() for name in PARTS)
    before = (prepared / "data/channels.npz").read_bytes()
    write_params(prepared / "params.yaml")
    change_reviews(prepared, lambda rows: [row for row in rows if row["label"] is not None])
    run_stages(prepared, "polarity")
    assert (prepared / "data/channels.npz").read_bytes() == before


def test_polarity_does_not_depend_on_the_order_of_the_reviews(prepared: Path) -> None:
    before = (prepared / "data/channels.npz").read_bytes()
    change_reviews(prepared, lambda rows: rows[::-1])
    run_stages(prepared, "polarity")
    assert (prepared / "data/channels.npz").read_bytes() == before


def test_vocabularies_too_large_for_the_keys_are_refused(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels_module, "LARGEST_VOCABULARY", 5)
    assert_stage_refuses("polarity", prepared, "data/vocabulary.json: found", "expected at most 5")
