"""From review files to the table of reviews and the report on them, on a corpus whose every number is known."""

import hashlib
import json
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imdb_sentiment.corpus import ingest as corpus_module
from imdb_sentiment.corpus import summary as corpus_report
from imdb_sentiment.corpus.ingest import get_reviews_data, ingest_reviews
from stages import ingest
from tests.conftest import corpus_files, pack, run_stage, write_folder

GOOD, BAD, PLAIN, EMPTY = b"A good film.", b"A bad film, sadly.", b"A film.", b"<br /><br />\n"

# Lengths of the cleaned texts: 12, 18, 7 and 0 characters.
KNOWN = {
    "train/pos/0_9.txt": GOOD,
    "train/pos/1_7.txt": b"A good<br />film.",  # the same text as GOOD once it is clean
    "train/pos/2_10.txt": GOOD,
    "train/neg/0_1.txt": BAD,
    "train/neg/1_4.txt": EMPTY,
    "train/unsup/0_0.txt": PLAIN,
    "train/unsup/1_0.txt": PLAIN,  # a duplicate, but neither within train nor within test
    "test/pos/0_8.txt": GOOD,  # also in train
    "test/pos/1_8.txt": PLAIN,  # also among the unlabelled
    "test/neg/0_2.txt": b"A very bad film.",  # 16 characters, nowhere else
    "test/neg/1_3.txt": BAD,  # also in train
    "test/neg/2_3.txt": BAD,  # also in train, and a duplicate within test
    "train/urls_pos.txt": b"http://www.imdb.com/title/tt0000001/usercomments\n" * 2
    + b"http://www.imdb.com/title/tt0000002/usercomments\n",
    "train/urls_neg.txt": b"http://www.imdb.com/title/tt0000002/usercomments\n"
    + b"http://www.imdb.com/title/tt0000003/usercomments\n",
    "test/urls_pos.txt": b"http://www.imdb.com/title/tt0000003/usercomments\n"
    + b"http://www.imdb.com/title/tt0000004/usercomments\n",
    "test/urls_neg.txt": b"http://www.imdb.com/title/tt0000005/usercomments\n" * 3,
}

# path + "\n" + the SHA-256 of the content in hexadecimal digits + "\n", of the reviews alone, in the paths' byte order.
KNOWN_FINGERPRINT = hashlib.sha256(
    "".join(
        f"{path}\n{hashlib.sha256(KNOWN[path]).hexdigest()}\n"
        for path in [
            "test/neg/0_2.txt",
            "test/neg/1_3.txt",
            "test/neg/2_3.txt",
            "test/pos/0_8.txt",
            "test/pos/1_8.txt",
            "train/neg/0_1.txt",
            "train/neg/1_4.txt",
            "train/pos/0_9.txt",
            "train/pos/1_7.txt",
            "train/pos/2_10.txt",
            "train/unsup/0_0.txt",
            "train/unsup/1_0.txt",
        ]
    ).encode()
).hexdigest()

KNOWN_REPORT = {
    "reviews": 12,
    "counts": {
        "train": {"negative": 2, "positive": 3},
        "test": {"negative": 3, "positive": 2},
        "unsupervised": {"unlabelled": 2},
    },
    "empty_reviews": 1,
    "duplicates_within_train": 2,
    "duplicates_within_test": 1,
    "test_reviews_also_in_train": 3,
    "test_reviews_also_unlabelled": 1,
    # Of the lengths 0 7 7 7 12 12 12 12 16 18 18 18, the one at position percent / 100 * 11, rounded down.
    "length_percentiles": {"0": 0, "5": 0, "25": 7, "50": 12, "75": 16, "95": 18, "99": 18, "100": 18},
    "movies": {"train": 3, "test": 3, "unsupervised": 0},
    "movies_in_train_and_test": 1,
    "fingerprint": KNOWN_FINGERPRINT,
    "known_as": None,
}


def _ingest(source: Path, folder: Path) -> tuple[pd.DataFrame, dict[str, object]]:
    reviews, report = folder / "reviews.parquet", folder / "data.json"
    result = run_stage(ingest.app, source, reviews, report)
    assert result.exit_code == 0, result.stderr
    return pq.read_table(reviews).to_pandas(), json.loads(report.read_text(encoding="utf-8"))


def _rows(reviews: pd.DataFrame) -> dict[str, tuple[object, ...]]:
    """Return the rows by review id, None where there is no value."""
    rows = reviews.astype(object).where(reviews.notna(), None)
    return {row[0]: row[1:] for row in rows.itertuples(index=False, name=None)}


def test_each_row_says_what_its_file_name_folder_and_urls_line_say(tmp_path: Path) -> None:
    reviews = get_reviews_data(write_folder(tmp_path / "corpus", KNOWN))

    assert list(reviews.columns) == ["review_id", "split", "label", "rating", "movie_id", "text"]
    assert _rows(reviews) == {
        "train/pos/0_9": ("train", 1, 9, "tt0000001", "A good film."),
        "train/pos/1_7": ("train", 1, 7, "tt0000001", "A good film."),
        "train/pos/2_10": ("train", 1, 10, "tt0000002", "A good film."),
        "train/neg/0_1": ("train", 0, 1, "tt0000002", "A bad film, sadly."),
        "train/neg/1_4": ("train", 0, 4, "tt0000003", ""),
        "train/unsup/0_0": ("unsupervised", None, None, None, "A film."),
        "train/unsup/1_0": ("unsupervised", None, None, None, "A film."),
        "test/pos/0_8": ("test", 1, 8, "tt0000003", "A good film."),
        "test/pos/1_8": ("test", 1, 8, "tt0000004", "A film."),
        "test/neg/0_2": ("test", 0, 2, "tt0000005", "A very bad film."),
        "test/neg/1_3": ("test", 0, 3, "tt0000005", "A bad film, sadly."),
        "test/neg/2_3": ("test", 0, 3, "tt0000005", "A bad film, sadly."),
    }


def test_the_stage_writes_the_rows_that_the_function_returns(tmp_path: Path) -> None:
    for source in (write_folder(tmp_path / "corpus", KNOWN), pack(KNOWN, tmp_path / "corpus.tar.bz2", "bz2")):
        table, _ = _ingest(source, tmp_path / "out")

        pd.testing.assert_frame_equal(table, get_reviews_data(source))


def test_the_report_counts_what_was_put_in(tmp_path: Path) -> None:
    _, report = _ingest(write_folder(tmp_path / "corpus", KNOWN), tmp_path)

    assert report == KNOWN_REPORT


def test_the_report_is_the_same_whatever_the_container_and_its_order(tmp_path: Path) -> None:
    backwards = dict(reversed(KNOWN.items()))

    for compression in ("", "gz", "bz2", "xz"):
        archive = pack(backwards, tmp_path / f"corpus.tar.{compression}", compression)
        rows, report = _ingest(archive, tmp_path)
        assert report == KNOWN_REPORT
        assert _rows(rows) == _rows(get_reviews_data(write_folder(tmp_path / "corpus", KNOWN)))


def test_a_corpus_of_known_fingerprint_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(corpus_report.KNOWN_FINGERPRINTS, KNOWN_FINGERPRINT, "Twelve made-up reviews")

    _, report = _ingest(write_folder(tmp_path / "corpus", KNOWN), tmp_path)

    assert report["known_as"] == "Twelve made-up reviews"


def test_the_urls_files_are_no_part_of_the_fingerprint(tmp_path: Path) -> None:
    reviews = {name: content for name, content in KNOWN.items() if "urls" not in name}

    _, report = _ingest(write_folder(tmp_path / "corpus", reviews), tmp_path)

    assert report["fingerprint"] == KNOWN_FINGERPRINT


def test_one_changed_byte_or_name_changes_the_fingerprint(tmp_path: Path) -> None:
    other_text = KNOWN | {"train/pos/0_9.txt": b"A good film!"}
    other_name = {name.replace("train/pos/0_9", "train/pos/0_8"): content for name, content in KNOWN.items()}

    for number, files in enumerate((other_text, other_name)):
        _, report = _ingest(pack(files, tmp_path / f"{number}.tar"), tmp_path)
        assert report["fingerprint"] != KNOWN_FINGERPRINT


def test_the_table_has_the_promised_columns_and_types(tmp_path: Path) -> None:
    _ingest(write_folder(tmp_path / "corpus", KNOWN), tmp_path)

    schema = pq.read_schema(tmp_path / "reviews.parquet")
    assert {field.name: (field.type, field.nullable) for field in schema} == {
        "review_id": (pa.string(), False),
        "split": (pa.string(), False),
        "label": (pa.int8(), True),
        "rating": (pa.int8(), True),
        "movie_id": (pa.string(), True),
        "text": (pa.string(), False),
    }


@pytest.mark.parametrize("missing", ["train/urls_pos.txt", "train/urls_unsup.txt", "test/urls_neg.txt"])
def test_without_a_urls_file_only_the_movies_of_its_reviews_are_unknown(tmp_path: Path, missing: str) -> None:
    files = corpus_files()
    del files[missing]
    folder = missing.replace("urls_", "").removesuffix(".txt")

    reviews = get_reviews_data(pack(files, tmp_path / "corpus.tar"))

    unknown = set(reviews["review_id"][reviews["movie_id"].isna()])
    assert unknown == set(reviews["review_id"][reviews["review_id"].str.startswith(folder + "/")])
    assert len(unknown) == 8


def test_movies_are_found_whether_the_urls_files_come_before_or_after_the_reviews(tmp_path: Path) -> None:
    first = dict(sorted(KNOWN.items(), key=lambda item: "urls" not in item[0]))
    last = dict(sorted(KNOWN.items(), key=lambda item: "urls" in item[0]))
    tables = [_ingest(pack(files, tmp_path / "corpus.tar"), tmp_path)[0] for files in (first, last)]

    pd.testing.assert_frame_equal(*tables)
    assert tables[0]["movie_id"].nunique() == 5


def test_a_line_that_is_no_address_names_the_movie_itself(tmp_path: Path) -> None:
    urls = b"  The Long Pier (2031)  \nhttp://www.imdb.com/title/tt0000001/\nThe Long Pier (2031)\n"
    reviews = get_reviews_data(write_folder(tmp_path / "corpus", KNOWN | {"train/urls_pos.txt": urls}))

    movies = reviews.set_index("review_id")["movie_id"]
    assert movies["train/pos/0_9"] == movies["train/pos/2_10"] == "The Long Pier (2031)"
    assert movies["train/pos/1_7"] == "tt0000001"


def test_a_corpus_of_labelled_reviews_alone_has_no_unlabelled_ones_in_its_report(tmp_path: Path) -> None:
    labelled = {name: content for name, content in KNOWN.items() if "unsup" not in name}

    _, report = _ingest(pack(labelled, tmp_path / "corpus.tar"), tmp_path)

    assert report["reviews"] == 10
    assert report["counts"] == KNOWN_REPORT["counts"] | {"unsupervised": {}}
    assert report["test_reviews_also_unlabelled"] == 0


def test_the_table_is_written_in_row_groups_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_module, "ROW_GROUP_SIZE", 5)
    source = pack(KNOWN, tmp_path / "corpus.tar")
    table, report = _ingest(source, tmp_path)

    metadata = pq.read_metadata(tmp_path / "reviews.parquet")
    assert [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)] == [5, 5, 2]
    assert report == KNOWN_REPORT
    pd.testing.assert_frame_equal(table, get_reviews_data(source))


def test_long_reviews_make_smaller_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_module, "ROW_GROUP_CHARACTERS", 36)
    _ingest(pack(KNOWN, tmp_path / "corpus.tar"), tmp_path)

    metadata = pq.read_metadata(tmp_path / "reviews.parquet")
    # Lengths in the order of KNOWN: 12 12 12 | 18 0 7 7 12 | 7 16 18 | 18
    assert [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)] == [3, 5, 3, 1]


def test_ingesting_again_writes_the_same_bytes_and_nothing_else(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "corpus", KNOWN)
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        ingest_reviews(source, folder / "reviews.parquet", folder / "data.json")

    assert (first / "reviews.parquet").read_bytes() == (second / "reviews.parquet").read_bytes()
    assert (first / "data.json").read_bytes() == (second / "data.json").read_bytes()
    assert sorted(path.name for path in first.iterdir()) == ["data.json", "reviews.parquet"]


def test_old_outputs_are_replaced(tmp_path: Path) -> None:
    _ingest(write_folder(tmp_path / "old", corpus_files()), tmp_path)

    table, report = _ingest(write_folder(tmp_path / "new", KNOWN), tmp_path)

    assert len(table) == report["reviews"] == 12


def test_reviews_of_a_whole_row_group_without_label_or_movie_keep_their_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_module, "ROW_GROUP_SIZE", 1)
    table, _ = _ingest(pack(KNOWN, tmp_path / "corpus.tar"), tmp_path)

    assert table["label"].isna().sum() == table["rating"].isna().sum() == table["movie_id"].isna().sum() == 2
    assert pq.read_schema(tmp_path / "reviews.parquet").field("label").type == pa.int8()


def test_each_review_is_counted_as_progress(tmp_path: Path) -> None:
    result = run_stage(
        ingest.app, pack(KNOWN, tmp_path / "c.tar"), tmp_path / "reviews.parquet", tmp_path / "data.json"
    )

    assert re.fullmatch(r"Reading \.\.\.\nReading: 12 reviews in 0:0\d\n", result.stderr)
    assert result.stdout == ""
