"""Work on all cores for functions that spend their time outside Python: in NumPy, Arrow or ONNX Runtime."""

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

_CGROUPS: Final = Path("/sys/fs/cgroup")

Item = TypeVar("Item")
Result = TypeVar("Result")


def thread_count() -> int:
    """Return the number of threads to use: OMP_NUM_THREADS, which other libraries heed too, or one for each core.

    Cores that this process may not use do not count: those outside its CPU affinity, and outside the CPU time that its
    container may take.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _cpu_quota(_CGROUPS))))


def _cpu_quota(root: Path) -> float:
    """Return how many cores' time a container may take, by version 2 or 1 of Linux's control groups."""
    with suppress(OSError, ValueError):
        quota, period = (root / "cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError):
        quota, period = ((root / f"cpu/cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return math.inf if int(quota) < 0 else int(quota) / int(period)
    return math.inf


def map_in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> Generator[Result, None, None]:
    """Yield `function(item)` for each of `items`, in their order, computed by `threads` threads.

    By default there are `thread_count()` of them. At most two items a thread are taken ahead, so that a stream of items
    is never in memory as a whole.
    """
    workers = threads or thread_count()
    if workers == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[Result]] = deque()
        for item in items:
            ahead.append(pool.submit(function, item))
            if len(ahead) > 2 * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
