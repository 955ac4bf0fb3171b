"""Which folders of the package a file imports, however deep, read from its syntax and never executed."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.factories import ROOT

SOURCES = ROOT / "src"


def imported_folders(path: Path) -> list[str]:
    """Return the folders of the package whose modules `path` imports, directly or through others, sorted.

    They are relative to the root: `["src/imdb_sentiment/artifacts", "src/imdb_sentiment/runtime"]`. The package itself,
    whose `__init__.py` holds nothing of a stage, is left out.
    """
    found: set[Path] = set()
    pending = [path]
    while pending:
        new = _imported_modules(pending.pop()) - found
        found |= new
        pending.extend(new)
    package = SOURCES / "imdb_sentiment"
    return sorted({str(module.parent.relative_to(ROOT)) for module in found if module.parent != package})


def _imported_modules(path: Path) -> set[Path]:
    names: set[str] = set()
    for node in _executed(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import module` and `from package.module import name` look alike.
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    modules = {SOURCES.joinpath(*name.split(".")).with_suffix(".py") for name in names}
    return {module for module in modules if module.is_file()}


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but those that only a type checker reads."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _executed(child)
