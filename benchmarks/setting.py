"""What a contender is given, and what it gives back."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

UNLABELLED: Final = 10_000  # reviews that vectors are learnt from, in the race
ALONE: Final = 50  # reviews that are classified one after the other


class Setting(NamedTuple):
    """Where everything lies, and how much of it is used.

    `reviews` is the most that a contender takes from the table, None for all. `loose` has the review files unpacked, of
    which there are `loose_reviews`.
    """

    data: Path = Path("data")
    params: Path = Path("params.yaml")
    archive: Path = Path("data/raw/aclImdb_v1.tar.gz")
    reviews: int | None = None
    batches: int = 30
    loose: Path | None = None
    loose_reviews: int = 0

    def arguments(self) -> list[str]:
        """Return the command line that makes the same setting again: each field is an option of its name."""
        given = {name: value for name, value in self._asdict().items() if value is not None}
        return [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]


class Lap(NamedTuple):
    """How many seconds so much work took, and, where something is fitted, the mean loss on the way."""

    seconds: float
    amount: int
    loss: float | None = None


Contend = Callable[[Setting], Lap]


def timed(work: Callable[[], Any], amount: int) -> Lap:
    """Do `work` once: what it needs is ready, and what it returns is kept until the clock has stopped."""
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    del result
    return Lap(seconds, amount)
