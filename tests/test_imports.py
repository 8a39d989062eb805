"""Imports go one way: cli -> app -> screens -> widgets -> asking -> engine -> db (design.md section 3)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(path for folder in ("console", "db") for path in (ROOT / folder).rglob("*.py"))

# Longest first: the first that fits is the layer. A layer may import itself and what stands to its right.
ORDER = ["cli", "app", "screens", "widgets", "asking", "engine", "db"]
PLACES = {
    "console.engine": "engine",
    "console.screens": "screens",
    "console.widgets": "widgets",
    "console.asking": "asking",
    "console.app": "app",
    "console.settings": "asking",
    "console": "cli",
    "db": "db",
}


def layer(module: str) -> str | None:
    return next((name for place, name in PLACES.items() if module == place or module.startswith(f"{place}.")), None)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """(module, whether at the top of the file)"""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            yield str(node.module), id(node) in top
            yield from ((f"{node.module}.{alias.name}", id(node) in top) for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_nothing_looks_back_up(path: Path) -> None:
    here = layer(module_of(path))
    assert here is not None
    for module, _ in imported(path):
        there = layer(module)
        if there is not None:
            assert ORDER.index(there) >= ORDER.index(here), f"{module_of(path)} ({here}) imports {module} ({there})"


@pytest.mark.parametrize("path", [p for p in FILES if layer(module_of(p)) in ("screens", "widgets")], ids=module_of)
def test_screens_ask_and_never_reach_around(path: Path) -> None:
    forbidden = ("sqlalchemy", "psycopg", "db.session", "db.journal")
    for module, _ in imported(path):
        assert not module.startswith(forbidden), f"{module_of(path)} imports {module}"


@pytest.mark.parametrize("path", sorted((ROOT / "console" / "screens").glob("*.py")), ids=module_of)
def test_screens_never_import_each_other(path: Path) -> None:
    for module, _ in imported(path):
        assert layer(module) != "screens", f"{module_of(path)} imports {module}"


@pytest.mark.parametrize("path", [p for p in FILES if layer(module_of(p)) in ("engine", "db")], ids=module_of)
def test_the_engine_knows_no_screen(path: Path) -> None:
    assert not [module for module, _ in imported(path) if module.startswith("textual")]


def test_no_file_is_over_300_lines() -> None:
    long = {str(p.relative_to(ROOT)): n for p in FILES if (n := len(p.read_text(encoding="utf-8").splitlines())) > 300}
    assert long == {}


def loaded(statement: str) -> set[str]:
    """The top-level packages in memory after a statement, in an interpreter of its own."""
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys; {statement}; print(' '.join({{m.split('.')[0] for m in sys.modules}}))"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return set(shown.stdout.split())


def test_the_engine_loads_without_textual() -> None:
    everything = "import console.engine.journey, console.engine.demo, console.engine.doctor"
    assert not loaded(everything) & {"textual", "rich"}


def test_help_loads_nothing_heavy() -> None:
    assert not loaded("import console.cli; console.cli.parser()") & {"textual", "sqlalchemy", "psycopg", "pydantic"}


def test_the_first_screen_loads_no_engine() -> None:
    """UX-C1: the first picture does not wait for the database's libraries."""
    assert not loaded("import console.app, console.screens.home") & {"sqlalchemy", "psycopg", "alembic", "pglast"}
