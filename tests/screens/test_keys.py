"""Keys: each declared once, with its words; one key does one thing everywhere; small terminals; the palette."""

from __future__ import annotations

import importlib
from collections import defaultdict
from typing import Any

import pytest
from textual.binding import Binding
from textual.command import CommandList
from textual.dom import DOMNode

from console.app import PLACES, HandrailApp
from tests.screens.person import console

LISTED = ["console.widgets.ledger:Ledger", "console.widgets.questions:Dialog", "console.widgets.questions:QuestionDialog",
          "console.widgets.questions:TypedDialog", "console.widgets.place:Place",
          "console.widgets.gatekeeping:GatePlace", "console.widgets.lookup:LookupPlace", "console.widgets.lookup:ChoiceDialog",
          "console.screens.home:HomeScreen", *PLACES.values()]  # fmt: skip


def declared() -> list[tuple[str, Binding]]:
    found: list[tuple[str, Binding]] = []
    nodes: list[type[Any]] = [HandrailApp]
    for place in LISTED:
        module, name = place.split(":")
        nodes.append(getattr(importlib.import_module(module), name))
    for node in nodes:
        assert issubclass(node, DOMNode)
        found += [(node.__name__, binding) for binding in node.__dict__.get("BINDINGS", [])]
    return found


@pytest.mark.parametrize(("where", "binding"), declared(), ids=lambda value: getattr(value, "key", value))
def test_says_what_it_does(where: str, binding: Binding) -> None:
    assert binding.description, where
    assert binding.tooltip, where
    assert binding.id, where


def test_one_key_does_one_thing_everywhere() -> None:
    meant: dict[str, set[str]] = defaultdict(set)
    for _, binding in declared():
        for key in binding.key.split(","):
            meant[key].add(binding.action.split("(")[0])
    # escape goes back one step: out of a place, a question or a list of keys; q and ? close the list of keys;
    # y copies in a place, and says yes to a question, where there is nothing to copy
    allowed = {
        "y": {"answer", "copy"},
        "escape": {"leave", "answer", "dismiss"},
        "q": {"quit", "dismiss"},
        "question_mark": {"help", "dismiss"},
    }
    assert {key: acts for key, acts in meant.items() if len(acts) > 1 and acts != allowed.get(key)} == {}


# all that support's places can do; what writes into the journal or one's own saved searches is named
READS = {"clients", "list", "narrow", "saved", "window", "history", "meant", "typed", "copy", "again", "leave"}
SAYS = {"reveal", "export", "save"}


def test_no_key_of_support_changes_the_target() -> None:
    """UX-S8: a key that is new on these places has to be put here, by somebody who knows what it does."""
    own = {"ClientsScreen", "ClientScreen", "TenantsScreen", "LookupPlace", "ChoiceDialog"}
    acts = {(where, binding.action.split("(")[0]) for where, binding in declared() if where in own}
    assert {act for _, act in acts} == READS - {"leave"} | SAYS | {"dismiss"}
    assert {where for where, act in acts if act == "reveal"} == {"ClientScreen"}


async def test_question_mark_lists_the_keys_and_which_cannot_act_now(url: str) -> None:
    async with console(url) as person:
        await person.starts_run()
        await person.until(lambda: person.can("next") and not person.can("back"))
        await person.presses("question_mark")
        await person.sees("n Next: Does the next step", "k Undo: Undoes the last step; asks first (not now)")
        await person.presses("escape")
        await person.until(lambda: person.place == "RunScreen")


async def test_every_live_key_is_in_the_palette(url: str) -> None:
    async with console(url) as person:
        await person.starts_run()
        await person.until(lambda: person.can("next"))
        titles = [command.title for command in person.app.get_system_commands(person.app.screen)]
        assert {"Next (n)", "SQL (s)", "Keys (?)", "Quit (q)"} <= {" ".join(title.split()) for title in titles}
        assert not any(title.startswith("Undo") for title in titles)
        await person.presses("ctrl+p", *"Checkpo")
        found = person.app.screen.query_one(CommandList)
        await person.until(lambda: 1 <= found.option_count <= 2)
        await person.presses("down")  # else a first enter only marks it, or runs it, as the list is long
        await person.until(lambda: found.highlighted == 0)
        await person.presses("enter")
        await person.is_asked("Go on up to checkpoint ready to copy?")


async def test_too_small_is_one_readable_line(url: str) -> None:
    async with console(url, (40, 10)) as person:
        await person.sees("handrail needs 60x18 cells")
        await person.until(lambda: "sample" not in person.reading)
        await person.pilot.resize_terminal(80, 24)
        await person.sees("no run yet", "People get")


async def test_what_cannot_be_read_cannot_be_agreed_to(url: str) -> None:
    async with console(url) as person:
        await person.starts_run()
        await person.until(lambda: person.can("next"))
        await person.presses("n")
        dialog = await person.is_asked("Do step 1")
        await person.pilot.resize_terminal(40, 10)
        await person.sees("handrail needs 60x18 cells")
        await person.presses("y")
        assert person.app.screen is dialog
        assert not person.app.driving


async def test_resizing_keeps_the_row_under_the_cursor(url: str) -> None:
    async with console(url) as person:
        await person.starts_run()
        await person.presses("down", "down", "down")
        await person.sees("CREATE INDEX CONCURRENTLY")
        await person.pilot.resize_terminal(160, 50)
        await person.pilot.pause()
        await person.sees("CREATE INDEX CONCURRENTLY")
        assert person.app.screen.query_one("#steps").chosen == "index"  # type: ignore[attr-defined]
