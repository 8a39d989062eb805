"""What bounds the clients on the screen: windows of all of them, tenants, rights, and an index that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.screens import clients as screen
from db.session import Target
from tests.conftest import cloned
from tests.driving import ask
from tests.screens.support import box, keys_of, listed, looking, writes
from tests.searched import NONE, OWN
from tests.servers import Server

pytestmark = pytest.mark.newest


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


async def test_windows_go_through_all_clients_once_each(lookup: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stable: a client that comes is met at the end, one that goes is met no more, and no other twice or never."""
    monkeypatch.setattr(screen, "WINDOW", 80)
    before = of(lookup, "true")
    gone, met = before[250], list[str]()
    async with looking(lookup) as person:
        await person.sees("300 found, first 80 shown")
        await person.presses("left_square_bracket")
        await person.until(lambda: box(person).value == "[")
        await writes(person, "")
        await person.sees("300 found, first 80 shown")
        await person.presses("down")
        for window in range(4):
            await person.until(lambda met=met: keys_of(person) and keys_of(person)[0] not in met)  # type: ignore[misc]
            met += keys_of(person)
            if window == 0:
                ask(lookup, f"DELETE FROM public.clients WHERE id IN ('{before[3]}', '{gone}')")
                ask(
                    lookup,
                    "INSERT INTO public.clients (id, email) VALUES ('ffffffff-0000-4000-8000-000000000001', 'new@example.org')",
                )
            if window == 1:
                await person.sees("number 81 to 160", "[ shows those before")
                assert "there may be more" not in person.reading
            await person.presses("right_square_bracket")
        assert met == [*(one for one in before if one != gone), "ffffffff-0000-4000-8000-000000000001"]
        await person.sees("number 241 to 300")  # the last one is short: there is no window after it
        for first in (160, 80):
            await person.presses("left_square_bracket")
            await person.sees(f"number {first + 1} to {first + 80}")
        await person.presses("left_square_bracket")
        await person.sees("299 found, first 80 shown")
        await person.presses("left_square_bracket")
        await person.pilot.pause(0.1)
        assert keys_of(person)[0] == before[0]


async def test_a_window_is_of_all_and_not_of_a_search(target: Target) -> None:
    async with looking(target) as person:
        await writes(person, "gmbh")
        await person.sees("GmbH")
        await person.until(lambda: listed(person) and len(listed(person)) <= 50)
        rows = keys_of(person)
        await person.presses("down", "right_square_bracket")
        await person.pilot.pause(0.2)
        assert keys_of(person) == rows


@pytest.mark.parametrize(("login", "words"), [
    (NONE, "No tenant is open to this login. An administrator opens one: handrail operator add"),
    ("audit1", "This login may not look clients up. An administrator lets it: handrail operator add LOGIN --group support --tenant NAME"),
    ("dba1", "This login may not look clients up."),
])  # fmt: skip
async def test_who_may_not_is_told_in_one_line(target: Target, login: str, words: str) -> None:
    async with looking(target, login) as person:
        await person.sees(words)
        await person.presses(*"anna")
        await person.pilot.pause(0.2)
        await person.sees(words)
        assert not person.app._notifications
        assert "Trying again" not in person.reading
        await person.presses("down", "ctrl+e", "escape")
        await person.until(lambda: person.place == "HomeScreen")


async def test_two_tenants_are_all_there_is(target: Target) -> None:
    async with looking(target, "support2") as person:
        await person.sees("7 found")
        assert {row[1] for row in listed(person)} == set(OWN)
        await writes(person, "crane")
        await person.sees("0 found")
        await writes(person, "crann")
        await person.sees("0 found")
        assert "Did you mean" not in person.reading


async def test_before_the_index_is_made_it_says_how(agency: Target) -> None:
    async with looking(agency, "postgres") as person:
        await person.sees("The clients of this target are not indexed yet. Make the index: handrail clients index")
        await person.presses(*"anna")
        await person.pilot.pause(0.2)
        assert not person.app._notifications


async def test_while_the_index_is_made_it_says_so(lookup: Target) -> None:
    ask(lookup, "UPDATE handrail_search.state SET ready = false")
    async with looking(lookup) as person:
        await person.sees("The clients are not indexed yet. Make the index: handrail clients index")
        ask(lookup, "UPDATE handrail_search.state SET ready = true")
        await person.presses(*"anna")
        await person.sees("22 found")
        assert not person.app._notifications
