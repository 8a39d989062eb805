"""A decision's form: each field is judged as it is typed, answers are versions, and another person signs them."""

from __future__ import annotations

import pytest

from db.session import Target
from tests.driving import ask
from tests.screens.gatekept import answered, deciding, says_why, somebody
from tests.screens.person import Person
from tests.staffed import onward, signed, status

pytestmark = pytest.mark.newest
Size = tuple[int, int]


def ready(target: Target) -> int:
    """A run whose checkpoint is signed; now its decision waits for an answer."""
    return deciding(target, lambda number: signed(target, "sec1", number))


async def at_form(person: Person, run: int) -> None:
    person.app.visit("decision", run, "how")
    await person.sees("How it is done", "Longest outage")


async def changes_outage(person: Person, written: str) -> None:
    """From the first field."""
    await person.presses("down", "enter")
    dialog = await person.is_asked("Longest outage")
    await person.presses("backspace", *written, "enter")
    await person.until(lambda: person.app.screen is not dialog)


async def test_a_wrong_value_is_said_at_once_and_not_taken(staff: Target, size: Size) -> None:
    run = ready(staff)
    async with somebody(staff, "oncall1", size) as person:
        await at_form(person, run)
        await person.sees("not answered yet", "Way extend (proposed)", "Longest outage 2 (proposed)",
                          "a number from 1 to 8 h", "w Answer", "enter changes a field")  # fmt: skip
        await person.presses("down", "enter")
        dialog = await person.is_asked("Longest outage")
        await person.sees("Of the application, at night.")
        await person.presses("backspace", "9")
        await person.sees("it is a number from 1 to 8 h")
        await person.presses("enter")
        await person.sees("Not taken: it is a number from 1 to 8 h.")
        assert person.app.screen is dialog
        await person.presses("backspace", *"later")
        await person.sees("it is a number")
        await person.presses("escape")
        await person.until(lambda: person.app.screen is not dialog)
        await person.sees("Longest outage 2 (proposed)")
    assert ask(staff, "SELECT count(*) FROM handrail.answer") == 0


async def test_answering_makes_a_version_and_another_login_signs_it(staff: Target, size: Size) -> None:
    run = ready(staff)
    async with somebody(staff, "oncall1", size) as person:
        await at_form(person, run)
        await changes_outage(person, "3")
        await person.sees("✎ Longest outage 3", "w answers with what stands above")
        await person.presses("w")
        await person.is_asked("Answer How it is done so?")
        await person.sees("Way: extend", "Longest outage: 3")
        await person.presses("y")
        await person.sees("answers 1", "waits for product owner", "product owner: needed")
        await person.until(lambda: not person.can("approve"))
        assert "✎" not in person.reading
    async with somebody(staff, "owner1", size) as person:
        await at_form(person, run)
        await person.sees("product owner: needed (you)", "a Approve", "X Reject")
        await says_why(person, "a", "Approve How it is done?", *"as agreed")
        await person.sees("✓ approved product owner: petra", "as agreed")
        await person.until(lambda: not person.can("approve"))
    assert onward(staff, run) == ""
    assert ask(staff, "SELECT way || hours FROM two") == "extend3"


async def test_a_new_version_voids_what_was_signed(staff: Target) -> None:
    run = ready(staff)
    answered(staff, run)
    signed(staff, "owner1", run, "how")
    async with somebody(staff, "oncall1") as person:
        await at_form(person, run)
        await person.sees("answers 1", "✓ approved product owner: petra")
        await changes_outage(person, "5")
        await person.presses("w")
        await person.agrees("Answer How it is done so?")
        await person.sees("answers 2", "before: petra approved measurement 1", "product owner: needed")
    assert status(staff, run, "how").state == "waits"
    assert ask(staff, "SELECT answers->>'hours' FROM handrail.answer WHERE version = 2") == "5"


async def test_what_was_agreed_to_is_what_is_kept(staff: Target) -> None:
    """Somebody answers another field while the question stands."""
    run = ready(staff)
    async with somebody(staff, "oncall1") as person:
        await at_form(person, run)
        await changes_outage(person, "5")
        await person.presses("w")
        await person.is_asked("Answer How it is done so?")
        await person.sees("Way: extend")
        answered(staff, run, way="replace")
        await person.presses("y")
        await person.sees("answers 2", "Way extend")
    assert ask(staff, "SELECT answers FROM handrail.answer WHERE version = 2") == {"way": "extend", "hours": 5}


async def test_escape_drops_what_was_typed_and_then_leaves(staff: Target, size: Size) -> None:
    run = ready(staff)
    async with somebody(staff, "owner1", size) as person:
        answered(staff, run)
        await at_form(person, run)
        await person.until(lambda: person.can("approve"))
        await changes_outage(person, "8")
        await person.sees("✎ Longest outage 8")
        assert not person.can("approve")
        await person.presses("escape")
        await person.is_told("What you typed is dropped. Press escape again to leave.")
        await person.sees("Longest outage 2")
        assert "✎" not in person.reading
        assert person.can("approve")
        await person.presses("escape")
        await person.until(lambda: person.place == "HomeScreen")


async def test_a_reject_sends_the_answers_back(staff: Target) -> None:
    run = ready(staff)
    answered(staff, run)
    async with somebody(staff, "owner1") as person:
        await at_form(person, run)
        await says_why(person, "X", "Reject How it is done?", *"too long")
        await person.sees("rejected by petra: answer it anew", "too long")
        await person.until(lambda: not person.can("approve") and not person.can("reject"))


async def test_who_answered_does_not_sign(staff: Target) -> None:
    run = ready(staff)
    answered(staff, run, "owner1")
    async with somebody(staff, "owner1") as person:
        await at_form(person, run)
        await person.sees("answers 1")
        assert not person.can("approve")
        assert not person.can("reject")


async def test_who_only_looks_changes_nothing(staff: Target) -> None:
    run = ready(staff)
    async with somebody(staff, "audit1") as person:
        await at_form(person, run)
        assert not person.can("answer")
        await person.presses("enter")
        await person.pilot.pause()
        assert person.place == "DecisionScreen"
