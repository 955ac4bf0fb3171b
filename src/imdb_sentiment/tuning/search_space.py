"""The search space of tuning: a YAML file that lists which params to vary, and between which values."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, Final

from optuna import Trial
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution, distribution_to_json
from optuna.trial import FrozenTrial, TrialState, create_trial

from imdb_sentiment.runtime.errors import ParamsError
from imdb_sentiment.runtime.params import Params, check, read_yaml

Distribution = CategoricalDistribution | IntDistribution | FloatDistribution

_SEARCHED: Final = ("model", "train")


@dataclass(frozen=True)
class SearchSpace:
    """A distribution for each knob, by names such as `train.learning_rate`, and the params that they vary."""

    distributions: dict[str, Distribution]
    base: Params

    def suggest(self, trial: Trial) -> Params:
        """Return the params that `trial` is to run with."""
        for name, knob in self.distributions.items():
            match knob:
                case CategoricalDistribution():
                    trial.suggest_categorical(name, knob.choices)
                case IntDistribution():
                    trial.suggest_int(name, knob.low, knob.high, step=knob.step, log=knob.log)
                case FloatDistribution():
                    trial.suggest_float(name, knob.low, knob.high, step=knob.step, log=knob.log)
        return check(_with_values(self.base, values_of(trial)), Params, "the search space")

    def first_trial(self) -> FrozenTrial | None:
        """Return a waiting trial with the base's own values, or None if one of them is outside the space."""
        values = {name: _value(self.base, name) for name in self.distributions}
        try:
            return create_trial(state=TrialState.WAITING, params=values, distributions={**self.distributions})
        except ValueError:
            return None

    def identity(self) -> dict[str, Any]:
        """Return, for JSON, what all trials of one study have in common: the knobs, and the params that are fixed."""
        fixed = _with_values(self.base, dict.fromkeys(self.distributions))
        knobs = {name: distribution_to_json(knob) for name, knob in self.distributions.items()}
        return {"params": {section: fixed[section] for section in _SEARCHED}, "knobs": knobs}


def load_search_space(path: Path, base: Params) -> SearchSpace:
    """Read `path`: choices `[a, b]`, or a range `{low: 1, high: 4}` with `log: true` or a `step` if wanted.

    Raises ParamsError that names the first key which is not in `model` or `train`, or has a value that it cannot take.
    """
    content = read_yaml(path)
    if not isinstance(content, dict) or not content:
        raise ParamsError(
            f"{path}: found no knobs; expected some, such as train.learning_rate: {{low: 1e-4, high: 0.1}}"
        )
    knobs: dict[str, Distribution] = {}
    for name, allowed in content.items():
        if not _is_knob(base, str(name)):
            raise ParamsError(
                f"{path}: {name}: found an unknown knob; expected one of model or train, as in params.yaml"
            )
        if name == "model.embedding_dim" and base.model.pretrained_embeddings:
            raise ParamsError(f"{path}: {name}: found in the search; expected it fixed: embed's vectors have this size")
        try:
            knob = knobs[name] = _distribution(allowed)
        except (ValueError, TypeError, ArithmeticError) as error:
            expected = "[a, b] or {low: a, high: b}, with log or step"
            raise ParamsError(f"{path}: {name}: found {allowed!r} ({error}); expected {expected}") from error
        for value in knob.choices if isinstance(knob, CategoricalDistribution) else (knob.low, knob.high):
            check(_with_values(base, {name: value}), Params, str(path))
    return SearchSpace(knobs, base)


def values_of(trial: Trial | FrozenTrial) -> dict[str, Any]:
    """Return the values that `trial` runs with: of a float, the three digits that a search can tell apart."""
    values = trial.params.items()
    return {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in values}


def _distribution(allowed: Any) -> Distribution:
    """Return what the YAML says; raises what Optuna does, for it checks the bounds."""
    if isinstance(allowed, list):
        return CategoricalDistribution(allowed)
    if not isinstance(allowed, dict):
        raise TypeError("neither choices nor a range")
    is_whole = all(isinstance(allowed.get(bound), int) for bound in ("low", "high"))
    return IntDistribution(**allowed) if is_whole else FloatDistribution(**allowed)


def _is_knob(params: Params, name: str) -> bool:
    try:
        return name.split(".", maxsplit=1)[0] in _SEARCHED and not isinstance(_value(params, name), dict)
    except (KeyError, TypeError):
        return False


def _value(params: Params, name: str) -> Any:
    return reduce(getitem, name.split("."), params.model_dump())


def _with_values(params: Params, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `params` as nested sections, with `values` by names such as `model.polarity.segment_length` in place."""
    content = params.model_dump()
    for name, value in values.items():
        *sections, key = name.split(".")
        reduce(getitem, sections, content)[key] = value
    return content
