"""ONNX Runtime: the one place that imports it, without its telemetry."""

import os
from pathlib import Path
from typing import Any

from imdb_sentiment.runtime.errors import ArtifactError


def import_onnxruntime() -> Any:
    """Return the module `onnxruntime`, which would otherwise write an id to the home folder and look up a host."""
    # Read when the module is imported: its function disable_telemetry_events() comes too late.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def open_session(path: Path) -> Any:
    """Return an `onnxruntime.InferenceSession` of the graph in `path`, on one thread. Raises ArtifactError."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    # A thread per batch, not several for one: reviews are short, and threads that share one wait for each other.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no other common base
        raise ArtifactError(path, f"what ONNX Runtime cannot load ({error})", "an ONNX graph") from error
