"""The audit screen: what happened, by run, person, kind and time; and whether it is still what was written."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from console.engine.audit import anchors
from console.widgets.ledger import Ledger
from db.session import Target
from tests.driving import ask
from tests.engine.audit.tampering import tamper
from tests.screens.gatekept import somebody
from tests.screens.person import Person
from tests.staffed import all_signed

pytestmark = pytest.mark.newest
Size = tuple[int, int]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clones of one database have one identity, and so one file of anchors."""
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))


async def at_audit(person: Person) -> None:
    await person.presses("A")
    await person.sees("approved", "checkpoint passed")


async def filters(person: Person, written: str) -> None:
    await person.presses("f")
    await person.until(lambda: isinstance(person.app.focused, Input))
    person.app.screen.query_one("#filter", Input).value = ""
    await person.presses(*written, "enter")


def events(person: Person) -> list[list[str]]:
    ledger = person.app.screen.query_one("#events", Ledger)
    return [[cell.plain for cell in ledger.get_row_at(row)] for row in range(ledger.row_count)]


async def test_newest_first_with_time_and_person(gated: Target, size: Size) -> None:
    all_signed(gated, 1)
    count = ask(gated, "SELECT count(*) FROM handrail.event")
    at = ask(
        gated, "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM handrail.event ORDER BY id DESC"
    )
    async with somebody(gated, "audit1", size) as person:
        await at_audit(person)
        await person.sees(f"{count} events", "f Filter", "v Verify", f"{count} {at} approved fine 1 sam")
        numbers = [int(row[0]) for row in events(person)]
        assert numbers == sorted(numbers, reverse=True)
        await person.presses("enter")
        await person.until(lambda: person.place == "RowsScreen")
        await person.sees(f"event {count} · approved", "login sec1", "person sam", "hash")


@pytest.mark.parametrize(
    ("said", "number", "fits"),
    [
        ("run:1", "run_id = 1", lambda row: row[4] == "1"),
        ("person:sam", "by_login IN ('sec1', 'sec2')", lambda row: row[5] == "sam"),
        ("kind:sign-off tried", "kind = 'sign-off tried'", lambda row: row[2] == "sign-off tried"),
        ("run:1 person:dina kind:approved", "kind = 'approved' AND by_login = 'dba1'", lambda row: row[5] == "dina"),
        ("since:2000-01-01 kind:approved", "kind = 'approved'", lambda row: row[2] == "approved"),
        ("since:2999-01-01", "false", lambda row: False),
        ("until:2000-01-01", "false", lambda row: False),
    ],
)
async def test_filters(gated: Target, said: str, number: str, fits) -> None:  # type: ignore[no-untyped-def]
    all_signed(gated, 1)
    count = ask(gated, f"SELECT count(*) FROM handrail.event WHERE {number}")
    async with somebody(gated, "audit1", (160, 50)) as person:
        await at_audit(person)
        await filters(person, said)
        await person.sees(f"{count} event{'' if count == 1 else 's'} {said}")
        assert len(events(person)) == count
        assert all(fits(row) for row in events(person))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("nonsense", "'nonsense' is no filter. Write for example: run:1 person:sam"),
        ("run:one", "Write for example: run:1 person:sam"),
        ("since:yesterday", "Write for example: run:1 person:sam"),
        ("person:nobody", "Nobody here is called 'nobody'."),
        ("run:77", "77"),
    ],
)
async def test_a_wrong_filter_is_one_notice_and_what_is_shown_stays(gated: Target, said: str, told: str) -> None:
    all_signed(gated, 1)
    async with somebody(gated, "audit1") as person:
        await at_audit(person)
        shown = events(person)
        await filters(person, said)
        await person.is_told(told)
        await person.presses("r")
        await person.pilot.pause(0.5)
        assert len(person.app._notifications) == 1
        assert events(person) == shown
        assert "Trying again" not in person.reading
        await filters(person, "person:sam")
        await person.until(lambda: 0 < len(events(person)) < len(shown))


async def test_verify_says_that_it_is_whole(gated: Target, size: Size) -> None:
    all_signed(gated, 1)
    count = ask(gated, "SELECT count(*) FROM handrail.event")
    async with somebody(gated, "audit1", size) as person:
        await at_audit(person)
        await person.presses("v")
        await person.sees(f"✓ whole {count} events, and no anchor is kept here, head")
        with gated.session() as session:
            anchors.keep(anchors.head(session))
        await person.presses("v")
        await person.sees(f"✓ whole {count} events and 1 anchor, head")


async def test_verify_names_what_was_edited(gated: Target, size: Size) -> None:
    all_signed(gated, 1)
    tamper(gated, "UPDATE handrail.event SET by_login = 'eve' WHERE id = 5")
    async with somebody(gated, "audit1", size) as person:
        await at_audit(person)
        await person.presses("v")
        await person.sees("✗ not what was written", "edited: event 5:")


async def test_verify_lists_the_first_faults_and_counts_the_rest(gated: Target, size: Size) -> None:
    all_signed(gated, 1)
    tamper(gated, "UPDATE handrail.event SET by_login = 'eve' WHERE id BETWEEN 3 AND 10")
    async with somebody(gated, "audit1", size) as person:
        await at_audit(person)
        await person.presses("v")
        await person.sees("✗ not what was written", "edited: event 7:", "and 3 more: handrail audit verify")
