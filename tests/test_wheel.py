"""The wheel: it predicts and explains where only its own dependencies are installed."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from tests.factories import ROOT

# The distributions that prediction may need, and what they are imported as. Pandas is not among them, but PyArrow
# imports it wherever it is installed.
NEEDED = {"jinja2", "numpy", "onnxruntime", "pyarrow", "rich", "typer"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # A copy, since building leaves its traces.
    shutil.copytree(ROOT / "src/imdb_sentiment", source / "src/imdb_sentiment")
    for path in ROOT.glob("*"):  # the license and whatever else the build reads
        if path.is_file():
            shutil.copy(path, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*command, str(folder), str(source)], check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def required(wheel: Path) -> dict[str, set[str]]:
    """Return the names that the wheel requires by extra, "" for those that it always does."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = message_from_string(archive.read(metadata).decode()).get_all("Requires-Dist", [])
    found: dict[str, set[str]] = {"": set()}
    for line in lines:
        name, extra = re.match(r"[\w.-]+", line), re.search(r"extra == [\"'](\w+)", line)
        assert name is not None
        found.setdefault(extra[1] if extra else "", set()).add(name[0].lower())
    return found


def test_wheel_always_requires_only_what_prediction_needs(required: dict[str, set[str]]) -> None:
    assert required[""] <= NEEDED
    assert {"tensorflow", "dvc", "scikit-learn", "pandas", "onnx"} <= required["pipeline"]


def test_wheel_predicts_and_explains_without_the_pipeline(
    wheel: Path, required: dict[str, set[str]], exported_once: Path, tmp_path: Path
) -> None:
    # What is neither required, nor comes with that, nor is Python's own is not there.
    script = (
        "import importlib.metadata as metadata, re, sys\n"
        f"names, pending = set(), {sorted(required[''])!r}\n"
        "while pending:\n"
        "    name = pending.pop()\n"
        "    if name not in names:\n"
        "        names.add(name)\n"
        "        lines = metadata.requires(name) or []\n"
        "        pending += [re.match(r'[\\w.-]+', line)[0] for line in lines if 'extra ==' not in line]\n"
        "absent = {top for top, owners in metadata.packages_distributions().items()\n"
        "          if not {owner.lower().replace('_', '-') for owner in owners}\n"
        "          & {name.lower().replace('_', '-') for name in names}} - {'imdb_sentiment'}\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in absent:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "assert {'tensorflow', 'pandas', 'dvc', 'onnx'} <= absent\n"
        "import imdb_sentiment\n"
        "assert imdb_sentiment.__file__.startswith(sys.argv[1]), imdb_sentiment.__file__\n"
        "from imdb_sentiment.app.commands import app\n"
        "app(sys.argv[2:])\n"
    )
    (tmp_path / "table.csv").write_text("text\n" + "I loved every minute of it.\n" * 40)
    environment = {**os.environ, "PYTHONPATH": str(wheel), "IMDB_SENTIMENT_MODEL": str(exported_once / "data/model")}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", script, str(wheel), *arguments]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return result.stdout

    probability = json.loads(run("predict", "--json", "I loved every minute of it."))["probability"]
    assert run("predict", "table.csv", "--output", "out.csv") == "out.csv: 40 reviews\n"
    rows = (tmp_path / "out.csv").read_text().splitlines()[1:]
    assert [float(row.split(",")[2]) for row in rows] == pytest.approx([probability] * 40, abs=1e-5)
    assert "I loved every minute of it." in run("explain", "I loved every minute of it.", "--html", "why.html")
    assert (tmp_path / "why.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_wheel_contains_the_templates(wheel: Path) -> None:
    templates = {
        str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("templates/**/*") if path.is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        assert templates <= set(archive.namelist())
