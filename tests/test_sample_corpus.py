"""The sample corpus in the repository keeps what is promised of it."""

import re
from collections import Counter
from pathlib import Path

import pytest

from imdb_sentiment.text.cleaning import clean_text
from tests.imports import ROOT

SAMPLE = ROOT / "data/sample"
LABELLED = ("train/pos", "train/neg", "test/pos", "test/neg")
FOLDERS = (*LABELLED, "train/unsup")
RUN_LENGTH = 8


def reviews(folder: str) -> list[Path]:
    return sorted((SAMPLE / folder).iterdir(), key=lambda path: int(path.stem.split("_")[0]))


def movies(folder: str) -> list[str]:
    split, kind = folder.split("/")
    return (SAMPLE / split / f"urls_{kind}.txt").read_text(encoding="utf-8").splitlines()


def words(path: Path) -> list[str]:
    return clean_text(path.read_text(encoding="utf-8")).split()


def test_it_has_the_datasets_own_layout_and_nothing_else() -> None:
    assert {path.name for path in SAMPLE.iterdir()} - {"README"} == {"train", "test"}
    assert {path.name for path in (SAMPLE / "train").iterdir()} == {
        "pos",
        "neg",
        "unsup",
        "urls_pos.txt",
        "urls_neg.txt",
        "urls_unsup.txt",
    }
    assert {path.name for path in (SAMPLE / "test").iterdir()} == {"pos", "neg", "urls_pos.txt", "urls_neg.txt"}


def test_there_are_enough_reviews() -> None:
    assert sum(len(reviews(folder)) for folder in LABELLED) >= 400
    assert len(reviews("train/unsup")) >= 100


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_labels_are_balanced(split: str) -> None:
    assert len(reviews(f"{split}/pos")) == len(reviews(f"{split}/neg"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_reviews_are_numbered_from_0_and_their_ratings_agree_with_the_folder(folder: str) -> None:
    names = [re.fullmatch(r"(\d+)_(\d+)\.txt", path.name) for path in reviews(folder)]
    assert [int(name[1]) for name in names if name] == list(range(len(reviews(folder))))
    allowed = {"pos": {7, 8, 9, 10}, "neg": {1, 2, 3, 4}, "unsup": {0}}[folder.split("/")[1]]
    assert {int(name[2]) for name in names if name} == allowed


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_review_has_a_line_that_names_its_movie(folder: str) -> None:
    assert len(movies(folder)) == len(reviews(folder))
    assert all(re.fullmatch(r"http://\S+/title/\w+/usercomments", line) for line in movies(folder))


def test_no_movie_is_both_in_train_and_in_test() -> None:
    train = {*movies("train/pos"), *movies("train/neg"), *movies("train/unsup")}
    test = {*movies("test/pos"), *movies("test/neg")}
    assert train
    assert test
    assert not train & test


def test_some_movies_have_reviews_of_both_labels() -> None:
    # Without them a movie's name would tell the label.
    for split in ("train", "test"):
        assert set(movies(f"{split}/pos")) & set(movies(f"{split}/neg")), split


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_review_has_40_to_150_words(folder: str) -> None:
    lengths = {path.name: len(words(path)) for path in reviews(folder)}
    assert {name: length for name, length in lengths.items() if not 40 <= length <= 150} == {}


def test_no_two_reviews_share_a_run_of_8_words() -> None:
    first: dict[tuple[str, ...], str] = {}
    shared = set()
    for folder in FOLDERS:
        for path in reviews(folder):
            name = f"{folder}/{path.name}"
            plain = re.findall(r"\w+(?:['\u2019]\w+)*", " ".join(words(path)).lower())
            for start in range(len(plain) - RUN_LENGTH + 1):
                run = tuple(plain[start : start + RUN_LENGTH])
                if first.setdefault(run, name) != name:
                    shared.add((first[run], name, " ".join(run)))
    assert shared == set()


def test_no_sentence_opens_many_reviews() -> None:
    # Templates would show as the same first words again and again.
    openings = Counter(" ".join(words(path)[:4]).lower() for folder in FOLDERS for path in reviews(folder))
    assert openings.most_common(1)[0][1] <= 3


def test_the_text_is_clean_of_what_no_writer_types() -> None:
    for folder in FOLDERS:
        for path in reviews(folder):
            text = path.read_bytes().decode("utf-8")
            assert text.strip(), path
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]", text), path
