"""params.yaml is checked in full, and a message says which key, what it holds and what it may hold."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from imdb_sentiment.runtime.errors import ParamsError
from imdb_sentiment.runtime.params import DataParams, Params, TrainParams, check, load_params, read_yaml, write_yaml
from tests.conftest import params_text, write_params
from tests.imports import ROOT
from variants.__main__ import merge

NUMBERS = ("1e-3", "1E-3", "1.0e-3", "1.e-3", "+1e-3", "1e-03", "0.001", ".001", "'1e-3'", '"0.001"', "!!float 1e-3")


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


def test_every_value_arrives(tmp_path: Path) -> None:
    changes = {
        "data.source": "corpus",
        "preprocess.split": "random",
        "preprocess.max_length": "12",
        "model.bidirectional": "true",
        "model.dropout_rate": "0.1",
        "train.epochs": "7",
    }
    params = load_params(write_params(tmp_path / "params.yaml", changes))
    assert params.data.source == "corpus"
    assert params.preprocess.split == "random"
    assert params.preprocess.max_length == 12
    assert params.model.bidirectional is True
    assert params.model.dropout_rate == 0.1
    assert params.train.epochs == 7


def test_the_repositorys_own_params_are_valid() -> None:
    params = load_params(ROOT / "params.yaml")
    assert params.data.source == "data/raw/aclImdb_v1.tar.gz"
    assert params.preprocess.split == "official"


@pytest.mark.parametrize("variant", sorted((ROOT / "variants").glob("*.yaml")), ids=lambda path: path.stem)
def test_each_variant_over_the_repositorys_params_is_valid(variant: Path) -> None:
    changes = read_yaml(variant)
    merged = check(merge(read_yaml(ROOT / "params.yaml"), changes), Params, variant.name).model_dump()
    assert {section: {key: merged[section][key] for key in keys} for section, keys in changes.items()} == changes


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_may_be_written_any_way_that_yaml_allows(tmp_path: Path, number: str) -> None:
    changes = {"train.learning_rate": number, "model.l1": number, "preprocess.test_size": number}
    params = load_params(write_params(tmp_path / "params.yaml", changes))
    assert params.train.learning_rate == params.model.l1 == params.preprocess.test_size == 0.001


def test_a_whole_number_is_a_number_too(tmp_path: Path) -> None:
    params = load_params(write_params(tmp_path / "params.yaml", {"train.learning_rate": "1", "model.l2": "0"}))
    assert params.train.learning_rate == 1.0
    assert params.model.l2 == 0.0


@pytest.mark.parametrize(
    ("key", "value", "found", "expected"),
    [
        ("data.source", "3", "3", "a text"),
        ("data.source", "''", "''", "a text of a length of at least 1"),
        ("preprocess.split", "half", "'half'", "one of official, random"),
        ("preprocess.test_size", "0", "0", "a number above 0, below 1"),
        ("preprocess.test_size", "1.0", "1.0", "a number above 0, below 1"),
        ("preprocess.validation_size", "true", "True", "a number above 0, below 1"),
        ("preprocess.vocabulary_size", "2", "2", "a whole number at least 3, at most 10000000"),
        ("preprocess.max_length", "0", "0", "a whole number at least 1, at most 100000"),
        ("preprocess.head_share", "1.1", "1.1", "a number at least 0, at most 1"),
        ("preprocess.seed", "-1", "-1", "a whole number at least 0, below 4294967296"),
        ("preprocess.seed", "4294967296", "4294967296", "a whole number at least 0, below 4294967296"),
        ("model.embedding_dim", "64.0", "64.0", "a whole number at least 1, at most 4096"),
        ("model.lstm_units", "'64'", "'64'", "a whole number at least 1, at most 4096"),
        ("model.lstm_layers", "9", "9", "a whole number at least 1, at most 8"),
        ("model.lstm_layers", "true", "True", "a whole number at least 1, at most 8"),
        ("model.bidirectional", "yes", "'yes'", "true or false"),
        ("model.bidirectional", "1", "1", "true or false"),
        ("model.activation", "Tanh", "'Tanh'", "one of tanh, relu, sigmoid, softsign, elu"),
        ("model.pooling", "null", "None", "one of last, max, mean, max_mean"),
        ("model.dropout_rate", "1", "1", "a number at least 0, below 1"),
        ("model.embedding_dropout_rate", "-0.1", "-0.1", "a number at least 0, below 1"),
        ("model.l1", "2", "2", "a number at least 0, at most 1"),
        ("model.architecture", "lstm", "'lstm'", "one of baseline, polarity"),
        ("model.segment_length", "0", "0", "a whole number at least 1, at most 100000"),
        ("model.polarity_inputs", "1", "1", "true or false"),
        ("embed.window", "0", "0", "a whole number at least 1, at most 100"),
        ("polarity.teacher", "1", "1", "a text"),
        ("embed.method", "glove", "'glove'", "one of cooccurrence, skip_gram"),
        ("train.clip_norm", "-1", "-1", "a number at least 0"),
        ("train.averaged_share", "2", "2", "a number at least 0, at most 1"),
        ("train.members", "0", "0", "a whole number at least 1, at most 100"),
        ("train.optimizer", "lion", "'lion'", "one of adam, adamw, nadam, rmsprop, adagrad, sgd"),
        ("train.learning_rate", "0", "0", "a number above 0, at most 10"),
        ("train.learning_rate", "fast", "'fast'", "a number above 0, at most 10"),
        ("train.learning_rate", "'0,1'", "'0,1'", "a number above 0, at most 10"),
        ("train.learning_rate", "[1]", "[1]", "a number above 0, at most 10"),
        ("train.learning_rate", ".nan", "nan", "a number above 0, at most 10"),
        ("train.learning_rate", "'nan'", "'nan'", "a number above 0, at most 10"),
        ("train.learning_rate", "'1_0'", "'1_0'", "a number above 0, at most 10"),
        ("train.learning_rate", "'\u0663'", "'\u0663'", "a number above 0, at most 10"),
        ("train.learning_rate", ".inf", "inf", "a number above 0, at most 10"),
        ("train.batch_size", "1e1", "10.0", "a whole number at least 1, at most 65536"),
        ("train.epochs", "", "None", "a whole number at least 1, at most 10000"),
    ],
)
def test_a_bad_value_is_named_with_its_key_and_what_is_allowed(
    tmp_path: Path, key: str, value: str, found: str, expected: str
) -> None:
    message = refusal(tmp_path, params_text({key: value}))
    assert message.startswith(f"{key}: found {found}; expected ")
    assert expected in message


@pytest.mark.parametrize(
    ("added", "named", "section"),
    [("train.momentum", "train.momentum", TrainParams), ("data.path", "data.path", DataParams), ("k.n", "k", Params)],
)
def test_an_unknown_key_is_named_with_the_known_ones(
    tmp_path: Path, added: str, named: str, section: type[BaseModel]
) -> None:
    message = refusal(tmp_path, params_text({added: "0.9"}))
    assert message == f"{named}: found an unknown key; expected one of {', '.join(sorted(section.model_fields))}"


@pytest.mark.parametrize("line", ["train:\n  5: 0.9\n", "5: 0.9\ntrain:\n", "true: 0.9\ntrain:\n"])
def test_a_key_that_is_no_text_is_refused(tmp_path: Path, line: str) -> None:
    message = refusal(tmp_path, params_text().replace("train:\n", line))
    # The path that pydantic gives calls the key `true` 1.
    assert re.match(r"(train\.)?(5|1|True): ", message)
    assert "found an unknown key; expected one of " in message


@pytest.mark.parametrize("key", ["train.epochs", "model.pooling", "data.source"])
def test_a_missing_key_is_named_with_what_it_takes(tmp_path: Path, key: str) -> None:
    section, name = key.split(".")
    lines = params_text().splitlines(keepends=True)
    start = lines.index(f"{section}:\n")
    place = next(row for row in range(start, len(lines)) if lines[row].startswith(f"  {name}:"))
    del lines[place]
    # A section without keys would be null, and no longer a section.
    text = "".join(lines).replace("data:\n", "data: {}\n") if section == "data" else "".join(lines)
    assert refusal(tmp_path, text).startswith(f"{key}: found nothing; expected ")


@pytest.mark.parametrize("section", list(Params.model_fields))
def test_a_missing_section_is_named(tmp_path: Path, section: str) -> None:
    content = YAML(typ="safe").load(params_text())
    del content[section]
    write_yaml(content, tmp_path / "content.yaml")
    message = refusal(tmp_path, (tmp_path / "content.yaml").read_text())
    assert message == f"{section}: found nothing; expected a section of keys"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file: found None; expected a section of keys"),
        ("- a\n", "the file: found ['a']; expected a section of keys"),
        ("data: 3\n", "data: found 3; expected a section of keys"),
    ],
)
def test_what_is_no_section_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, text) == message


@pytest.mark.parametrize(
    "text",
    [
        "data: [",
        "data: {a: 1",
        "a: 1\na: 2\n",
        "a: 1\n--- \nb: 2\n",
        "a: !!python/object:os.system x\n",
        "\tdata: 3\n",
        "data: \x00\n",
        "seed: 2001-13-45\n",
    ],
)
def test_what_is_no_yaml_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith("found what cannot be read as YAML (")
    assert message.endswith("; expected parameters")
    assert "\n" not in message


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"data: \xff\n")
    with pytest.raises(ParamsError, match=r"cannot be read as YAML .*0xff"):
        load_params(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="cannot be read as YAML"):
        load_params(tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"nowhere\.yaml: found no such file; expected"):
        load_params(tmp_path / "nowhere.yaml")


def test_params_cannot_be_changed_once_they_are_read(tmp_path: Path) -> None:
    params = load_params(write_params(tmp_path / "params.yaml"))
    with pytest.raises(ValidationError, match="frozen"):
        params.train.epochs = 3


def test_what_is_written_is_read(tmp_path: Path) -> None:
    content = {"train": {"learning_rate": 1e-3, "optimizer": "adam"}, "model": {"bidirectional": True, "l1": 0.0}}
    write_yaml(content, tmp_path / "params.yaml")
    assert read_yaml(tmp_path / "params.yaml") == content


def test_a_variants_leaves_take_the_place_of_the_bases() -> None:
    base = {"a": {"x": 1, "y": 2}, "b": 3, "c": {"z": 4}}
    assert merge(base, {"a": {"y": 5}, "b": {"w": 6}, "c": 7}) == {"a": {"x": 1, "y": 5}, "b": {"w": 6}, "c": 7}
    assert base == {"a": {"x": 1, "y": 2}, "b": 3, "c": {"z": 4}}


def test_a_misspelt_key_is_named_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(params_text().replace("epochs:", "epoch:"), encoding="utf-8")
    with pytest.raises(ParamsError, match=r"train\.epoch: found an unknown key; expected one of .*\bepochs\b"):
        load_params(path)
