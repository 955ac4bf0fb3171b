"""The documentation: its code runs, its links resolve, and its tables show what metrics/ holds."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from tests.factories import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Blocks of the first three run, unless `<!-- skip: next -->` stands before them; the last shows what is not run.
LANGUAGES = {"console", "python", "sh", "text"}


def run_shell(example: Example) -> None:
    """Run a block of shell commands; of a console, the lines behind a `$`, as the others show what is printed."""
    lines = example.parsed.splitlines()
    if example.region.lexemes["arguments"] == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    # What a block exports holds for the next ones.
    script = "\n".join(["set -e", *lines, "export -p > .exported"])
    before = ". ./.exported\n" if Path(".exported").exists() else ""
    result = subprocess.run(["bash", "-c", before + script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{example.path}:{example.line}: {result.stderr}"


SYBIL = Sybil(
    [PythonCodeBlockParser(), CodeBlockParser("console", run_shell), CodeBlockParser("sh", run_shell), SkipParser()]
)


@pytest.fixture
def project(exported: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder laid out as the project is after `make demo` and `make repro`, and make it the current one."""
    binaries = exported / ".venv/bin"
    binaries.mkdir(parents=True)
    for name, module in (("imdb-sentiment", "-m imdb_sentiment.app.commands"), ("python", "")):
        command = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {module} "$@"\n'
        (binaries / name).write_text(command, encoding="utf-8")
        (binaries / name).chmod(0o755)
    (exported / "runs/demo").mkdir(parents=True)
    (exported / "runs/demo/data").symlink_to(exported / "data")
    (exported / "data/sample").symlink_to(ROOT / "data/sample")
    monkeypatch.chdir(exported)
    monkeypatch.setenv("PATH", os.pathsep.join([str(binaries), os.environ["PATH"]]))
    return exported


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.usefixtures("project")
def test_code_blocks_run(page: Path) -> None:
    for example in SYBIL.parse(page).examples():
        example.evaluate()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_blocks_name_their_language(page: Path) -> None:
    fences = re.findall(r"^ *```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert set(fences[::2]) <= LANGUAGES
    assert set(fences[1::2]) <= {""}


def test_readme_links_to_files_that_exist() -> None:
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    local = [link.partition("#")[0] for link in links if "://" not in link]

    assert local
    assert [link for link in local if not (ROOT / link).exists()] == []


def test_site_builds_without_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "site/model/index.html").is_file()


def test_tables_show_what_was_measured() -> None:
    changed = subprocess.run(
        ["git", "status", "--porcelain", "metrics"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if changed.stdout:
        pytest.skip("metrics/ is of a run that is not committed: an experiment need not be rendered")
    command = [sys.executable, "docs/render.py", "--check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (0, "")
