"""From review files to the table of reviews and its summary, on a corpus whose every number is known."""

import hashlib
import json
import random
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import Result

from imdb_sentiment.artifacts import reviews as reviews_module
from imdb_sentiment.artifacts.reviews import REVIEWS_SCHEMA, write_reviews
from imdb_sentiment.corpus.findings import Findings
from imdb_sentiment.corpus.fingerprint import KNOWN_FINGERPRINTS
from imdb_sentiment.corpus.ingest import get_reviews_data
from imdb_sentiment.corpus.summary import summarize_reviews
from imdb_sentiment.runtime.errors import SourceError
from stages import ingest
from tests.factories import corpus_files, pack, snapshot, write_folder, write_params
from tests.stage_runs import assert_refused, invoke

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
    + b"  The Long Pier (2031) \r\n",  # not an address: the line itself names the movie
    "test/urls_neg.txt": b"http://www.imdb.com/title/tt0000005/usercomments\n" * 3,
}
REVIEWS = {name: content for name, content in KNOWN.items() if "urls" not in name}

# path + "\n" + the SHA-256 of the content in hexadecimal digits + "\n", of the reviews alone, in the paths' byte order.
KNOWN_FINGERPRINT = hashlib.sha256(
    "".join(f"{path}\n{hashlib.sha256(REVIEWS[path]).hexdigest()}\n" for path in sorted(REVIEWS)).encode()
).hexdigest()

KNOWN_SUMMARY: dict[str, Any] = {
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
    "groups": {"train": 3, "test": 3, "unsupervised": 0},
    "groups_in_train_and_test": 1,
    "fingerprint": KNOWN_FINGERPRINT,
    "known_as": None,
    "tables": None,
}


def _summarize(source: Path) -> dict[str, Any]:
    findings = Findings()
    return summarize_reviews(get_reviews_data(source, findings), findings)


def _rows(reviews: pd.DataFrame) -> dict[str, tuple[object, ...]]:
    """Return the rows by review id, None where there is no value."""
    rows = reviews.astype(object).where(reviews.notna(), None)
    return {row[0]: row[1:] for row in rows.itertuples(index=False, name=None)}


def test_rows_hold_what_file_name_folder_and_urls_line_say(tmp_path: Path) -> None:
    reviews = get_reviews_data(str(write_folder(tmp_path / "corpus", KNOWN)))

    assert list(reviews.columns) == ["review_id", "split", "label", "rating", "group", "text"]
    assert _rows(reviews) == {
        "train/pos/0_9": ("train", 1, 9, "tt0000001", "A good film."),
        "train/pos/1_7": ("train", 1, 7, "tt0000001", "A good film."),
        "train/pos/2_10": ("train", 1, 10, "tt0000002", "A good film."),
        "train/neg/0_1": ("train", 0, 1, "tt0000002", "A bad film, sadly."),
        "train/neg/1_4": ("train", 0, 4, "tt0000003", ""),
        "train/unsup/0_0": ("unsupervised", None, None, None, "A film."),
        "train/unsup/1_0": ("unsupervised", None, None, None, "A film."),
        "test/pos/0_8": ("test", 1, 8, "tt0000003", "A good film."),
        "test/pos/1_8": ("test", 1, 8, "The Long Pier (2031)", "A film."),
        "test/neg/0_2": ("test", 0, 2, "tt0000005", "A very bad film."),
        "test/neg/1_3": ("test", 0, 3, "tt0000005", "A bad film, sadly."),
        "test/neg/2_3": ("test", 0, 3, "tt0000005", "A bad film, sadly."),
    }


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_rows_and_summary_do_not_depend_on_container_and_order(tmp_path: Path, compression: str) -> None:
    names = random.Random(compression).sample(list(KNOWN), len(KNOWN))  # noqa: S311  # an order, not a secret
    archive = pack({name: KNOWN[name] for name in names}, tmp_path / "corpus.tar", compression)
    reviews = get_reviews_data(archive)

    assert [f"{name}.txt" for name in reviews["review_id"]] == [name for name in names if name in REVIEWS]
    assert _rows(reviews) == _rows(get_reviews_data(write_folder(tmp_path / "corpus", KNOWN)))
    assert _summarize(archive) == KNOWN_SUMMARY


def test_summary_names_a_corpus_by_its_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = KNOWN | {"train/pos/0_9.txt": b"A good film!"}
    monkeypatch.setitem(KNOWN_FINGERPRINTS, KNOWN_FINGERPRINT, "Twelve made-up reviews")

    assert _summarize(pack(REVIEWS, tmp_path / "corpus.tar"))["known_as"] == "Twelve made-up reviews"
    assert _summarize(pack(changed, tmp_path / "corpus.tar"))["known_as"] is None


def test_summary_of_labelled_reviews_alone(tmp_path: Path) -> None:
    summary = _summarize(pack({name: KNOWN[name] for name in KNOWN if "unsup" not in name}, tmp_path / "corpus.tar"))

    assert summary["reviews"] == 10
    assert summary["counts"] == KNOWN_SUMMARY["counts"] | {"unsupervised": {}}
    assert summary["test_reviews_also_unlabelled"] == 0


@pytest.mark.parametrize("missing", ["train/urls_pos.txt", "train/urls_unsup.txt", "test/urls_neg.txt"])
def test_without_a_urls_file_only_the_movies_of_its_reviews_are_unknown(tmp_path: Path, missing: str) -> None:
    files = corpus_files()
    del files[missing]

    reviews = get_reviews_data(pack(files, tmp_path / "corpus.tar"))

    folder = missing.replace("urls_", "").removesuffix(".txt")
    assert list(reviews["group"].isna()) == [name.startswith(f"{folder}/") for name in reviews["review_id"]]


def test_table_has_the_schema_and_the_rows_whatever_the_types_of_the_frame(tmp_path: Path) -> None:
    reviews = get_reviews_data(pack(KNOWN, tmp_path / "corpus.tar"))
    plain = reviews.astype(object).where(reviews.notna(), None)
    for name, frame in (("reviews", reviews), ("plain", plain)):
        write_reviews(frame, tmp_path / name)

    assert pq.read_schema(tmp_path / "reviews").equals(REVIEWS_SCHEMA, check_metadata=True)
    assert _rows(pq.read_table(tmp_path / "reviews").to_pandas(types_mapper=pd.ArrowDtype)) == _rows(reviews)
    assert (tmp_path / "plain").read_bytes() == (tmp_path / "reviews").read_bytes()


@pytest.mark.parametrize(
    ("limit", "value", "sizes"),
    [
        ("ROW_GROUP_SIZE", 5, [5, 5, 2]),
        ("ROW_GROUP_SIZE", 6, [6, 6]),
        ("ROW_GROUP_CHARACTERS", 36, [3, 5, 3, 1]),  # lengths: 12 12 12 | 18 0 7 7 12 | 7 16 18 | 18
    ],
)
def test_row_groups_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(reviews_module, limit, value)
    write_reviews(get_reviews_data(pack(KNOWN, tmp_path / "corpus.tar")), tmp_path / "reviews.parquet")

    with pq.ParquetFile(tmp_path / "reviews.parquet") as file:
        assert [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)] == sizes


def _ingest(folder: Path, *options: object) -> Result:
    outputs = ("--reviews", folder / "reviews.parquet", "--data-summary", folder / "data.json")
    params = () if "--params" in options else ("--params", write_params(folder.parent / "params.yaml"))
    return invoke(ingest.app, *outputs, *params, *options)


def test_stage_writes_table_and_summary_and_counts_the_reviews(tmp_path: Path) -> None:
    source = pack(KNOWN, tmp_path / "corpus.tar")
    (tmp_path / "first").mkdir()
    (tmp_path / "first/reviews.parquet").write_bytes(b"old")
    for folder in (tmp_path / "first", tmp_path / "second"):
        result = _ingest(folder, "--source", source)
        assert re.fullmatch(r"Reading \.\.\.\nReading: 12 reviews in 0:0\d\n", result.stderr)
        assert result.exit_code == 0

    assert json.loads((tmp_path / "first/data.json").read_text(encoding="utf-8")) == KNOWN_SUMMARY
    table = pq.read_table(tmp_path / "first/reviews.parquet")
    assert _rows(table.to_pandas(types_mapper=pd.ArrowDtype)) == _rows(get_reviews_data(source))
    assert snapshot(tmp_path / "first") == snapshot(tmp_path / "second")
    assert snapshot(tmp_path / "first").keys() == {"reviews.parquet", "data.json"}


def test_stage_takes_its_source_from_the_params_and_no_shell_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "s$(touch X)", KNOWN)
    params = write_params(tmp_path / "params.yaml", {"data.source": '"s$(touch X)"'})

    assert _ingest(tmp_path / "out", "--params", params).exit_code == 0
    assert not (tmp_path / "X").exists()
    assert json.loads((tmp_path / "out/data.json").read_text(encoding="utf-8")) == KNOWN_SUMMARY


def test_stage_takes_the_option_for_the_source_and_checks_all_params(tmp_path: Path) -> None:
    source = pack(KNOWN, tmp_path / "corpus.tar")
    write_params(tmp_path / "params.yaml", {"data.source": "nowhere"})
    assert _ingest(tmp_path / "out", "--source", source, "--params", tmp_path / "params.yaml").exit_code == 0
    write_params(tmp_path / "params.yaml", {"train.epochs": "-1"})
    assert_refused(_ingest(tmp_path / "out", "--params", tmp_path / "params.yaml"), "train.epochs")


def test_refused_source_leaves_the_old_outputs(tmp_path: Path) -> None:
    source = pack(corpus_files() | {"train/pos/8.txt": b"A film."}, tmp_path / "corpus.tar")
    write_folder(tmp_path, {"reviews.parquet": b"old", "data.json": b"old"})
    before = snapshot(tmp_path)

    assert_refused(_ingest(tmp_path, "--source", source), f"{source}: aclImdb/train/pos/8.txt: found", "expected")
    assert snapshot(tmp_path) == before


NOT_REVIEWS = [
    *((f"train/pos/{name}", b"A film.", "ID_RATING.txt") for name in ("8.txt", "8_9.html", "-8_9.txt", "8_100.txt")),
    ("train/pos/\N{ARABIC-INDIC DIGIT EIGHT}_9.txt", b"A film.", "ID_RATING.txt"),
    ("train/pos/8_\udcff9.txt", b"A film.", "ID_RATING.txt"),
    ("train/pos/8_6.txt", b"A film.", "the rating 6; expected 7 to 10 in train/pos"),
    ("test/neg/8_0.txt", b"A film.", "the rating 0; expected 1 to 4 in test/neg"),
    ("train/unsup/8_7.txt", b"A film.", "the rating 7; expected 0 in train/unsup"),
    ("train/pos/0_8.txt", b"A film.", "review 0 twice"),
    ("test/neg/8_4.txt", "Un café.".encode("latin-1"), "the byte 0xe9 at position 6; expected UTF-8"),
    ("train/urls_pos.txt", "\ufeffA film.".encode("utf-16"), "the byte 0xff at position 0; expected UTF-8"),
    ("train/pos/8_9.txt", b"", "no bytes"),
    ("test/urls_neg.txt", b"", "no bytes"),
    ("test/urls_pos.txt", b"http://www.imdb.com/title/tt1/\n" * 7, "7 lines; expected a line for review 7"),
]


@pytest.mark.parametrize("as_folder", [True, False])
@pytest.mark.parametrize(("name", "content", "found"), NOT_REVIEWS)
def test_file_that_breaks_the_layout_is_refused(
    tmp_path: Path, name: str, content: bytes, found: str, as_folder: bool
) -> None:
    files = corpus_files() | {name: content}
    source = write_folder(tmp_path / "c", files) if as_folder else pack(files, tmp_path / "c.tar", prefix="")
    with pytest.raises(SourceError) as caught:
        get_reviews_data(source)

    where = f"{source}/{name}" if as_folder else f"{source}: {name}"
    for part in (f"{where}: found ", found, "; expected "):
        assert part in str(caught.value)


def test_memory_is_a_small_multiple_of_the_text(tmp_path: Path) -> None:
    texts = {
        f"train/pos/{number}_9.txt": "A \N{PILE OF POO}".encode() + b"film " * 10_000 for number in range(100, 200)
    }
    lines = {"train/urls_pos.txt": b"".join(b"%d\n" % number for number in range(100_000))}
    archive = pack(KNOWN | texts | lines, tmp_path / "corpus.tar")
    size = sum(map(len, texts.values())) + len(lines["train/urls_pos.txt"])

    tracemalloc.start()
    arrow = pa.total_allocated_bytes()
    reviews = get_reviews_data(archive)
    summarize_reviews(reviews, Findings())
    peak = tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - arrow
    tracemalloc.stop()

    assert len(reviews) == 112
    assert peak < 2 * size
