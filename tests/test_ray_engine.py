"""`imdb-sentiment predict --engine ray` on a real cluster of two nodes: every row once, whatever is lost on the way."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import Run, start

FILES, ROWS = 12, 3000
TEXTS = ("I loved it, a wonderful story", "I hated it, dull", "I left early", "every minute of it was moving", "☃")


def write_parts(folder: Path, files: int = FILES, rows: int = ROWS) -> Path:
    folder.mkdir()
    for part in range(files):
        texts = [f"{TEXTS[(part + row) % 5]}. {TEXTS[row % 3]} " * (1 + row % 40) for row in range(rows)]
        pq.write_table(
            pa.table({"id": range(part * rows, (part + 1) * rows), "text": texts}), folder / f"{part}.parquet"
        )
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


def actors_on(node: Any) -> int:
    """Return how many actors the node runs."""
    import ray
    from ray._private import state

    ray.init(address=node.address, log_to_driver=False, logging_level=logging.ERROR)
    try:
        found = state.actors().values()
        return sum(actor["Address"]["NodeID"] == node.node_id and actor["State"] == "ALIVE" for actor in found)
    finally:
        ray.shutdown()


def wait_for(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_rows_are_classified_once_though_a_node_is_lost(
    cluster: Any, run: Run, exported_once: Path, tmp_path: Path
) -> None:
    parts, output = write_parts(tmp_path / "parts"), tmp_path / "out"
    assert run("predict", parts, "--output", tmp_path / "plain").exit_code == 0
    node = cluster.add_node(num_cpus=1)
    options = ("--engine", "ray", "--ray-address", cluster.address)
    process = start(exported_once, "predict", parts, "--output", output, *options)
    wait_for(lambda: len(contents(output)) >= 3 or process.poll() is not None)
    assert actors_on(node) == 1
    assert process.poll() is None
    cluster.remove_node(node, allow_graceful=False)
    lost_at = len(contents(output))
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (0, f"{output}: 36,000 reviews in 12 files\n"), stderr
    assert lost_at < FILES
    assert contents(output) == contents(tmp_path / "plain")
    assert [path.name for path in output.iterdir() if path.suffix != ".parquet"] == []
