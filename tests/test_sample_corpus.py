"""The sample corpus has the dataset's layout, balanced labels, and no repeated texts."""

import re
from collections import Counter
from pathlib import Path

import pytest

from imdb_sentiment.text.cleaning import clean_text
from tests.factories import ROOT

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


def test_the_layout_is_the_datasets_own() -> None:
    assert {path.name for path in SAMPLE.iterdir()} - {"README"} == {"train", "test"}
    for split, kinds in (("train", ("pos", "neg", "unsup")), ("test", ("pos", "neg"))):
        assert {path.name for path in (SAMPLE / split).iterdir()} == {*kinds, *(f"urls_{kind}.txt" for kind in kinds)}


def test_there_are_enough_reviews_with_balanced_labels() -> None:
    sizes = {folder: len(reviews(folder)) for folder in FOLDERS}
    assert sum(sizes[folder] for folder in LABELLED) >= 400
    assert sizes["train/unsup"] >= 100
    assert (sizes["train/pos"], sizes["test/pos"]) == (sizes["train/neg"], sizes["test/neg"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_ratings_agree_with_the_folder_and_lengths_are_those_of_reviews(folder: str) -> None:
    names = [re.fullmatch(r"(\d+)_(\d+)\.txt", path.name) for path in reviews(folder)]
    assert [int(name[1]) for name in names if name] == list(range(len(reviews(folder))))
    allowed = {"pos": {7, 8, 9, 10}, "neg": {1, 2, 3, 4}, "unsup": {0}}[folder.split("/")[1]]
    assert {int(name[2]) for name in names if name} == allowed
    lengths = {path.name: len(words(path)) for path in reviews(folder)}
    assert {name: length for name, length in lengths.items() if not 40 <= length <= 150} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_review_has_a_line_that_names_its_movie(folder: str) -> None:
    assert len(movies(folder)) == len(reviews(folder))
    assert all(re.fullmatch(r"http://\S+/title/\w+/usercomments", line) for line in movies(folder))


def test_movies_are_in_one_split_and_some_have_reviews_of_both_labels() -> None:
    train = {*movies("train/pos"), *movies("train/neg"), *movies("train/unsup")}
    assert not train & {*movies("test/pos"), *movies("test/neg")}
    for split in ("train", "test"):  # or else a movie's name would tell the label
        assert set(movies(f"{split}/pos")) & set(movies(f"{split}/neg")), split


def test_no_two_reviews_share_eight_words_in_a_row() -> None:
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


def test_few_reviews_begin_with_the_same_words() -> None:
    openings = Counter(" ".join(words(path)[:4]).lower() for folder in FOLDERS for path in reviews(folder))
    assert openings.most_common(1)[0][1] <= 3


def test_texts_have_no_control_characters() -> None:
    for folder in FOLDERS:
        for path in reviews(folder):
            text = path.read_bytes().decode("utf-8")
            assert text.strip(), path
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]", text), path
