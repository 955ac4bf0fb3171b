"""`imdb-sentiment predict --engine ray` on a real cluster of two nodes: every row once, whatever is lost on the way."""

import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imdb_sentiment.distributed.file_systems import find_work
from tests.commands import Run, start
from tests.stage_runs import assert_refused

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


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    return write_parts(tmp_path / "parts", files=3, rows=4)


def test_files_with_an_output_are_left_out(parts: Path, exported_once: Path, run: Run, tmp_path: Path) -> None:
    assert run("predict", parts, "--output", tmp_path / "plain").exit_code == 0
    output = tmp_path / "out"
    output.mkdir()
    (output / "1.parquet").write_bytes(b"of an earlier run")
    rows = [{"id": 0, "text": "I loved it"}, {"id": 1, "text": None}, {"id": 2, "text": "\u2603"}]
    pq.write_table(pa.Table.from_pylist(rows), parts / "3.parquet")

    command = ("predict", str(parts / "*.parquet"), "--output", output, "--engine", "ray")
    stdout, stderr = start(exported_once, *command).communicate(timeout=60)
    assert stdout == ""
    assert f"error: {parts / '3.parquet'}, row 2: found no text; expected a review (" in stderr
    assert not (output / "3.parquet").exists()

    stdout, stderr = start(exported_once, *command, "--keep-bad-rows").communicate(timeout=60)
    assert "bad rows without an answer: 1\n" in stderr
    assert "rows with no word that the model knows: " in stderr
    written = contents(output)
    assert written.pop("1.parquet") == b"of an earlier run"
    kept = pq.read_table(output / "3.parquet").to_pylist()
    assert [(row["id"], row["predicted_label"]) for row in kept] == [(0, "positive"), (1, None), (2, "unknown")]
    written.pop("3.parquet")
    assert written == {name: content for name, content in contents(tmp_path / "plain").items() if name != "1.parquet"}


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere"])
def test_address_that_does_not_answer_is_named(parts: Path, run: Run, tmp_path: Path, address: str) -> None:
    options = ("--output", tmp_path / "out", "--engine", "ray", "--ray-address", address)
    assert_refused(run("predict", parts, *options), f"--ray-address {address}: found no ")
    assert not (tmp_path / "out").exists()


def test_bad_sources_and_outputs_are_refused(parts: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(parts)
    cases = [
        (parts, ("--output", parts), "which is read; expected another"),
        (parts, ("--output", tmp_path / "link"), "which is read; expected another"),
        (parts, (), "found no --output"),
        (parts, ("--output", tmp_path / "file"), "found a file; expected a folder"),
        (parts, ("--output", tmp_path / "out", "--json"), "found --json; expected none"),
        (tmp_path / "*.parquet", ("--output", tmp_path / "out"), "found no Parquet file"),
    ]
    for source, options, message in cases:
        assert_refused(run("predict", source, "--engine", "ray", *options), message)


def test_missing_ray_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "imdb_sentiment.distributed.ray_engine", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    result = run("predict", tmp_path, "--output", tmp_path / "out", "--engine", "ray")
    assert_refused(result, "found no package ray; expected those of the engine: pip install 'imdb-sentiment[ray]'")


def test_folders_below_a_pattern_are_kept(tmp_path: Path) -> None:
    for year in (2024, 2025):
        write_parts(tmp_path / f"year={year}", files=2, rows=1)
    (tmp_path / "year=2024/.hidden.parquet").touch()
    (tmp_path / "out/year=2025").mkdir(parents=True)
    (tmp_path / "out/year=2025/0.parquet").touch()
    work, done = find_work([f"{tmp_path}/year=*/*.parquet"], str(tmp_path / "out"))
    assert done == 1
    assert [file.source.removeprefix(f"{tmp_path}/") for file in work] == [
        *("year=2024/0.parquet", "year=2024/1.parquet", "year=2025/1.parquet")
    ]
    assert [file.output for file in work] == [file.source.replace("/year", "/out/year") for file in work]
