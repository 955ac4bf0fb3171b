"""Which modules of the package a file imports, however deep, read from its syntax and never executed."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "imdb_sentiment"


def imported_files(path: Path) -> set[str]:
    """Return the package's files that `path` imports, directly or through others, relative to the root."""
    found: set[Path] = set()
    pending = [path]
    while pending:
        new = _direct_imports(pending.pop()) - found
        found |= new
        pending.extend(new)
    return {str(its.relative_to(ROOT)) for its in found}


def _direct_imports(path: Path) -> set[Path]:
    files: set[Path] = set()
    for node in _executed(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import module` and `from package.module import name` look alike.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.split(".")[0] == PACKAGE:
                files |= _files_of(name)
    return files


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but those that only a type checker reads."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _executed(child)


def _files_of(name: str) -> set[Path]:
    """Return the file of a module, and the `__init__.py` that importing it runs first."""
    base = ROOT / "src" / Path(*name.split("."))
    candidates = {base.with_suffix(".py"), base / "__init__.py", ROOT / "src" / PACKAGE / "__init__.py"}
    return {candidate for candidate in candidates if candidate.is_file()}
