"""params.yaml says what it should not, or in an odd way."""

from pathlib import Path

import pytest

from imdb_sentiment.runtime.params import Params, load_params
from stages import fetch, ingest
from tests.conftest import assert_refused, params_text, run_stage, write_params
from tests.refusal import assert_refused_untouched, run_preprocess, run_train

BAD_PARAMS = {
    "preprocess.surprise": ("1", "preprocess.surprise", "unknown key", "max_length"),
    "surprise.key": ("1", "surprise", "unknown key", "preprocess"),
    "preprocess.max_length": ("0", "preprocess.max_length", "found 0", "at least 1"),
    "preprocess.vocabulary_size": ("2.5", "preprocess.vocabulary_size", "found 2.5", "a whole number", "at least 3"),
    "preprocess.split": ("halves", "preprocess.split", "found 'halves'", "official, random"),
    "preprocess.test_size": ("1.0", "preprocess.test_size", "found 1.0", "above 0", "below 1"),
    "preprocess.validation_size": ("lots", "preprocess.validation_size", "found 'lots'", "a number"),
    "preprocess.head_share": ("-0.1", "preprocess.head_share", "found -0.1", "at least 0", "at most 1"),
    "preprocess.seed": ("4294967296", "preprocess.seed", "found 4294967296", "below"),
    "model.bidirectional": ("1", "model.bidirectional", "found 1", "true or false"),
    "model.activation": ("swoosh", "model.activation", "found 'swoosh'", "tanh"),
    "model.lstm_units": ("true", "model.lstm_units", "found True", "a whole number"),
    "model.dropout_rate": ("1", "model.dropout_rate", "found 1", "below 1"),
    "model.l2": ("[0.1]", "model.l2", "found [0.1]", "a number"),
    "train.learning_rate": (".nan", "train.learning_rate", "found nan", "a number", "above 0"),
    "train.batch_size": ('"64"', "train.batch_size", "found '64'", "a whole number"),
    "train.epochs": ("null", "train.epochs", "found None", "a whole number"),
    "train.optimizer": ("Adam", "train.optimizer", "found 'Adam'", "adam, adamw"),
    "data.source": ("''", "data.source", "found ''", "a text"),
}


@pytest.mark.parametrize("key", BAD_PARAMS)
def test_a_bad_param_is_named_with_its_value_and_what_is_allowed(prepared: Path, key: str) -> None:
    value, *parts = BAD_PARAMS[key]
    write_params(prepared / "params.yaml", {key: value})

    assert_refused_untouched(run_preprocess, prepared, str(prepared / "params.yaml"), *parts)


def test_train_checks_its_params_before_it_loads_anything(prepared: Path) -> None:
    (prepared / "sequences.npz").write_bytes(b"not looked at")
    write_params(prepared / "params.yaml", {"train.learning_rate": "0"})

    parts = ("train.learning_rate", "found 0", "above 0", "at most 10")
    assert_refused_untouched(run_train, prepared, str(prepared / "params.yaml"), *parts)


@pytest.mark.parametrize("section", list(Params.model_fields))
def test_a_missing_section_is_named(prepared: Path, section: str) -> None:
    lines = params_text().splitlines(keepends=True)
    start = lines.index(f"{section}:\n")
    end = next((row for row in range(start + 1, len(lines)) if not lines[row].startswith(" ")), len(lines))
    (prepared / "params.yaml").write_text("".join(lines[:start] + lines[end:]), encoding="utf-8")

    assert_refused_untouched(run_preprocess, prepared, str(prepared / "params.yaml"), f"{section}: found nothing")


def test_a_missing_key_is_named_with_what_is_allowed(prepared: Path) -> None:
    (prepared / "params.yaml").write_text(params_text().replace("  epochs: 1\n", ""), encoding="utf-8")

    parts = ("train.epochs", "found nothing", "a whole number", "at least 1")
    assert_refused_untouched(run_preprocess, prepared, str(prepared / "params.yaml"), *parts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just a text",
        "- a\n- list\n",
        "train: [\n",
        "train:\n\tepochs: 1\n",
        "train: {epochs: 1, epochs: 2}\n",
        "train: &a\n  epochs: *b\n",
        "one: 1\n---\ntwo: 2\n",
        "train: !!python/object/apply:os.getcwd []\n",
        params_text({"train.seed": "!!int many"}),
        params_text({"train.learning_rate": "!!float fast"}),
        params_text({"data.source": "2026-13-45"}).replace("data:", "1: 2\ndata:"),
        params_text({"data.source": "2026-13-45"}),
        params_text({"train.1": "2"}),
        params_text().replace("train:", "train: 5\nother:"),
        params_text().replace("train:", "train:\nother:"),
    ],
)
def test_what_is_not_params_yaml_is_refused(prepared: Path, text: str) -> None:
    (prepared / "params.yaml").write_text(text, encoding="utf-8")

    assert_refused_untouched(run_preprocess, prepared, str(prepared / "params.yaml"), "expected")


def test_params_that_are_not_there_not_text_or_a_folder_are_refused(prepared: Path) -> None:
    params = prepared / "params.yaml"
    params.unlink()
    assert_refused_untouched(run_preprocess, prepared, str(params), "no such file")
    params.write_bytes(b"\xff\xfe\x00")
    assert_refused_untouched(run_preprocess, prepared, str(params), "YAML")
    params.unlink()
    params.mkdir()
    assert_refused_untouched(run_preprocess, prepared, str(params), "YAML")


@pytest.mark.parametrize(
    "spelling",
    [
        *(
            "1e-3",
            "1E-3",
            "1.0e-3",
            "1.e-3",
            "1.0E-03",
            "+1e-3",
            ".1e-2",
            "0.1e-2",
            "10e-4",
            "0.001",
            ".001",
            "1e-0003",
        ),
        *("'1e-3'", '"1e-3"', "!!float 1e-3", "!!float '1e-3'", "!!str 1e-3", "&{key} 1e-3", "1e-3  # a comment"),
        *("|-\n    1e-3", ">-\n    1e-3", "|\n    1e-3", "\n    1e-3"),
    ],
)
@pytest.mark.parametrize("version", ["", "%YAML 1.1\n---\n", "%YAML 1.2\n---\n"])
def test_a_thousandth_is_read_however_yaml_lets_it_be_written(tmp_path: Path, spelling: str, version: str) -> None:
    keys = ("train.learning_rate", "model.l2", "model.dropout_rate")
    text = version + params_text({key: spelling.replace("{key}", key.replace(".", "_")) for key in keys})
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")

    params = load_params(tmp_path / "params.yaml")

    assert params.train.learning_rate == params.model.l2 == params.model.dropout_rate == 0.001


@pytest.mark.parametrize(
    "spelling", ["1e", "e-3", "1e-3x", "1 e-3", "1,5", "'inf'", ".inf", "'nan'", "''", "~", "1e-3e"]
)
def test_what_only_looks_like_a_number_is_refused(prepared: Path, spelling: str) -> None:
    write_params(prepared / "params.yaml", {"train.learning_rate": spelling})

    assert_refused_untouched(run_preprocess, prepared, str(prepared / "params.yaml"), "train.learning_rate", "a number")


@pytest.mark.parametrize(
    "changes",
    [
        {"preprocess.validation_size": "0.99"},
        {"preprocess.split": "random", "preprocess.test_size": "0.99"},
        {"preprocess.split": "random", "preprocess.test_size": "0.01"},
    ],
)
def test_a_share_that_would_leave_a_part_empty_is_refused(prepared: Path, changes: dict[str, str]) -> None:
    write_params(prepared / "params.yaml", changes)

    assert_refused_untouched(run_preprocess, prepared, "found", "expected")


def test_ingest_and_fetch_check_all_params_before_any_work(tmp_path: Path, corpus: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(params_text({"train.epochs": "0"}), encoding="utf-8")

    ingested = run_stage(ingest.app, corpus, tmp_path / "reviews.parquet", tmp_path / "data.json", "--params", path)
    fetched = run_stage(fetch.app, tmp_path / "archive.tar.gz", "--params", path)

    for result in (ingested, fetched):
        assert_refused(result, str(path), "train.epochs", "found 0", "at least 1")
    assert {its.name for its in tmp_path.iterdir()} == {"corpus", "params.yaml"}
