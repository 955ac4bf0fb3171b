"""The programs for other engines in docs/scaling.md, each as a process of its own."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imdb_sentiment import SentimentModel
from tests.factories import ROOT

TEXTS = ["I loved it, a wonderful story", "I hated it, dull", "I left early"]


@pytest.mark.parametrize("package", ["pyspark", "dask"])
def test_programs_classify_as_the_model_does(package: str, exported_once: Path, tmp_path: Path) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    if package == "pyspark" and shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/scaling.md").read_text(encoding="utf-8"), re.DOTALL)
    (program,) = [block for block in blocks if package in block]
    shutil.copytree(exported_once / "data/model", tmp_path / "model")
    (tmp_path / "reviews").mkdir()
    for part, text in enumerate(TEXTS):
        pq.write_table(pa.table({"id": [part], "text": [text]}), tmp_path / f"reviews/{part}.parquet")
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    environment = {**os.environ, "PYTHONPATH": paths, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [sys.executable, "program.py"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    files = sorted((tmp_path / "classified").glob("*.parquet"))
    found = {row["id"]: row["probability"] for file in files for row in pq.read_table(file).to_pylist()}
    model = SentimentModel.load(exported_once / "data/model")
    assert found == {part: model.predict([text]).probabilities[0] for part, text in enumerate(TEXTS)}
