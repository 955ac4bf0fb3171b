"""The short form of tests/fuzz.py: valid inputs with some bytes changed, cut or repeated are read or refused."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import TARGETS, make_seeds

Change = tuple[float, bytes, int]


def mutate(seed: bytes, changes: list[Change]) -> bytes:
    """Put each change's bytes at its share of the length, in place of as many bytes as it says."""
    data = bytearray(seed)
    for share, put, removed in changes:
        at = int(share * len(data))
        data[at : at + removed] = put
    return bytes(data)


CHANGES = st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=8), st.integers(0, 64)), min_size=1, max_size=4)


@pytest.mark.parametrize("target", list(TARGETS))
def test_damaged_input_is_read_or_refused(target: str, exported_once: Path, tmp_path: Path) -> None:
    seeds = make_seeds(target, tmp_path, exported_once)

    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(range(len(seeds))), CHANGES)
    def check(number: int, changes: list[Change]) -> None:
        data = mutate(seeds[number], changes)
        # The byte that chooses the format or the file stays.
        TARGETS[target](seeds[number][:1] + data[1:] if target in {"table", "model"} else data, tmp_path)

    check()
