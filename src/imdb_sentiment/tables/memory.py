"""A bound on the memory of one step of a library that has no bound of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

_STATUS: Final = Path("/proc/self/statm")  # in pages; Linux only
_DATA_FIELD: Final = 5
_lock = Lock()  # the limit is that of the whole process


@contextmanager
def memory_limited(more_bytes: int) -> Iterator[None]:
    """Let the process take no more than `more_bytes` in the block: what goes beyond raises MemoryError.

    Does nothing where the system has no such limit.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    with _lock:
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        used = int(_STATUS.read_text(encoding="ascii").split()[_DATA_FIELD]) * resource.getpagesize()
        limits = [limit for limit in (used + more_bytes, soft, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
