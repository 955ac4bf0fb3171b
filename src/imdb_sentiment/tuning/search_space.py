"""The search space of tuning: a YAML file that says which params may be what."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from imdb_sentiment.runtime.errors import ParamsError
from imdb_sentiment.runtime.params import Params, check, read_yaml

_BOUNDS = {"low", "high", "step", "log"}


@dataclass(frozen=True)
class SearchSpace:
    """What is searched: a distribution for each knob, by names such as `train.learning_rate`."""

    distributions: dict[str, BaseDistribution]
    base: Params

    def params(self, chosen: Mapping[str, Any]) -> Params:
        """Return the base with the `chosen` values in place of its own."""
        return check(_with(self.base, chosen), Params, "the search space")

    def identity(self) -> dict[str, Any]:
        """Return, for JSON, what the trials of one study have in common: the knobs, and the params beside them."""
        base = {name: its for name, its in self.base.model_dump().items() if name in {"model", "train"}}
        for knob in self.distributions:
            section, key = knob.split(".")
            del base[section][key]
        return {"params": base, "space": {name: distribution_to_json(its) for name, its in self.distributions.items()}}

    def own(self) -> dict[str, Any] | None:
        """Return the base's own values of the knobs, or None if the space does not have them all."""
        values = {name: _value(self.base, name) for name in self.distributions}
        has_all = all(_contains(its, values[name]) for name, its in self.distributions.items())
        return values if has_all else None


def load_search_space(path: Path, base: Params) -> SearchSpace:
    """Read `path`: choices `[a, b]`, or a range `{low: 1, high: 4}` with `log: true` or a `step` if wanted.

    Raises ParamsError that names the first key which is none of `model` or `train`, or has a value that it cannot have.
    """
    content = read_yaml(path)
    if not isinstance(content, dict) or not content:
        raise ParamsError(
            f"{path}: found no knobs; expected some, such as train.learning_rate: {{low: 1e-4, high: 0.1}}"
        )
    distributions = {}
    for name, allowed in content.items():
        _check_knob(path, name, base)
        distributions[name] = _distribution(path, name, allowed)
        for value in _ends(distributions[name]):
            check(_with(base, {name: value}), Params, str(path))
    return SearchSpace(distributions, base)


def rounded(value: Any) -> Any:
    """Return a number with three significant digits, which is all that a search tells; anything else as it is."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _check_knob(path: Path, name: Any, base: Params) -> None:
    section, _, key = str(name).partition(".")
    if section not in {"model", "train"} or key not in getattr(base, section).model_dump():
        raise ParamsError(f"{path}: {name}: found an unknown knob; expected one of model or train, as in params.yaml")
    if name == "model.embedding_dim" and base.model.pretrained_embeddings:
        raise ParamsError(
            f"{path}: {name}: found in the search; expected it fixed, as the vectors that embed has learnt"
        )


def _distribution(path: Path, name: str, allowed: Any) -> BaseDistribution:
    if isinstance(allowed, list) and allowed:
        return CategoricalDistribution(allowed)
    if not isinstance(allowed, dict) or not {"low", "high"} <= set(allowed) <= _BOUNDS:
        raise ParamsError(f"{path}: {name}: found {allowed!r}; expected [a, b] or {{low: ..., high: ...}}, log or step")
    low, high, step, log = (allowed.get(bound) for bound in ("low", "high", "step", "log"))
    try:
        if isinstance(low, int) and isinstance(high, int):
            return IntDistribution(low, high, log=bool(log), step=1 if step is None else step)
        return FloatDistribution(float(low), float(high), log=bool(log), step=step)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise ParamsError(f"{path}: {name}: found {allowed!r} ({error}); expected a range from low to high") from error


def _ends(distribution: BaseDistribution) -> tuple[Any, ...]:
    if isinstance(distribution, CategoricalDistribution):
        return tuple(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return distribution.low, distribution.high


def _contains(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    steps = (value - distribution.low) / (distribution.step or 1)
    on_step = distribution.step is None or abs(steps - round(steps)) < 1e-9
    return distribution.low <= value <= distribution.high and on_step


def _value(params: Params, name: str) -> Any:
    section, key = name.split(".")
    return getattr(getattr(params, section), key)


def _with(params: Params, changes: Mapping[str, Any]) -> dict[str, Any]:
    content = params.model_dump()
    for name, value in changes.items():
        section, key = name.split(".")
        content[section][key] = value
    return content
