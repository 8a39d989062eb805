"""One client's picture on the screen: what it is, where the migration has got to, and a clear value for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.widgets.ledger import Ledger
from db.session import Target
from tests.conftest import cloned
from tests.driving import ask
from tests.screens.person import Person
from tests.screens.support import Size, client_of, listed, looking, written
from tests.servers import Server

pytestmark = pytest.mark.newest

ZOE = "shown[1] = 'Zoë Nowak' AND shown[2] = 'Lantern BV'"
CLEAR, MASKED = "zoe.nowak.199@example.com", "z•••@example…"
REVEALED = "SELECT count(*) FROM handrail.event WHERE kind = 'revealed'"


@pytest.fixture(scope="module")
def target(server: Server, indexed: str) -> Iterator[Target]:
    """For tests that only look."""
    yield from cloned(server, indexed)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    return tmp_path


def on(person: Person, key: str) -> None:
    """The cursor on a line of the picture."""
    person.app.screen.query_one("#picture", Ledger).choose(key)


async def test_who_it_is_and_where_the_migration_has_got_to(target: Target, size: Size) -> None:
    zoe = client_of(target, ZOE)
    async with looking(target, "support1", size, "client", zoe) as person:
        await person.sees("client Zoë Nowak · Lantern BV", "Suri Patel (support1)")
        await person.sees("Has a login record. No migration is under way.", "last change 20")
        await person.sees(
            f"Client Id {zoe}", "Company Lantern BV", f"E-mail {MASKED} masked", "Phone ••••33 masked", "Role admin"
        )
        await person.sees("Login record email z•••@example…")
        assert CLEAR not in person.reading
        assert "13763933" not in person.reading


async def test_a_migration_under_way_is_told_in_words(lookup: Target) -> None:
    zoe = client_of(lookup, ZOE)
    ask(lookup, "INSERT INTO handrail.run (plan, title, plan_text, sources, digest, parameters, fingerprint)"
                " VALUES ('schema-unification', 'One table', '', '{}', repeat('0', 64), '{}', '{}')")  # fmt: skip
    ask(lookup, "INSERT INTO handrail.step_run (run_id, position, step, phase, kind, title)"
                " SELECT id, 1, 'one', 'Only', 'sql', 'One' FROM handrail.run")  # fmt: skip
    async with looking(lookup, "support1", (80, 24), "client", zoe) as person:
        await person.sees("A migration, schema-unification, is paused: 0 of 1 steps are done.")


async def test_reveal_wants_a_reason_and_says_so(lookup: Target, size: Size) -> None:
    zoe = client_of(lookup, ZOE)
    async with looking(lookup, "support1", size, "client", zoe) as person:
        await person.sees(f"E-mail {MASKED} masked", "No migration")
        on(person, "field email")
        await person.presses("m")
        await person.is_asked("Reveal E-mail of this client?")
        await person.sees("Your name, the field and your reason go to the journal.", "enter reveal")
        await person.presses("enter")
        await person.sees("Say why, in a few words. Nothing is revealed.")
        await person.presses("escape")
        await person.until(lambda: person.place == "ClientScreen")
        assert (CLEAR in person.reading, ask(lookup, REVEALED)) == (False, 0)
        await person.presses("m")
        await person.is_asked("Reveal E-mail of this client?")
        await person.presses(*"caller", "enter")
        await person.sees(f"E-mail {CLEAR}")
        await person.presses("m")  # it is clear already
        await person.pilot.pause(0.1)
        assert person.place == "ClientScreen"
        # the same value in a record stays masked, and all is masked again in a place opened anew
        assert person.reading.count(CLEAR) == 1
        await person.presses("escape")
        person.app.visit("client", zoe)
        await person.sees(f"E-mail {MASKED} masked")
    said = ask(
        lookup, "SELECT detail || jsonb_build_object('by', by_login) FROM handrail.event WHERE kind = 'revealed'"
    )
    assert said.pop("transaction")
    assert said == {"client": zoe, "field": "email", "reason": "caller", "by": "support1"}
    assert ask(lookup, REVEALED) == 1


async def test_what_is_not_masked_is_not_asked_about(target: Target) -> None:
    async with looking(target, "support1", (80, 24), "client", client_of(target, ZOE)) as person:
        await person.sees("Role admin", "No migration")
        for key in ("field id", "field name", "field role", "part public.clients 0"):
            on(person, key)
            await person.presses("m")
            await person.pilot.pause(0.05)
            assert person.place == "ClientScreen", key


async def test_what_is_copied_is_what_is_shown(target: Target) -> None:
    async with looking(target, "support1", (80, 24), "client", client_of(target, ZOE)) as person:
        await person.sees(f"E-mail {MASKED} masked", "No migration")
        for key, copied in (("field email", MASKED), ("field role", "admin"), ("part public.clients 0", MASKED)):
            on(person, key)
            await person.presses("y")
            await person.until(lambda copied=copied: person.app.clipboard == copied)  # type: ignore[misc]
            await person.is_told(copied)


async def test_a_record_opens_whole(target: Target) -> None:
    async with looking(target, "support1", (80, 24), "client", client_of(target, ZOE)) as person:
        await person.sees("Login record email", "No migration")
        on(person, "part public.clients 0")
        await person.presses("enter")
        await person.until(lambda: person.place == "RowsScreen")
        await person.sees("Login record", MASKED, "created_at")
        assert CLEAR not in person.reading
        await person.presses("escape")
        await person.until(lambda: person.place == "ClientScreen")
        assert person.app.screen.query_one("#picture", Ledger).chosen == "part public.clients 0"


async def test_look_again_reads_what_changed(lookup: Target) -> None:
    zoe = client_of(lookup, ZOE)
    async with looking(lookup, "support1", (80, 24), "client", zoe) as person:
        await person.sees("Role admin", "No migration")
        ask(lookup, f"UPDATE public.clients SET role = 'viewer' WHERE id = '{zoe}'")
        await person.presses("r")
        await person.sees("Role viewer")


@pytest.mark.parametrize("login", ["support2", "support3", "support1"])
async def test_one_that_is_not_to_be_seen_is_one_line(target: Target, login: str) -> None:
    """Of another tenant, or not there at all: the same words."""
    other = (
        "00000000-0000-0000-0000-000000000000" if login == "support1" else client_of(target, "shown[1] = 'Ada Smith'")
    )
    async with looking(target, login, (80, 24), "client", other) as person:
        await person.sees(f"No client {other} is to be seen by this login.")
        assert (listed(person, "#picture"), "Trying again" in person.reading) == ([], False)
        await person.presses("m", "y", "r", "enter")
        await person.sees(f"No client {other} is to be seen by this login.")
        assert ask(target, REVEALED) == 0


async def test_who_may_not_is_told_in_one_line(target: Target) -> None:
    async with looking(target, "audit1", (80, 24), "client", client_of(target, ZOE)) as person:
        await person.sees("This login may not look clients up. An administrator lets it: handrail operator add")
        assert listed(person, "#picture") == []


async def test_no_key_here_changes_the_target(lookup: Target) -> None:
    """UX-S8: each key of the place, on each line; reveal and export say so in the journal, and write nothing else."""
    zoe = client_of(lookup, ZOE)
    before = written(lookup)
    async with looking(lookup, "support1", (80, 24), "client", zoe) as person:
        await person.sees("Role admin", "No migration")
        for key in ("field id", "field email", "part public.clients 0", "part public.tenant_apps 0"):
            on(person, key)
            for pressed in ("y", "r", "enter", "home", "end", "n", "S", "u", "k", "x", "d", "delete"):
                await person.presses(pressed)
                if person.place == "RowsScreen":
                    await person.presses("escape")
    assert written(lookup) == before
    assert ask(lookup, REVEALED) == 0
