"""The temperature: by how much a logit is divided, so that a short text's probability is as honest as a long one's."""

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.artifacts.vocabulary import PAD_ID, UNKNOWN_ID
from imdb_sentiment.runtime.errors import ArtifactError

REFERENCE_LENGTH: Final = 100  # tokens
LARGEST: Final = 10.0  # a higher temperature means that the model has learned nothing


@dataclass(frozen=True)
class Temperature:
    """A temperature that depends on what was read.

    Its logarithm is `constant + log_length * log(L / 100) + unknown_share * U`, for a text of L tokens of which a share
    U is unknown; from 0.1 to 10. `Temperature(log_length=-0.5)` is 1 for 100 tokens, 2 for 25.
    """

    constant: float = 0.0
    log_length: float = 0.0
    unknown_share: float = 0.0

    def at(self, token_ids: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the temperature for each of the padded `token_ids int32 [B, T]`, `float64 [B]`."""
        log_lengths, unknown = describe_texts(token_ids)
        logs = self.constant + self.log_length * log_lengths + self.unknown_share * unknown
        return np.exp(np.clip(logs, -math.log(LARGEST), math.log(LARGEST)))

    def at_length(self, tokens: int) -> float:
        """Return the temperature of a text of so many tokens, all known."""
        return float(self.at(np.full((1, tokens), UNKNOWN_ID + 1, np.int32))[0])

    def as_dict(self) -> dict[str, float]:
        """Return the three numbers by their names, as JSON files have them."""
        return asdict(self)

    @classmethod
    def parse(cls, found: Any, path: Path) -> "Temperature":
        """Return what `as_dict` gave, read from `path`.

        A single number, as older models have it, is the temperature of every text. Raises ArtifactError.
        """
        if type(found) is float and 0 < found < math.inf:
            return cls(math.log(found))
        names = [field.name for field in fields(cls)]
        if isinstance(found, dict) and list(found) == names and all(map(_is_number, found.values())):
            return cls(**found)
        raise ArtifactError(path, f"temperature {found!r}", f"a number above 0, or the numbers {', '.join(names)}")


def describe_texts(token_ids: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log(L / 100) for the L tokens of each text, and the share of them that are unknown, `float64 [B]` each."""
    lengths = np.maximum((token_ids != PAD_ID).sum(axis=1), 1)
    return np.log(lengths / REFERENCE_LENGTH), (token_ids == UNKNOWN_ID).sum(axis=1) / lengths


def _is_number(value: Any) -> bool:
    return type(value) is float and math.isfinite(value)
