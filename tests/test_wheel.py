"""The wheel: it predicts where nothing of the pipeline is installed."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from tests.imports import ROOT

PIPELINE = (
    "altair",
    "vl_convert",
    "tensorflow",
    "keras",
    "dvc",
    "dvclive",
    "pandas",
    "scipy",
    "sklearn",
    "ruamel",
    "requests",
    "onnx",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # A copy, since building leaves its traces.
    shutil.copytree(ROOT / "src/imdb_sentiment", source / "src/imdb_sentiment")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*command, str(folder), str(source)], check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


def test_only_what_prediction_needs_is_required(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (its for its in archive.namelist() if its.endswith("/METADATA"))
        required = message_from_string(archive.read(name).decode()).get_all("Requires-Dist", [])
    always = {its.split(">")[0] for its in required if "extra ==" not in its}
    assert always == {"jinja2", "numpy", "onnxruntime", "pyarrow", "rich", "typer"}
    extra = {its.split(">")[0] for its in required if 'extra == "pipeline"' in its}
    assert {"tensorflow", "dvc", "scikit-learn", "pandas", "onnx"} <= extra


def test_it_predicts_and_explains_where_the_pipeline_is_not_installed(
    wheel: Path, exported_once: Path, tmp_path: Path
) -> None:
    # Whatever of the pipeline is asked for is not there, as in an environment without the extra.
    script = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {PIPELINE!r}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import imdb_sentiment\n"
        "assert imdb_sentiment.__file__.startswith(sys.argv[1]), imdb_sentiment.__file__\n"
        "from imdb_sentiment.app.commands import app\n"
        "app(sys.argv[2:])\n"
    )
    (tmp_path / "table.csv").write_text("text\n" + "I loved every minute of it.\n" * 40)
    environment = {**os.environ, "PYTHONPATH": str(wheel), "IMDB_SENTIMENT_MODEL": str(exported_once / "exported")}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", script, str(wheel), *arguments]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return result.stdout

    probability = json.loads(run("predict", "--json", "I loved every minute of it."))["probability"]
    assert run("predict", "table.csv", "--output", "out.csv") == "out.csv: 40 reviews\n"
    rows = (tmp_path / "out.csv").read_text().splitlines()[1:]
    assert [float(row.split(",")[2]) for row in rows] == pytest.approx([probability] * 40, abs=1e-5)
    assert "I loved every minute of it." in run("explain", "I loved every minute of it.", "--html", "page.html")
    assert "Words with the largest effect" in (tmp_path / "page.html").read_text()


def test_templates_are_packed(wheel: Path) -> None:
    templates = {
        str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("templates/**/*") if path.is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        assert templates <= set(archive.namelist())
