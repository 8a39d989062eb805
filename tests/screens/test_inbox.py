"""The inbox, home's lines about what waits, and the demo's people: who has to do what, mine first."""

from __future__ import annotations

import pytest

from console.engine import signing
from db.session import Target
from tests.screens.gatekept import answered, at_gate, deciding, somebody
from tests.staffed import as_login, signed

pytestmark = pytest.mark.newest
Size = tuple[int, int]


def broken_open(target: Target) -> int:
    engineer = as_login(target, "oncall1")
    with engineer.session() as session:
        reasons = "the disk is full in an hour", "nobody of security answers"
        number = signing.break_glass(session, 1, "fine", *reasons).id
    engineer.close()
    return number


async def test_home_counts_what_waits_and_i_opens_it(gated: Target, size: Size) -> None:
    async with somebody(gated, "sec1", size) as person:
        await person.sees("Sam Cole (sec1)", "● 1 for you", "i opens the inbox")
        await person.presses("i")
        await person.sees("1 for you signs as security", "● you sign fine run 1 tiny waits for database administrator")
        await person.presses("enter")
        await person.until(lambda: person.place == "CheckpointScreen")
        await person.sees("✓ PASSED", "security: needed (you)")


async def test_mine_stand_before_those_of_others(staff: Target, size: Size) -> None:
    """The checkpoint has the earlier deadline, and stands below where it is another's."""
    answered(staff, deciding(staff))
    async with somebody(staff, "sec1", size) as person:
        await person.presses("i")
        await person.sees("● you sign fine", "due in", "· others sign how")
        assert person.reading.index("● you") < person.reading.index("· others")
    async with somebody(staff, "owner1", size) as person:
        await person.presses("i")
        await person.sees("1 for you 1 for others", "● you sign how", "· others sign fine")
        assert person.reading.index("● you") < person.reading.index("· others")
        await person.presses("enter")
        await person.until(lambda: person.place == "DecisionScreen")
        await person.sees("How it is done answers 1", "product owner: needed (you)")


async def test_who_has_nothing_to_do_is_told_so(gated: Target, size: Size) -> None:
    async with somebody(gated, "audit1", size) as person:
        await person.sees("nothing for you", "1 for others")
        await person.presses("i")
        await person.sees("Nothing waits for you 1 for others signs nothing", "· others sign fine")


async def test_home_is_loud_about_break_glass_until_it_is_acknowledged(gated: Target, size: Size) -> None:
    number = broken_open(gated)
    async with somebody(gated, "admin1", size) as person:
        await person.sees("! BREAK-GLASS", "fine of run 1, by olu: the disk is full in an hour")
        await person.presses("i")
        await person.sees("! break-glass 1", "nobody of security answers", f"handrail acknowledge {number} --note TEXT")
        await person.presses("escape")
        admin = as_login(gated, "admin1")
        with admin.session() as session:
            signing.acknowledge(session, number, "talked it over")
        admin.close()
        await person.until(lambda: "BREAK-GLASS" not in person.reading)


async def test_in_the_demo_o_makes_one_another_of_its_people(
    gated: Target, size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.engine.demo.url_of", lambda login: as_login(gated, login).url)
    monkeypatch.setattr("console.engine.demo.is_of", lambda url: True)
    async with somebody(gated, "oncall1", size) as person:
        await person.sees("Olu Adeyemi (oncall1)")
        await at_gate(person)
        await person.presses("o")
        await person.sees("Who are you?", "sec1 Sam Cole signs as security", "admin1 Amir Nasser")
        await person.presses("escape")
        await person.until(lambda: person.place == "CheckpointScreen")
        await person.presses("o")
        await person.sees("Who are you?")
        await person.presses("down", "down", "enter")
        await person.until(lambda: person.place == "HomeScreen")
        await person.sees("Sam Cole (sec1)", "● 1 for you")
        await at_gate(person)
        await person.until(lambda: person.can("approve"))
        await person.presses("escape")
        signed(gated, "dba1", 1)
        signed(gated, "sec1", 1)
        await person.until(lambda: "for you" not in person.reading)


async def test_what_one_was_refused_another_is_not(gated: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def url_of(login: str) -> str:
        return as_login(gated, login).url.replace("/test_", "/no_" if login == "dba1" else "/test_")

    monkeypatch.setattr("console.engine.demo.url_of", url_of)
    monkeypatch.setattr("console.engine.demo.is_of", lambda url: True)
    async with somebody(gated, "oncall1") as person:
        for key, told in (("down", "r tries again"), ("down", "Sam Cole (sec1)")):
            await person.presses("o")
            await person.sees("Who are you?")
            await person.presses(key, "enter")
            await person.sees(told)
        await person.sees("● 1 for you")


async def test_elsewhere_a_login_says_who_one_is(gated: Target) -> None:
    async with somebody(gated, "sec1") as person:
        await person.presses("o")
        await person.is_told("Only the demo has people to be.")
        assert person.place == "HomeScreen"
