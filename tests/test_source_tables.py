"""Training data from tables: what is understood of them, and what is refused since it is not clear."""

import json
import shutil
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imdb_sentiment.corpus.findings import Findings
from imdb_sentiment.corpus.ingest import get_reviews_data
from imdb_sentiment.corpus.label_spellings import LEFT_OUT, find_meanings, spell
from imdb_sentiment.corpus.summary import summarize_reviews
from imdb_sentiment.runtime.errors import InputError, PipelineError, SourceError
from imdb_sentiment.runtime.params import TableParams
from stages import ingest
from tests.factories import corpus_files, pack, write_folder, write_params
from tests.stage_runs import assert_refused, invoke
from tests.table_files import SUFFIXES, write_table

ROWS = [
    {"review": "I loved it.<br /><br />So good.", "sentiment": "positive"},
    {"review": "I hated it.", "sentiment": "negative"},
    {"review": "A wonderful story.", "sentiment": "Positive "},
    {"review": "Dull.", "sentiment": "NEGATIVE"},
]


def read(path: Path, **params: Any) -> tuple[list[dict[str, Any]], Findings]:
    """Return the reviews of the source `path` as dictionaries, and what was found out about it."""
    findings = Findings()
    reviews = get_reviews_data(path, findings, table_params=TableParams(**params))
    rows = reviews.astype(object).where(reviews.notna(), None)
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.itertuples(index=False, name=None)], findings


def labels(rows: list[dict[str, Any]]) -> list[int | None]:
    return [row["label"] for row in rows]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_table_of_each_format_becomes_cleaned_reviews(tmp_path: Path, suffix: str) -> None:
    path = write_table(tmp_path / f"IMDB Dataset{suffix}", ROWS)
    rows, findings = read(path)
    assert rows[0] == {
        "review_id": f"{path.name}/00000001",
        "split": "train",
        "label": 1,
        "rating": None,
        "group": None,
        "text": "I loved it. So good.",
    }
    assert labels(rows) == [1, 0, 1, 0]
    assert findings.tables is not None
    assert findings.tables.columns == {"text": "review", "label": "sentiment"}
    assert findings.tables.labels == {"positive": "positive", "negative": "negative"}
    first, second, third = findings.tables.lines()
    assert first.startswith(f"source:   IMDB Dataset{suffix} (")
    assert second == "columns:  text from review, label from sentiment; labels: positive: positive, negative: negative"
    assert third == "split:    none in the source; rows left out: none"


@pytest.mark.parametrize(
    ("spellings", "meanings"),
    [
        (["pos", "neg"], [1, 0]),
        (["1", "0"], [1, 0]),
        (["2", "1"], [1, 0]),
        (["2", "1", "-1"], [1, 0, None]),
        (["True", "FALSE"], [1, 0]),
        (["1.0", "0.0", "nan"], [1, 0, None]),
        (["1", "0", "-1", ""], [1, 0, None, None]),
        (["Positive", "neg", "null"], [1, 0, None]),
    ],
)
def test_labels_are_understood_as_people_write_them(spellings: list[str], meanings: list[int | None]) -> None:
    counts = Counter(map(spell, spellings))
    found = find_meanings(counts, TableParams(), "table.csv")
    assert [found[spell(spelling)] for spelling in spellings] == meanings


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", " 1.0 ", "true", "TRUE"])
def test_values_of_each_type_are_labels(value: object) -> None:
    assert find_meanings(Counter([spell(value)]), TableParams(), "")[spell(value)] == 1


@pytest.mark.parametrize(
    "spellings", [["1", "2", "3"], ["good", "bad"], ["-1", "1"], ["0", "4"], ["positive", "negative", "neutral"]]
)
def test_labels_that_are_not_clear_are_listed(spellings: list[str]) -> None:
    counts = Counter({spelling: 3 - place for place, spelling in enumerate(spellings)})
    listed = f"found the labels {spellings[0]} \\(3 rows\\), {spellings[1]} \\(2 rows\\)"
    with pytest.raises(SourceError, match=rf"table\.csv: {listed}.*or that positive and negative name the labels"):
        find_meanings(counts, TableParams(), "table.csv")


def test_minus_one_among_three_labels_is_not_taken_for_no_label(tmp_path: Path) -> None:
    rows = [{"text": f"Film {number}", "label": number % 3 - 1, "split": "train"} for number in range(6)]
    path = write_table(tmp_path / "table.jsonl", rows)
    with pytest.raises(SourceError, match=r"found the labels -1 \(2 rows\), 0 .*-1, 0 and 1 may mean three"):
        read(path)
    for row in rows:
        row["split"] = "unsupervised" if row["label"] == -1 else "train"
    assert labels(read(write_table(path, rows))[0]) == [None, 0, 1] * 2


def test_two_columns_for_one_role_and_very_long_labels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("text,label,Label\nGood,1,0\nBad,0,1\n")
    with pytest.raises(SourceError, match="found 2 columns label; expected one"):
        read(path)
    path.write_text(f"text,label\nGood,{'x' * 1001}\n")
    with pytest.raises(SourceError, match=r"line 2: found 1,001 characters in the column of the label; .* 1,000"):
        read(path)


def test_named_labels_and_scales_leave_out_what_lies_between() -> None:
    named = TableParams(positive=[5, "Great"], negative=[1])
    found = find_meanings(Counter(["1", "3", "5", "great", ""]), named, "")
    assert [found[label] for label in ("1", "3", "5", "great", "")] == [0, LEFT_OUT, 1, 1, None]
    scale = TableParams(positive_from=4, negative_up_to=2.5)
    found = find_meanings(Counter(["1", "2.5", "3", "4", "5", "-2"]), scale, "")
    assert [found[label] for label in ("1", "2.5", "3", "4", "5", "-2")] == [0, 0, LEFT_OUT, 1, 1, 0]
    with pytest.raises(SourceError, match=r"found the labels great .*expected numbers, as positive_from is set"):
        find_meanings(Counter(["great"]), scale, "")
    with pytest.raises(SourceError, match="found 5 in positive and in negative"):
        find_meanings(Counter(["5"]), TableParams(positive=[5], negative=["5"]), "")
    with pytest.raises(SourceError, match=r"found the labels yes \(1 rows\)"):
        find_meanings(Counter(["yes"]), named, "")


def test_star_scale_is_understood_with_thresholds(tmp_path: Path) -> None:
    rows = [{"text": f"Review {stars}", "stars": str(stars), "business_id": f"b{stars % 2}"} for stars in range(1, 6)]
    path = write_table(tmp_path / "yelp.jsonl", rows)
    with pytest.raises(SourceError, match=r"yelp\.jsonl: found the labels 1 \(1 rows\), 2 .*negative_up_to stars"):
        read(path)
    found, findings = read(path, positive_from=4, negative_up_to=2)
    assert [(row["label"], row["rating"], row["group"]) for row in found] == [
        (0, 1, "b1"),
        (0, 2, "b0"),
        (1, 4, "b0"),
        (1, 5, "b1"),
    ]
    assert findings.tables is not None
    assert dict(findings.tables.left_out) == {"with other labels": 1}
    assert findings.tables.lines()[2].endswith("rows left out: 1 with other labels")


def test_folder_of_tables_has_its_splits_in_its_names(tmp_path: Path) -> None:
    folder = tmp_path / "plain_text"
    folder.mkdir()
    for name, label in (("train-00000-of-00002", 1), ("train-00001-of-00002", 0), ("test-00000-of-00001", 1)):
        pq.write_table(pa.table({"text": ["Good film", "Bad film"], "label": [label, 0]}), folder / f"{name}.parquet")
    pq.write_table(pa.table({"text": ["Some film"], "label": [-1]}), folder / "unsupervised-00000-of-00001.parquet")
    rows, findings = read(tmp_path)
    assert Counter((row["split"], row["label"]) for row in rows) == {
        ("train", 1): 1,
        ("train", 0): 3,
        ("test", 1): 1,
        ("test", 0): 1,
        ("unsupervised", None): 1,
    }
    assert len({row["review_id"] for row in rows}) == 7
    assert findings.tables is not None
    assert findings.tables.split == "as the source names it"
    summary = summarize_reviews(get_reviews_data(tmp_path), findings)
    assert summary["counts"]["train"] == {"negative": 3, "positive": 1}
    assert json.loads(json.dumps(summary))["tables"]["files"][0]["format"] == "Parquet"
    write_table(folder / "more.csv", ROWS)
    with pytest.raises(SourceError, match=r"found more\.csv among tables with a split in their names"):
        read(folder)


def test_split_group_and_id_columns_are_used_or_ignored_as_they_are(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "Good one", "label": 1, "split": "train", "movie_id": "a", "id": "7"},
        {"text": "Bad one", "label": 0, "split": "TEST", "movie_id": "", "id": "8"},
        {"text": "Some one", "label": 1, "split": "dev", "movie_id": "b", "id": "9"},
        {"text": "No label", "label": "", "split": "test", "movie_id": "b", "id": "10"},
        {"text": "For later", "label": "", "split": "", "movie_id": "b", "id": "11"},
    ]
    path = write_table(tmp_path / "table.csv", rows)
    found, findings = read(path)
    assert [(row["review_id"], row["split"], row["group"]) for row in found] == [
        ("table.csv/7", "train", "a"),
        ("table.csv/8", "test", None),
        ("table.csv/9", "validation", "b"),
        ("table.csv/11", "unsupervised", "b"),
    ]
    assert findings.tables is not None
    assert dict(findings.tables.left_out) == {"of the test part without a label": 1}
    others: list[dict[str, Any]] = [
        {"text": "Good", "label": 1, "split": "A", "id": "1"},
        {"text": "Bad", "label": 0, "split": "B", "id": "1"},
    ]
    path = write_table(tmp_path / "others.csv", others)
    found, _ = read(path)
    assert [(row["review_id"], row["split"]) for row in found] == [
        ("others.csv/00000001", "train"),
        ("others.csv/00000002", "train"),
    ]
    with pytest.raises(SourceError, match="in the column split, found a; expected train, test, validation or"):
        read(path, split_column="split")
    with pytest.raises(SourceError, match="in the column id, found values that are not there or not different"):
        read(path, id_column="id")


def test_rows_that_are_no_reviews_are_left_out_and_counted_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('text,label\nGood,1\n,0\n"<br />",0\nBad,0\ncut\nSo good,1\n')
    with pytest.raises(SourceError, match=r"line 6: found 1 fields; expected 2.*data\.table\.skip_bad_rows"):
        read(path)
    rows, findings = read(path, skip_bad_rows=True)
    assert [row["text"] for row in rows] == ["Good", "Bad", "So good"]
    assert findings.tables is not None
    assert dict(findings.tables.left_out) == {"without a text": 2, "that cannot be read": 1}


@pytest.mark.parametrize(
    ("content", "params", "message"),
    [
        ("text,other\nGood,1\n", {}, "found the columns text, other; expected labels in label, sentiment"),
        ("text,label\nGood,\n", {}, "found no labelled review"),
        ("text,label\nGood,1\n", {"label_column": "stars"}, "expected also stars, which data.table.label_column names"),
        ("a,b\nGood,1\n", {"text_column": "c"}, "expected also c, which data.table.text_column names"),
        ("Good,1\nBad,0\n", {}, "found the columns Good, 1; expected texts in text.*data.table.header: false"),
    ],
)
def test_table_without_texts_or_labels_is_refused(
    tmp_path: Path, content: str, params: dict[str, Any], message: str
) -> None:
    (tmp_path / "table.csv").write_text(content)
    with pytest.raises(PipelineError, match=message):
        read(tmp_path / "table.csv", **params)


def test_table_without_a_header_and_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "yelp_polarity.csv"
    path.write_bytes('"2";"Un caf\xe9 merveilleux"\n"1";"Terne"\n'.encode("cp1252"))
    rows, findings = read(path, header=False, text_column="2", label_column="1")
    assert [(row["text"], row["label"]) for row in rows] == [("Un café merveilleux", 1), ("Terne", 0)]
    assert findings.tables is not None
    assert findings.tables.files[0]["format"] == "CSV in cp1252, separated by semicolons"


EXPORTS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "IMDB Dataset.csv": ([{"review": "Good", "sentiment": "positive"}, {"review": "Bad", "sentiment": "negative"}], {}),
    "train-00000-of-00001.parquet": ([{"text": "Good", "label": 1}, {"text": "Bad", "label": 0}], {}),
    "yelp_academic_dataset_review.jsonl": (
        [
            {"review_id": "a", "user_id": "u", "business_id": "b", "stars": 5.0, "text": "Good", "date": "2031-01-01"},
            {"review_id": "c", "user_id": "u", "business_id": "b", "stars": 1.0, "text": "Bad", "date": "2031-01-02"},
        ],
        {"positive_from": 4, "negative_up_to": 2},
    ),
    "Movies_and_TV.jsonl": (
        [
            {"rating": 5.0, "title": "Bad title", "text": "Good", "parent_asin": "B1", "verified_purchase": True},
            {"rating": 2.0, "title": "Good title", "text": "Bad", "parent_asin": "B2", "verified_purchase": False},
        ],
        {"positive_from": 4, "negative_up_to": 2},
    ),
    "amazon_reviews_us.tsv": (
        [
            {"customer_id": 1, "review_id": "R1", "product_id": "P", "star_rating": 5, "review_body": "Good"},
            {"customer_id": 2, "review_id": "R2", "product_id": "P", "star_rating": 1, "review_body": "Bad"},
        ],
        {"positive_from": 4, "negative_up_to": 2},
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_of_the_usual_places_are_understood(tmp_path: Path, name: str) -> None:
    exported, params = EXPORTS[name]
    rows, findings = read(write_table(tmp_path / name, exported), **params)
    assert [(row["text"], row["label"]) for row in rows] == [("Good", 1), ("Bad", 0)]
    assert findings.tables is not None
    assert ("group" in findings.tables.columns) == (len(exported[0]) > 2)


def test_export_of_a_spreadsheet_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "Bewertungen.csv"
    path.write_bytes('Nr;Text;Urteil\r\n1;"Sehr schön; wirklich";gut\r\n2;Öde;schlecht\r\n'.encode("cp1252"))
    rows, findings = read(path, label_column="Urteil", positive=["gut"], negative=["schlecht"])
    assert [(row["text"], row["label"]) for row in rows] == [("Sehr schön; wirklich", 1), ("Öde", 0)]
    assert findings.tables is not None
    assert findings.tables.files[0]["format"] == "CSV in cp1252, separated by semicolons"


def test_layout_in_a_zip_or_one_folder_above_is_read_as_the_folder(tmp_path: Path) -> None:
    files = corpus_files()
    folder = write_folder(tmp_path / "above/aclImdb", files)
    expected, _ = read(folder)
    assert sorted(read(tmp_path / "above")[0], key=str) == sorted(expected, key=str)
    with zipfile.ZipFile(tmp_path / "corpus.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"aclImdb/{name}", content)
    assert sorted(read(tmp_path / "corpus.zip")[0], key=str) == sorted(expected, key=str)
    packed = pack(files, tmp_path / "corpus.tar")
    assert sorted(read(packed)[0], key=str) == sorted(expected, key=str)
    (tmp_path / "corpus.zip").write_bytes((tmp_path / "corpus.zip").read_bytes()[:-30])
    with pytest.raises(PipelineError, match=r"corpus\.zip: found"):
        read(tmp_path / "corpus.zip")


def test_link_and_large_file_in_a_zip_are_refused(tmp_path: Path) -> None:
    for name, content, mode, message in (
        ("train/pos/0_9.txt", b"../../secret", 0o120777, "found a link, device or pipe"),
        ("train/pos/0_9.txt", b"x" * 1_000_001, 0, "found 1,000,001 bytes; expected at most"),
    ):
        with zipfile.ZipFile(tmp_path / "corpus.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, content)
        with pytest.raises(SourceError, match=rf"corpus\.zip: {name}: {message}"):
            read(tmp_path / "corpus.zip")


def test_the_fingerprint_of_a_table_depends_on_what_is_learned_from_it(tmp_path: Path) -> None:
    def fingerprint(rows: list[dict[str, Any]]) -> str:
        return read(write_table(tmp_path / "table.csv", rows))[1].fingerprint.hexdigest()

    first = fingerprint(ROWS)
    assert fingerprint([{**row, "note": "x"} for row in ROWS]) == first
    assert fingerprint([{**ROWS[0], "sentiment": "negative"}, *ROWS[1:]]) != first
    assert fingerprint([{**ROWS[0], "review": "Other"}, *ROWS[1:]]) != first


def test_ingest_prints_what_was_understood(tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", ROWS)
    params = write_params(tmp_path / "params.yaml", {"data.source": str(path)})
    outputs = ("--reviews", tmp_path / "reviews.parquet", "--data-summary", tmp_path / "data.json")
    result = invoke(ingest.app, "--params", params, *outputs)
    assert result.exit_code == 0, result.stderr
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["source", "columns", "split"]
    written = json.loads((tmp_path / "data.json").read_text())["tables"]
    assert written["files"] == [
        {"name": "table.csv", "format": "CSV in utf-8, separated by commas", "rows": 4},
    ]
    params = write_params(tmp_path / "params.yaml", {"data.source": str(path), "data.table.positive": "[good]"})
    assert_refused(
        invoke(ingest.app, "--params", params, *outputs),
        "data.table: found only one of positive and negative; expected both",
    )


def test_copy_of_a_table_elsewhere_is_read_alike(tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", ROWS)
    (tmp_path / "other").mkdir()
    shutil.copy(path, tmp_path / "other/table.csv")
    assert pd.DataFrame(read(path)[0]).equals(pd.DataFrame(read(tmp_path / "other/table.csv")[0]))
    with pytest.raises(InputError, match="--format xlsx"):
        read(path, format="xlsx")
