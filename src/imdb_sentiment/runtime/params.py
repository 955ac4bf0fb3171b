"""params.yaml, read once and checked in full before any work begins."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MantissaNoDotYAML1_1Warning, YAMLError

from imdb_sentiment.runtime.errors import ParamsError
from imdb_sentiment.runtime.files import written_beside

# A number of YAML 1.1 or 1.2, without 1.1's underscores and base 60.
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def _number(value: Any) -> Any:
    """Turn a quoted or YAML 1.1 number into a float: YAML 1.1 reads `1e-3` as text."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return value


# The bounds come first: behind the validator they would not show in the schema, and so not in the message.
Share = Annotated[float, Field(gt=0, lt=1), BeforeValidator(_number)]
Rate = Annotated[float, Field(ge=0, lt=1), BeforeValidator(_number)]
Penalty = Annotated[float, Field(ge=0, le=1), BeforeValidator(_number)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DataParams(_Section):
    """Where the reviews come from."""

    source: Annotated[str, Field(min_length=1)]


class PreprocessParams(_Section):
    """How the reviews are split and turned into token ids."""

    split: Literal["official", "random"]
    test_size: Share
    validation_size: Share
    vocabulary_size: Annotated[int, Field(ge=3, le=10_000_000)]
    max_length: Annotated[int, Field(ge=1, le=100_000)]
    head_share: Annotated[float, Field(ge=0, le=1), BeforeValidator(_number)]
    seed: Seed


class EmbedParams(_Section):
    """How word vectors are learnt."""

    method: Literal["cooccurrence", "skip_gram"]
    window: Annotated[int, Field(ge=1, le=100)]
    seed: Seed


class PolarityParams(_Section):
    """Who labels the unlabelled reviews, so that the polarity of n-grams is learnt from them as well."""

    teacher: Annotated[str, Field(min_length=1)]


class ModelParams(_Section):
    """The layers of the LSTM classifier."""

    architecture: Literal["baseline", "polarity"]
    embedding_dim: Annotated[int, Field(ge=1, le=4096)]
    lstm_units: Annotated[int, Field(ge=1, le=4096)]
    lstm_layers: Annotated[int, Field(ge=1, le=8)]
    bidirectional: bool
    activation: Literal["tanh", "relu", "sigmoid", "softsign", "elu"]
    pooling: Literal["last", "max", "mean", "max_mean"]
    ignore_padding: bool
    pretrained_embeddings: bool
    trainable_embeddings: bool
    segment_length: Annotated[int, Field(ge=1, le=100_000)]
    polarity_inputs: bool
    polarity_scores: bool
    word_dropout_rate: Rate
    embedding_dropout_rate: Rate
    dropout_rate: Rate
    l1: Penalty
    l2: Penalty


class TrainParams(_Section):
    """How the model is fitted."""

    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "adagrad", "sgd"]
    learning_rate: Annotated[float, Field(gt=0, le=10), BeforeValidator(_number)]
    learning_rate_schedule: Literal["constant", "cosine"]
    clip_norm: Annotated[float, Field(ge=0), BeforeValidator(_number)]
    averaged_share: Annotated[float, Field(ge=0, le=1), BeforeValidator(_number)]
    batch_size: Annotated[int, Field(ge=1, le=65_536)]
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    members: Annotated[int, Field(ge=1, le=100)]
    seed: Seed


class Params(_Section):
    """The whole of params.yaml, a section a stage."""

    data: DataParams
    preprocess: PreprocessParams
    embed: EmbedParams
    polarity: PolarityParams
    model: ModelParams
    train: TrainParams


SectionType = TypeVar("SectionType", bound=_Section)


def load_params(path: Path) -> Params:
    """Read and check `path`. Raises ParamsError naming the first bad key, its value and what is allowed."""
    return check(read_yaml(path), Params, str(path))


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML 1.2 file, the version that DVC reads. Raises ParamsError."""
    try:
        with warnings.catch_warnings():
            # YAML 1.1 wants 1.e-3; what is meant by 1e-3 is clear.
            warnings.simplefilter("ignore", MantissaNoDotYAML1_1Warning)
            return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ParamsError(f"{path}: found no such file; expected the pipeline's parameters") from error
    except (YAMLError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ParamsError(f"{path}: found what cannot be read as YAML ({reason}); expected parameters") from error


def write_yaml(content: Mapping[str, Any], path: Path) -> None:
    """Write `content` as YAML 1.2."""
    with written_beside(path) as partial, partial.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(dict(content), file)


def check(content: Any, section: type[SectionType], where: str) -> SectionType:
    """Return `content` as a `section`. Raises ParamsError; `where` opens its message."""
    try:
        return section.model_validate(content)
    except ValidationError as error:
        raise ParamsError(f"{where}: {_explain(error, section)}") from error


_UNKNOWN_KEY = ("extra_forbidden", "invalid_key")


def _explain(error: ValidationError, section: type[BaseModel]) -> str:
    # A misspelt key is missing, too, under its right name: that it is unknown says more.
    first = min(error.errors(), key=lambda its: its["type"] not in _UNKNOWN_KEY)
    key = ".".join(str(part) for part in first["loc"]) or "the file"
    match first["type"]:
        case kind if kind in _UNKNOWN_KEY:
            parent = _resolve(section, first["loc"][:-1])
            return f"{key}: found an unknown key; expected one of {', '.join(sorted(parent.model_fields))}"
        case "missing":
            return f"{key}: found nothing; expected {_allowed(section, first['loc'])}"
        case _:
            return f"{key}: found {first['input']!r}; expected {_allowed(section, first['loc'])}"


def _resolve(section: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    for part in location:
        annotation = section.model_fields[str(part)].annotation
        assert isinstance(annotation, type)
        assert issubclass(annotation, BaseModel)
        section = annotation
    return section


_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a section of keys",
}
_BOUNDS = {
    "exclusiveMinimum": "above",
    "minimum": "at least",
    "exclusiveMaximum": "below",
    "maximum": "at most",
    "minLength": "of a length of at least",
}


def _allowed(section: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """Say in words what the field at `location` takes, for example `a number above 0, at most 10`."""
    if not location:
        return _TYPES["object"]
    schema = _resolve(section, location[:-1]).model_json_schema()["properties"][str(location[-1])]
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    bounds = [f"{word} {schema[bound]}" for bound, word in _BOUNDS.items() if bound in schema]
    return " ".join([_TYPES[schema.get("type", "object")], ", ".join(bounds)]).strip()
