"""What figures of speed were measured on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

_LIBRARIES: Final = (
    "dvc",
    "gensim",
    "keras",
    "numba",
    "numpy",
    "onnxruntime",
    "pyarrow",
    "scikit-learn",
    "tensorflow",
    "torch",
)


def describe_machine() -> dict[str, Any]:
    """Return the processor, its cores and the versions of Python and of what does the work."""
    versions = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    return {"processor": _processor(), "cores": os.cpu_count(), "versions": versions}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
