"""The wheel: it predicts and explains where only its own dependencies are installed."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from importlib import metadata
from pathlib import Path

import pytest

from tests.factories import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # A copy, since building leaves its traces.
    shutil.copytree(ROOT / "src/imdb_sentiment", folder / "source/src/imdb_sentiment")
    for path in ROOT.glob("*"):  # pyproject.toml, and what it names
        if path.is_file():
            shutil.copy(path, folder / "source")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*command, folder, folder / "source"], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def required(wheel: Path) -> dict[str, set[str]]:
    """Return the distributions that the wheel requires for each extra, for "" those that it always requires."""
    with zipfile.ZipFile(wheel) as archive:
        path = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = message_from_string(archive.read(path).decode()).get_all("Requires-Dist", [])
    found: dict[str, set[str]] = {}
    for line in lines:
        extra = re.search(r"extra == [\"'](\w+)", line)
        found.setdefault(extra[1] if extra else "", set()).add(distribution_name(line))
    return found


def distribution_name(requirement: str) -> str:
    """Return the name in `requirement` as it is compared: `distribution_name("Foo_Bar>=2") -> "foo-bar"`."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def import_names(distributions: set[str]) -> set[str]:
    """Return the names by which these distributions, and all that they require, are imported."""
    found: set[str] = set()
    pending = list(distributions)
    while pending:
        if (name := pending.pop()) not in found:
            found.add(name)
            pending += [distribution_name(line) for line in metadata.requires(name) or [] if "extra ==" not in line]
    owners_by_name = metadata.packages_distributions().items()
    return {name for name, owners in owners_by_name if found & {distribution_name(owner) for owner in owners}}


def test_wheel_always_requires_only_what_prediction_needs(required: dict[str, set[str]]) -> None:
    assert required[""] <= {"jinja2", "numpy", "onnxruntime", "rich", "typer"}
    assert {"tensorflow", "dvc", "scikit-learn", "pandas", "onnx"} <= required["pipeline"]


def test_wheel_predicts_and_explains_without_the_pipeline(
    wheel: Path, required: dict[str, set[str]], exported_once: Path, tmp_path: Path
) -> None:
    absent = set(metadata.packages_distributions()) - {"imdb_sentiment"} - import_names(required[""])
    assert {"tensorflow", "pandas", "dvc", "onnx", "pyarrow"} <= absent
    script = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {absent!r}:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import imdb_sentiment\n"
        "assert imdb_sentiment.__file__.startswith(sys.argv[1]), imdb_sentiment.__file__\n"
        "from imdb_sentiment.app.commands import app\n"
        "app(sys.argv[2:])\n"
    )
    (tmp_path / "table.csv").write_text("text\n" + "I loved every minute of it.\n" * 40)
    environment = {**os.environ, "PYTHONPATH": str(wheel), "IMDB_SENTIMENT_MODEL": str(exported_once / "data/model")}

    def run(*arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-c", script, str(wheel), *arguments]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert result.returncode == code, result.stderr
        return result.stderr if code else result.stdout

    probability = json.loads(run("predict", "--json", "I loved every minute of it."))["probability"]
    assert run("predict", "table.csv", "--output", "out.csv") == "out.csv: 40 reviews\n"
    rows = (tmp_path / "out.csv").read_text().splitlines()[1:]
    assert [float(row.split(",")[2]) for row in rows] == pytest.approx([probability] * 40, abs=1e-5)
    (tmp_path / "table.parquet").write_bytes(b"PAR1")
    for arguments in (["table.parquet"], ["table.csv", "--output", "out.parquet"]):
        assert "found no PyArrow, which Parquet" in run("predict", *arguments, code=1).splitlines()[-1]
    assert "I loved every minute of it." in run("explain", "I loved every minute of it.", "--html", "why.html")
    assert (tmp_path / "why.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_wheel_contains_the_templates(wheel: Path) -> None:
    templates = {
        str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("templates/**/*") if path.is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        assert templates <= set(archive.namelist())
