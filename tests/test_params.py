"""params.yaml is checked in full, and a message names the key, its value and what is allowed."""

import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from imdb_sentiment.runtime.errors import ParamsError
from imdb_sentiment.runtime.params import MOST_ALIASES, Params, load_params, read_yaml, write_yaml
from tests.factories import ROOT, params_text, variant_text, write_params
from tests.stage_runs import assert_refused, assert_stage_refuses, run_stage


def refusal(tmp_path: Path, text: str) -> str:
    """Return the message of the ParamsError for a file with `text`, without the file's name."""
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


def test_params_are_read_and_cannot_be_changed(tmp_path: Path) -> None:
    changes = {"data.source": "corpus", "model.bidirectional": "true", "model.polarity.segment_length": "7"}
    params = load_params(write_params(tmp_path / "params.yaml", changes))
    assert params.data.source == "corpus"
    assert params.model.bidirectional is True
    assert params.model.polarity.segment_length == 7
    with pytest.raises(ValidationError, match="frozen"):
        params.train.epochs = 3


@pytest.mark.parametrize("variant", [path.stem for path in sorted((ROOT / "variants").glob("*.yaml"))])
def test_every_variant_over_the_projects_params_is_valid(tmp_path: Path, variant: str) -> None:
    (tmp_path / "params.yaml").write_text(variant_text(variant), encoding="utf-8")
    load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    "number",
    [
        *("1e-3", "1E-3", "1.0e-3", "1.e-3", "+1e-3", ".1e-2", "10e-4", "0.001", ".001", "'1e-3'", '"0.001"'),
        *("!!float 1e-3", "!!str 1e-3", "&{key} 1e-3", "1e-3  # a comment", ">-\n    1e-3", "\n    1e-3"),
    ],
)
@pytest.mark.parametrize("version", ["", "%YAML 1.1\n---\n", "%YAML 1.2\n---\n"])
def test_numbers_may_be_written_in_any_way_that_yaml_allows(tmp_path: Path, number: str, version: str) -> None:
    keys = ("train.learning_rate", "model.l2", "preprocess.test_size")
    text = version + params_text({key: number.replace("{key}", key.replace(".", "_")) for key in keys})
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    params = load_params(tmp_path / "params.yaml")
    assert params.train.learning_rate == params.model.l2 == params.preprocess.test_size == 0.001


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data.source", "''", "found ''; expected at least 1 character"),
        ("preprocess.split", "half", "found 'half'; expected 'official' or 'random'"),
        ("preprocess.test_size", "1.0", "found 1.0; expected less than 1"),
        ("preprocess.validation_size", "true", "found True; expected a valid number"),
        ("preprocess.vocabulary_size", "2", "found 2; expected greater than or equal to 3"),
        ("model.embedding_dim", "64.0", "found 64.0; expected a valid integer"),
        ("model.bidirectional", "1", "found 1; expected a valid boolean"),
        ("model.pooling", "null", "found None; expected 'last', 'max', 'mean' or 'max_mean'"),
        ("model.polarity.segment_length", "0", "found 0; expected greater than or equal to 1"),
        ("train.optimizer", "Adam", "found 'Adam'; expected 'adam', 'adamw'"),
        ("train.learning_rate", "'0,1'", "found '0,1'; expected a valid number"),
        ("train.learning_rate", ".nan", "found nan; expected a finite number"),
        ("train.learning_rate", "'\u0663'", "found '\u0663'; expected a valid number"),
        ("train.epochs", "0x" + "f" * 5000, "found an integer of thousands of digits; expected less than"),
        ("train.epochs", "&a [*a]", "found [[[...]]]; expected a valid integer"),
        ("train.epochs", f"'{'x' * 5000}'", "found 'xxx"),
        ("train.momentum", "0.9", "found an unknown key"),
        ("data.5", "1", "found 5; expected strings"),
        ("surprise.key", "1", "found an unknown key"),
    ],
)
def test_bad_values_are_named_with_what_is_expected(tmp_path: Path, key: str, value: str, message: str) -> None:
    found = refusal(tmp_path, params_text({key: value}))
    assert found.startswith(f"{'surprise' if key == 'surprise.key' else key}: {message}")
    assert len(found) < 300


@pytest.mark.parametrize("key", ["train.epochs", "model.plain.ignore_padding", *Params.model_fields])
def test_missing_keys_and_sections_are_named(tmp_path: Path, key: str) -> None:
    content = read_yaml(write_params(tmp_path / "params.yaml"))
    *path, name = key.split(".")
    section = content
    for part in path:
        section = section[part]
    del section[name]
    write_yaml(content, tmp_path / "content.yaml")
    assert refusal(tmp_path, (tmp_path / "content.yaml").read_text()) == f"{key}: found nothing; expected a value"


def test_misspelled_keys_are_named_as_they_are_written(tmp_path: Path) -> None:
    assert refusal(tmp_path, params_text().replace("epochs:", "epoch:")).startswith("train.epoch: found an unknown key")


@pytest.mark.parametrize(
    "text",
    [
        "data: [",
        "a: 1\na: 2\n",
        "a: 1\n--- \nb: 2\n",
        "a: !!python/object:os.system x\n",
        "\tdata: 3\n",
        "data: \x00\n",
        "seed: 2001-13-45\n",
        "train: &a\n  epochs: *b\n",
        "seed: " + "9" * 5000,
        "a: " + "[" * 1000 + "]" * 1000,
        "".join(f"{' ' * depth}a:\n" for depth in range(400)) + "b",
        "# long" * 20_000,
        params_text() + "a: &a [1]\n" + "b: [" + "*a, " * (MOST_ALIASES + 1) + "]\n",
    ],
)
def test_files_that_cannot_be_read_as_yaml_are_refused(tmp_path: Path, text: str) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith("found what cannot be read as YAML (")
    assert message.endswith("; expected params")


@pytest.mark.parametrize("text", ["", "- a\n", "just a text\n"])
def test_files_without_sections_are_refused(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text).startswith("the file: found ")


def test_aliases_that_unfold_take_no_time(tmp_path: Path) -> None:
    levels = [f"a{level}: &a{level}\n  <<: [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 9)]
    start = time.process_time()
    refusal(tmp_path, "a0: &a0 {k: 1}\n" + "".join(levels))
    assert time.process_time() - start < 10


def test_few_aliases_are_read(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("a: &a {seed: 1}\nb: {<<: *a}\nc: *a\n")
    assert read_yaml(tmp_path / "params.yaml") == {"a": {"seed": 1}, "b": {"seed": 1}, "c": {"seed": 1}}


def test_a_missing_file_a_folder_and_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    with pytest.raises(ParamsError, match=r"params\.yaml: found no such file; expected"):
        load_params(path)
    path.write_bytes(b"data: \xff\n")
    with pytest.raises(ParamsError, match=r"cannot be read as YAML .*0xff"):
        load_params(path)
    for other in (tmp_path, Path("/dev/zero")):
        with pytest.raises(ParamsError, match="cannot be read as YAML"):
            load_params(other)


def test_written_yaml_is_read_back(tmp_path: Path) -> None:
    content = {"train": {"learning_rate": 1e-3, "optimizer": "adam"}, "model": {"bidirectional": True, "l1": 0.0}}
    write_yaml(content, tmp_path / "params.yaml")
    assert read_yaml(tmp_path / "params.yaml") == content


@pytest.mark.parametrize("stage", ["ingest", "preprocess", "embed", "polarity", "train"])
def test_stages_check_all_params_before_any_work(prepared: Path, stage: str) -> None:
    write_params(prepared / "params.yaml", {"train.learning_rate": "11"})
    for name in ("reviews.parquet", "sequences.npz", "vocabulary.json"):
        (prepared / "data" / name).write_bytes(b"not looked at")
    assert_stage_refuses(stage, prepared, "params.yaml: train.learning_rate: found 11")


def test_fetch_checks_params_before_any_request(tmp_path: Path) -> None:
    write_params(tmp_path / "params.yaml", {"train.epochs": "0"})
    assert_refused(run_stage("fetch", tmp_path, "--params", "params.yaml"), "train.epochs: found 0")
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]
