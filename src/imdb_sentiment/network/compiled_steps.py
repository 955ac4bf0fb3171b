"""The functions of `recurrence_steps`, compiled once, and kept in Numba's cache where that can be written."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numba
from numba import types

from imdb_sentiment.network import recurrence_steps


class Steps(NamedTuple):
    """The compiled functions."""

    forward: Callable[..., None]
    backward: Callable[..., Any]
    add_input_gradient: Callable[..., None]


@cache
def compiled_steps() -> Steps:
    """Compile the functions, which takes some ten seconds, or load them from the cache.

    Call it before TensorFlow's graph does: within a graph, Ctrl-C or an error ends as an error of TensorFlow's.
    """
    # Each function for these types alone: processes that share the cache then write equal files. Arrays that come from
    # TensorFlow may be read-only.
    given, floats2, floats3 = _array(3, readonly=True), _array(2), _array(3)
    places, integer = _array(2, types.int32, readonly=True), types.int64
    rows, active = _array(1, types.int64), _array(1, types.int64)
    kept = (floats2, floats3, floats3, floats3)  # weights or recurrent, memory, gates, cells
    return Steps(
        _compile(recurrence_steps.forward, (given, given, places, rows, active, integer, *kept, floats3, integer)),
        _compile(recurrence_steps.backward, (given, places, rows, active, integer, *kept, integer, floats3)),
        _compile(recurrence_steps.add_input_gradient, (floats3, rows, active, floats2, floats3)),
    )


def _array(dimensions: int, dtype: Any = types.float32, readonly: bool = False) -> Any:
    return types.Array(dtype, dimensions, "C", readonly=readonly)


def _compile(function: Callable[..., Any], signature: tuple[Any, ...]) -> Any:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": recurrence_steps.FASTMATH}
    compiled = numba.njit(**options)(function)
    try:
        compiled.enable_caching()
        compiled.compile(signature)
    except Exception:
        # The cache only saves time: no folder that can be written, a full disk, a damaged file (whose pickle may raise
        # anything) do not matter. Where saving failed, the function is compiled by now; an error in it is raised below.
        if not compiled.signatures:
            compiled = numba.njit(signature, **options)(function)
    compiled.disable_compile()
    return compiled
