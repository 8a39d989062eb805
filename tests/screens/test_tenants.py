"""Tenants on the screen: whose clients there are, and a search within one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.screens import tenants as screen
from db.session import Target
from tests.conftest import cloned
from tests.driving import ask
from tests.screens.support import Size, box, chosen, keys_of, listed, looking, writes
from tests.searched import NONE, OWN
from tests.servers import Server

pytestmark = pytest.mark.newest


@pytest.fixture(scope="module")
def target(server: Server, indexed: str) -> Iterator[Target]:
    yield from cloned(server, indexed)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    return tmp_path


async def test_tenants_with_size_and_last_change(target: Target, size: Size) -> None:
    count = ask(target, "SELECT count(*) FROM handrail_search.tenant")
    async with looking(target, "support1", size, "tenants") as person:
        await person.sees("tenants · test_", "read only", f"{count} tenants", "last change (UTC)", "esc Back")
        await person.presses("down")
        await person.sees("] More", "[ Less", "y Copy name")
        await person.presses("escape", *"lantern")
        await person.until(lambda: all("Lantern" in row[0] for row in listed(person, "#tenants")))
        await writes(person, "LANTERN b")
        await person.sees("1 tenant", "Lantern BV 3 20")


async def test_enter_searches_within_one_and_esc_comes_back(target: Target, size: Size) -> None:
    async with looking(target, "support1", size, "tenants") as person:
        await writes(person, "lantern")
        await person.until(lambda: listed(person, "#tenants") and "Lantern" in listed(person, "#tenants")[0][0])
        await person.presses("down", "down")
        row = chosen(person, "#tenants")
        await person.presses("enter")
        await person.until(lambda: person.place == "ClientsScreen")
        await person.sees(f"[tenant: {row}]")
        size_of = ask(
            target,
            "SELECT count(*) FROM handrail_search.entry e JOIN handrail_search.tenant t ON t.id = e.tenant WHERE t.name = %s",
            row,
        )
        await person.sees(f"{size_of} found")
        assert len(listed(person)) == size_of
        await writes(person, "gmbh")
        await person.sees(f"[tenant: {row}]")
        await person.presses("escape")
        await person.until(lambda: person.place == "TenantsScreen")
        assert (chosen(person, "#tenants"), box(person).value) == (row, "lantern")
        await person.presses("y")
        await person.until(lambda: person.app.clipboard == row)


async def test_windows_go_through_all_once_each(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "WINDOW", 40)
    names: list[str] = ask(target, 'SELECT array_agg(name ORDER BY name COLLATE "C") FROM handrail_search.tenant')
    async with looking(target, "support1", (80, 24), "tenants") as person:
        await person.sees("40 tenants, and there are more: ] shows them")
        await person.presses("down")
        met = keys_of(person, "#tenants")
        while len(met) < len(names):
            await person.presses("right_square_bracket")
            await person.until(lambda met=met: keys_of(person, "#tenants")[0] not in met)  # type: ignore[misc]
            met += keys_of(person, "#tenants")
        assert met == names
        await person.sees(f"to {len(names)}")
        await person.presses("right_square_bracket")
        await person.pilot.pause(0.1)
        assert keys_of(person, "#tenants")[-1] == names[-1]
        await person.presses("left_square_bracket")
        await person.sees("number 81 to 120")


async def test_clients_without_a_tenant_are_not_all_clients(target: Target) -> None:
    async with looking(target, "support1", (80, 24), "tenants") as person:
        await person.sees("(no name)")
        await person.presses("down", "home", "enter")
        await person.is_told("A search is narrowed to a tenant by its name, and these have none.")
        assert person.place == "TenantsScreen"


async def test_two_are_all_there_is(target: Target) -> None:
    async with looking(target, "support2", (80, 24), "tenants") as person:
        await person.sees("2 tenants")
        assert keys_of(person, "#tenants") == list(OWN)
        await writes(person, "crane")
        await person.sees("0 tenants")


@pytest.mark.parametrize(("login", "words"), [
    (NONE, "No tenant is open to this login. An administrator opens one: handrail operator add"),
    ("audit1", "This login may not look clients up. An administrator lets it: handrail operator add"),
])  # fmt: skip
async def test_who_may_not_is_told_in_one_line(target: Target, login: str, words: str) -> None:
    async with looking(target, login, (80, 24), "tenants") as person:
        await person.sees(words)
        await person.presses("down", "y", "right_square_bracket", "escape")
        assert not person.app._notifications


async def test_before_the_index_is_made_it_says_how(agency: Target) -> None:
    async with looking(agency, "postgres", (80, 24), "tenants") as person:
        await person.sees("The clients of this target are not indexed yet. Make the index: handrail clients index")
