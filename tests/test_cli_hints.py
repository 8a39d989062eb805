"""Every command that a message names is one, with those options: a hint that does not work is worse than none."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.words import parser

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"(?<![:\w])handrail ([a-z][a-z-]*)([^;,.]*)")
COMMANDS = next(a.choices for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
# words after the program's name that are no command: "handrail works on 15 to 18"
VERBS = {"commits", "looks", "works", "puts", "needs", "asks", "alone", "is", "as", "in", "anchor"}


def hints() -> Iterator[tuple[str, str, str]]:
    """(file and line, command, what follows it), from each text of the code that is no docstring."""
    for path in sorted(path for folder in ("console", "db") for path in (ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) in told | inside or not isinstance(node, ast.Constant | ast.JoinedStr):
                continue
            for found in NAMED.finditer(text(node)):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", found[1], found[2]


def text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(text(part) if isinstance(part, ast.Constant) else "1" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@pytest.mark.parametrize(("place", "command", "rest"), [h for h in hints() if h[1] not in VERBS])
def test_a_hint_names_a_command_and_options_that_there_are(place: str, command: str, rest: str) -> None:
    assert command in COMMANDS, place
    known = {option for action in _parser(command, rest)._actions for option in action.option_strings}
    assert set(re.findall(r"--[a-z-]+", rest)) <= known, place


def _parser(command: str, rest: str) -> argparse.ArgumentParser:
    """Of the command, or of the part of it that is named next: operator add."""
    parts = next((a.choices for a in COMMANDS[command]._actions if isinstance(a, argparse._SubParsersAction)), {})
    found = parts.get((rest.split() or [""])[0], COMMANDS[command])
    assert isinstance(found, argparse.ArgumentParser)
    return found


def test_there_are_hints() -> None:
    assert {"status", "resume", "pause", "init", "resolve", "rollback"} <= {command for _, command, _ in hints()}
