"""What the README and docs say of files, functions and commands is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from textual.binding import Binding

from console.app import HandrailApp
from console.screens.audit import AuditScreen
from console.screens.checkpoint import CheckpointScreen
from console.screens.plan import PlanScreen
from console.screens.run import RunScreen
from console.words import parser

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = {page: page.read_text(encoding="utf-8") for page in PAGES}
README = TEXT[ROOT / "README.md"]
NAMED = sorted(
    {path for text in TEXT.values() for path in re.findall(r"`((?:console|db|tests|bench|docs)/[\w/]+\.py)`", text)}
)
CLAIMS = re.findall(r"`((?:console|db)/[\w/]+\.py)`: `(\w+)`", README)
LINKS = sorted({(page.name, link) for page, text in TEXT.items() for link in re.findall(r"\]\(([\w/.]+)\)", text)})
COMMANDS = [
    line.split("#")[0].split("  ")[0].strip()
    for line in re.findall(r"^    (handrail .*)$", README, re.M)
]  # fmt: skip


@pytest.mark.parametrize("path", NAMED)
def test_a_file_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize(("path", "function"), CLAIMS)
def test_one_key_press_goes_through_the_functions_that_it_names(path: str, function: str) -> None:
    assert re.search(rf"def {function}\(", (ROOT / path).read_text(encoding="utf-8"))


def test_the_key_press_is_told_from_the_screen_to_the_commit() -> None:
    assert [path for path, _ in CLAIMS][:2] == ["console/screens/run.py", "console/app.py"]
    assert len(CLAIMS) >= 7


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_a_link_leads_somewhere(page: str, link: str) -> None:
    folder = ROOT if (ROOT / page).is_file() else ROOT / "docs"
    assert (folder / link).exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command: str) -> None:
    assert parser().parse_args(shlex.split(command)[1:]).command


def test_the_keys_of_the_tour_are_bound() -> None:
    rows = re.findall(r"^\| ((?:`\S+` )+)\|", README, re.M)
    shown = {key for row in rows for key in re.findall(r"`(\S+)`", row)} - {
        "enter",
        "?",
    }  # the list's own, and every screen's
    nodes = (RunScreen, CheckpointScreen, AuditScreen, HandrailApp)
    bindings = [binding for node in nodes for binding in Binding.make_bindings(node.BINDINGS)]
    bound = {key for binding in bindings for key in (binding.key, binding.key_display)}
    assert shown
    assert shown <= bound
    (begins,) = re.findall(r"`(\w)` begins a\s+run", README)
    assert begins in {binding.key for binding in Binding.make_bindings(PlanScreen.BINDINGS)}
