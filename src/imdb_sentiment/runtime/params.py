"""params.yaml, read once and checked in full before any work begins."""

import re
import reprlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MantissaNoDotYAML1_1Warning, YAMLError
from ruamel.yaml.events import AliasEvent

from imdb_sentiment.runtime.errors import ParamsError, reason_of
from imdb_sentiment.runtime.files import written_beside

FETCHED: Final = "data/raw/aclImdb_v1.tar.gz"  # the source that is downloaded if it is not there
MOST_BYTES: Final = 100_000  # of a YAML file: reading one takes seconds then
MOST_ALIASES: Final = 10  # each can double what the file stands for
# A number of YAML 1.1 or 1.2, without 1.1's underscores and base 60.
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def _number(value: Any) -> Any:
    """Turn a quoted or YAML 1.1 number into a float: YAML 1.1 reads `1e-3` as text."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return value


Number = Annotated[float, BeforeValidator(_number)]
Share = Annotated[Number, Field(gt=0, lt=1)]
Rate = Annotated[Number, Field(ge=0, lt=1)]
Penalty = Annotated[Number, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class TableParams(_Section):
    """How a table of reviews is read; None for what is found."""

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header: bool = True
    text_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    group_column: str | None = None
    id_column: str | None = None
    positive: list[str | int | float | bool] = []
    negative: list[str | int | float | bool] = []
    positive_from: Number | None = None
    negative_up_to: Number | None = None
    skip_bad_rows: bool = False

    @model_validator(mode="after")
    def _check_pairs(self) -> "TableParams":
        for one, other in (("positive", "negative"), ("positive_from", "negative_up_to")):
            values = getattr(self, one), getattr(self, other)
            if (values[0] in (None, [])) != (values[1] in (None, [])):
                raise ValueError(f"found only one of {one} and {other}; expected both, or none")
        if self.positive and self.positive_from is not None:
            raise ValueError("found both positive and positive_from; expected one of them")
        if self.positive_from is not None and not (self.negative_up_to or 0) < self.positive_from:
            raise ValueError("found a negative_up_to that is not less than positive_from; expected a smaller one")
        return self


class DataParams(_Section):
    """Where the reviews come from."""

    source: Annotated[str, Field(min_length=1)]
    table: TableParams


class PreprocessParams(_Section):
    """How the reviews are split and turned into token ids."""

    split: Literal["official", "random"]
    test_size: Share
    validation_size: Share
    vocabulary_size: Annotated[int, Field(ge=3, le=10_000_000)]
    max_length: Annotated[int, Field(ge=1, le=100_000)]
    head_share: Annotated[Number, Field(ge=0, le=1)]
    seed: Seed


class EmbedParams(_Section):
    """How word vectors are learned."""

    method: Literal["cooccurrence", "skip_gram"]
    window: Annotated[int, Field(ge=1, le=100)]
    seed: Seed


class PolarityParams(_Section):
    """Who labels the unlabelled reviews, so that the polarity of n-grams is learned from them as well."""

    teacher: Annotated[str, Field(min_length=1)]


class PlainModelParams(_Section):
    """What the architecture `plain` alone has."""

    ignore_padding: bool


class PolarityModelParams(_Section):
    """What the architecture `polarity` alone has."""

    segment_length: Annotated[int, Field(ge=1, le=100_000)]
    inputs: bool
    scores: bool


class ModelParams(_Section):
    """The layers of the LSTM classifier: those that both architectures have, and a section for each architecture."""

    architecture: Literal["plain", "polarity"]
    embedding_dim: Annotated[int, Field(ge=1, le=4096)]
    lstm_units: Annotated[int, Field(ge=1, le=4096)]
    lstm_layers: Annotated[int, Field(ge=1, le=8)]
    bidirectional: bool
    activation: Literal["tanh", "relu", "sigmoid", "softsign", "elu"]
    pooling: Literal["last", "max", "mean", "max_mean"]
    pretrained_embeddings: bool
    trainable_embeddings: bool
    word_dropout_rate: Rate
    embedding_dropout_rate: Rate
    dropout_rate: Rate
    l1: Penalty
    l2: Penalty
    plain: PlainModelParams
    polarity: PolarityModelParams

    @property
    def reads_polarity(self) -> bool:
        """Whether the model takes the polarity channels beside the token ids."""
        return self.architecture == "polarity"

    @property
    def ignores_padding(self) -> bool:
        """Whether padding has no effect, so that a batch may be as short as its longest review."""
        return self.architecture != "plain" or self.plain.ignore_padding


class TrainParams(_Section):
    """How the model is fitted."""

    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "adagrad", "sgd"]
    learning_rate: Annotated[Number, Field(gt=0, le=10)]
    learning_rate_schedule: Literal["constant", "cosine"]
    clip_norm: Annotated[Number, Field(ge=0)]
    averaged_share: Annotated[Number, Field(ge=0, le=1)]
    batch_size: Annotated[int, Field(ge=1, le=65_536)]
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    members: Annotated[int, Field(ge=1, le=100)]
    pieces: Annotated[Number, Field(ge=0, le=100)]
    edited_pieces: Annotated[Number, Field(ge=0, le=100)]
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


def check_source(params: Params, path: Path) -> None:
    """Raise ParamsError if `data.source` does not exist, unless it is the archive that is fetched."""
    source = params.data.source
    if source != FETCHED and not Path(source).exists():
        raise ParamsError(
            f"{path}: data.source: found {_shorten(source)}, where nothing is; expected an archive, folder or table of "
            f"reviews, or {FETCHED}, which is fetched"
        )


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML 1.2 file, the version that DVC reads. Raises ParamsError."""
    try:
        if path.exists() and not path.is_file():  # reading a pipe or a device might never end
            raise ValueError("a folder, pipe or device")
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES:,} bytes")
        return _parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ParamsError(f"{path}: found no such file; expected the pipeline's params") from error
    except (YAMLError, ValueError, OSError, RecursionError) as error:
        reason = " ".join(reason_of(error).split())
        raise ParamsError(f"{path}: found what cannot be read as YAML ({reason}); expected params") from error


def _parse_yaml(text: str) -> Any:
    with warnings.catch_warnings():
        # YAML 1.1 wants 1.e-3; what is meant by 1e-3 is clear.
        warnings.simplefilter("ignore", MantissaNoDotYAML1_1Warning)
        if text.count("*") > MOST_ALIASES:
            events = YAML(typ="safe", pure=True).parse(text)
            if sum(isinstance(event, AliasEvent) for event in events) > MOST_ALIASES:
                raise ValueError(f"more than {MOST_ALIASES} aliases")
        return YAML(typ="safe", pure=True).load(text)


def write_yaml(content: Mapping[str, Any], path: Path) -> None:
    """Write `content` as YAML 1.2."""
    with written_beside(path) as partial, partial.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(dict(content), file)


def check(content: Any, section: type[SectionType], where: str) -> SectionType:
    """Return `content` as a `section`. Raises ParamsError; `where` opens its message."""
    try:
        return section.model_validate(content)
    except ValidationError as error:
        raise ParamsError(f"{where}: {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    # A misspelled key is also missing under its right name; that it is unknown says more.
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"]) or "the file"
    match first["type"]:
        case "extra_forbidden":
            return f"{key}: found an unknown key; expected only the keys of the project's params.yaml"
        case "missing":
            return f"{key}: found nothing; expected a value"
        case "value_error":  # of a section's own check
            return f"{key}: {first['ctx']['error']}" if first["loc"] else str(first["ctx"]["error"])
        case _:
            # pydantic's own words: "Input should be greater than 0", "String should have at least 1 character"
            expected = re.sub(r"^\w+ should (?:be|have)", "expected", first["msg"])
            return f"{key}: found {_shorten(first['input'])}; {expected}"


_REPR: Final = reprlib.Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxother = 2, 100, 100


def _shorten(value: object) -> str:
    """Return `repr(value)`, with what is long in it left out."""
    try:
        return _REPR.repr(value)
    except ValueError:  # more digits than Python writes
        return "an integer of thousands of digits"
