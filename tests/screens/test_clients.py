"""Clients on the screen: found while somebody types, by the keyboard alone, masked, and nothing on the target changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.engine.clients import saved
from console.screens import clients as screen
from db.session import Target
from tests.conftest import cloned
from tests.driving import ask
from tests.screens.support import Size, box, chosen, client_of, keys_of, listed, looking, writes
from tests.servers import Server

pytestmark = pytest.mark.newest

ANNA = "client IN (SELECT client FROM handrail_search.entry WHERE terms LIKE E'%\\nn:anna\\n%')"


@pytest.fixture(scope="module")
def target(server: Server, indexed: str) -> Iterator[Target]:
    """For tests that only look."""
    yield from cloned(server, indexed)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    return tmp_path


def of(target: Target, question: str) -> list[str]:
    found: list[str] = ask(target, f"SELECT array_agg(client ORDER BY n) FROM handrail_search.entry WHERE {question}")
    return found


async def test_all_are_there_before_a_key_is_pressed(target: Target, size: Size) -> None:
    async with looking(target, size=size) as person:
        await person.sees(
            "clients · test_", "read only", "Suri Patel (support1)", "300 found", "Name", "Company", "matched"
        )
        assert len(listed(person)) == 300


async def test_the_first_key_has_its_answer(target: Target, size: Size) -> None:
    async with looking(target, size=size) as person:
        await person.sees("300 found")
        await person.presses("a")
        await person.until(lambda: "300 found" not in person.reading)
        await person.sees("first 50 shown")
        assert len(listed(person)) == 50
        await person.presses(*"nna")
        await person.sees("22 found", "Anna", "name")
        assert set(keys_of(person)) >= set(of(target, ANNA))
        assert "first 50" not in person.reading


async def test_twenty_keys_without_a_wait_end_with_the_last_text(target: Target) -> None:
    async with looking(target) as person:
        await person.sees("300 found")
        for key in (*"lantern", *"zzzzzzz", *["backspace"] * 7):
            person.app.simulate_key(key)
        await person.sees("19 found", "Lantern")
        assert box(person).value == "lantern"
        await person.pilot.pause(0.3)
        await person.sees("19 found")


async def test_an_old_answer_never_takes_the_place_of_a_newer(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first question is slow, and its answer comes when the second has long been answered."""
    whole, slow = screen._answered, asyncio.Event()
    loop = asyncio.get_running_loop()

    def answered(searching: Any, written: str, *rest: Any) -> screen.Answer:
        answer = whole(searching, written, *rest)
        if written == "a":
            asyncio.run_coroutine_threadsafe(asyncio.wait_for(slow.wait(), 10), loop).result()
        return answer

    async with looking(target) as person:
        await person.sees("300 found")
        monkeypatch.setattr(screen, "_answered", answered)
        seen: list[str] = []
        shown = screen.ClientsScreen._show

        def show(self: screen.ClientsScreen, answer: screen.Answer) -> None:
            seen.append(answer.written)
            shown(self, answer)

        monkeypatch.setattr(screen.ClientsScreen, "_show", show)
        await person.presses("a")
        await person.presses("n")
        await person.presses("n", "a")
        slow.set()
        await person.sees("22 found")
        await person.pilot.pause(0.3)
        assert (seen[-1], "a" in seen) == ("anna", False)
        await person.sees("22 found")


async def test_down_enter_and_back_to_the_same_row_and_words(target: Target, size: Size) -> None:
    """UX-S5"""
    async with looking(target, size=size) as person:
        await writes(person, "anna")
        await person.sees("22 found")
        await person.presses("down", "down", "down")
        row = chosen(person)
        assert row == keys_of(person)[2]
        await person.presses("enter")
        await person.until(lambda: person.place == "ClientScreen")
        await person.sees(f"Client Id {row}")
        await person.presses("escape")
        await person.until(lambda: person.place == "ClientsScreen")
        await person.sees("22 found")
        assert (chosen(person), box(person).value) == (row, "anna")
        await person.presses("escape")
        await person.until(lambda: box(person).has_focus)
        assert (person.place, box(person).value) == ("ClientsScreen", "anna")


async def test_what_matched_and_what_is_left_out_is_said(target: Target) -> None:
    async with looking(target, size=(160, 50)) as person:
        await writes(person, "role:editor !anna")
        await person.sees("[role: editor]", "[not anna]")
        await writes(person, "shop.example")
        await writes(person, "yuki.")
        await person.until(lambda: listed(person) and all(row[-1] == "e-mail" for row in listed(person)))
        await writes(person, "+49 30 1376 3933")
        await person.sees("1 found", "Zoë Nowak", "phone")
        await writes(person, "153887bb")
        await person.sees("1 found", "Zoë Nowak", "id")


async def test_everything_is_masked(target: Target) -> None:
    async with looking(target, size=(160, 50)) as person:
        await writes(person, "zoe.nowak.199")
        await person.sees("1 found", "z•••@example…", "••••33")
        assert "zoe.nowak.199@" not in person.reading
        assert "13763933" not in person.reading


async def test_did_you_mean_and_tab(target: Target, size: Size) -> None:
    """UX-S3: the original is one key away."""
    async with looking(target, size=size) as person:
        await writes(person, "lantrn")
        await person.sees("0 found", "Did you mean lantern", "tab takes the first")
        await person.presses("tab")
        await person.until(lambda: box(person).value == "lantern")
        await person.is_told("lantrn is one key away: ctrl+z")
        await person.sees("19 found")
        await person.presses("ctrl+z")
        await person.until(lambda: box(person).value == "lantrn")
        await person.sees("0 found")
        await writes(person, "anna")
        await person.sees("22 found")
        await person.presses("tab")  # nothing is meant: to the list, as everywhere
        await person.until(lambda: not box(person).has_focus)


async def test_filter_offers_fields_and_their_values(target: Target, size: Size) -> None:
    async with looking(target, size=size) as person:
        await person.sees("300 found")
        await person.presses("ctrl+f")
        await person.sees("Filter by", "Role", "viewer")
        await person.presses("escape")
        await person.until(lambda: person.place == "ClientsScreen")
        assert box(person).value == ""
        await person.presses("ctrl+f")
        await person.sees("Filter by")
        await person.presses("enter")
        await person.until(lambda: person.place == "ClientsScreen")
        await person.until(lambda: box(person).value.startswith("role:"))
        await person.sees("[role: ")


async def test_a_search_is_kept_opened_again_and_replaced(lookup: Target) -> None:
    async with looking(lookup) as person:
        await person.presses("ctrl+o")
        await person.is_told("None is kept yet")
        await writes(person, "role:admin")
        await person.sees("[role: admin]")
        await person.presses("ctrl+s")
        await person.is_asked("Save this search?")
        await person.presses("a", "enter")
        await person.sees("A few letters at least.")
        await person.presses(*"dmins", "enter")
        await person.is_told("Saved as admins.")
        await writes(person, "anna")
        await person.presses("ctrl+o")
        await person.sees("Saved searches", "admins", "you", "role:admin")
        await person.presses("enter")
        await person.until(lambda: person.place == "ClientsScreen" and box(person).value == "role:admin")
    assert ask(lookup, "SELECT array_agg(ARRAY[owner, name, asked]) FROM handrail_search.saved_search") == [
        ["support1", "admins", "role:admin"]
    ]


async def test_it_opens_with_the_usual_search_of_this_login(lookup: Target) -> None:
    ask(
        lookup,
        "INSERT INTO handrail_search.saved_search (owner, name, asked, usual, shared) VALUES ('support1', 'mine', 'role:editor', true, false), ('support2', 'theirs', 'role:admin', true, true)",
    )
    async with looking(lookup) as person:
        await person.sees("[role: editor]")
        assert box(person).value == "role:editor"
        await person.presses("a")  # takes its place
        await person.until(lambda: box(person).value == "a")


async def test_export_is_masked_private_and_said(lookup: Target, own_home: Path) -> None:
    async with looking(lookup) as person:
        await writes(person, "anna")
        await person.sees("22 found")
        await person.presses("ctrl+e")
        await person.is_told("22 clients, masked, in ")
    (path,) = (own_home / "exports").iterdir()
    told = path.read_text()
    assert (path.stat().st_mode & 0o777, len(told.splitlines())) == (0o600, 23)
    assert "a•••@" in told
    assert not any(
        clear in told for clear in ask(lookup, f"SELECT array_agg(shown[3]) FROM handrail_search.entry WHERE {ANNA}")
    )
    said = ask(
        lookup,
        "SELECT detail || jsonb_build_object('by', by_login) FROM handrail.event WHERE kind = 'clients exported'",
    )
    assert said == {"asked": "anna", "rows": 22, "by": "support1"}


async def test_what_is_copied_is_the_id(target: Target) -> None:
    async with looking(target) as person:
        await writes(person, "anna")
        await person.sees("22 found")
        await person.presses("y")  # in the box it is a letter
        await person.until(lambda: box(person).value == "annay")
        await writes(person, "anna")
        await person.sees("22 found")
        await person.presses("down", "y")
        await person.until(lambda: person.app.clipboard == chosen(person))
        await person.is_told("If yours does not take it: ")


async def test_history_by_the_up_key(target: Target, own_home: Path) -> None:
    async with looking(target) as person:
        for text in ("anna", "lantern"):
            await writes(person, text)
            await person.sees({"anna": "22 found", "lantern": "19 found"}[text])
            await person.presses("down", "enter")
            await person.until(lambda: person.place == "ClientScreen")
            await person.presses("escape")
            await person.until(lambda: person.place == "ClientsScreen")
        await writes(person, "")
        await person.presses("up")
        await person.until(lambda: box(person).value == "lantern")
        await person.sees("19 found")
        await person.presses("up", "up", "up")
        await person.until(lambda: box(person).value == "anna")
        await person.sees("22 found")
    assert (own_home / "searches").stat().st_mode & 0o777 == 0o600


async def test_private_keeps_no_history_and_shows_none(target: Target, own_home: Path) -> None:
    saved.remember("somebody before")
    async with looking(target) as person:
        person.app.private = True
        await writes(person, "anna")
        await person.sees("22 found")
        await person.presses("down", "enter")
        await person.until(lambda: person.place == "ClientScreen")
        await person.presses("escape")
        await person.until(lambda: person.place == "ClientsScreen")
        await writes(person, "")
        await person.presses("up")
        await person.pilot.pause(0.1)
        assert box(person).value == ""
    assert (own_home / "searches").read_text() == "somebody before\n"


async def test_narrower_than_it_was_begun(target: Target) -> None:
    async with looking(target, size=(160, 50)) as person:
        await writes(person, "anna")
        await person.sees("22 found", "Phone")
        await person.pilot.resize_terminal(80, 24)
        await person.presses("backspace", "a")
        await person.sees("22 found", "Anna", "matched")
        await person.pilot.resize_terminal(160, 50)
        await person.sees("22 found", "Anna", "matched", "Phone")


async def test_nothing_that_is_needed_is_cut_off(target: Target, size: Size) -> None:
    async with looking(target, size=size) as person:
        await writes(person, "zoe.nowak.199")
        await person.sees("1 found", "Zoë Nowak", "Lantern BV", "e-mail", "esc Back", "^f Filter")
        assert client_of(target, "shown[1] = 'Zoë Nowak' AND shown[2] = 'Lantern BV'") in keys_of(person)
