"""The run screen at a closed gate: who has to sign, and no key that would go past it."""

from __future__ import annotations

import pytest

from db.session import Target
from tests.screens.gatekept import answered, deciding, somebody
from tests.screens.person import Person
from tests.staffed import all_signed, signed

pytestmark = pytest.mark.newest
Size = tuple[int, int]


async def at_run(person: Person, run: int) -> None:
    person.app.visit("run", run)
    await person.sees("Log (UTC)", f"run {run} tiny")


async def test_names_the_gate_and_who_has_to_sign(gated: Target, size: Size) -> None:
    async with somebody(gated, "oncall1", size) as person:
        await at_run(person, 1)
        await person.sees("◆ Fine: waits for database administrator, security", "0/2 signed", "opens it",
                          "i what waits for whom")  # fmt: skip
        await person.until(lambda: person.can("back"))
        assert not person.can("next")
        assert not person.can("to_checkpoint")
        assert not person.can("decisions")
        await person.presses("n", "c")
        await person.pilot.pause()
        assert person.place == "RunScreen"
        signed(gated, "sec1", 1)
        await person.sees("◆ Fine: waits for database administrator", "1/2 signed")
        signed(gated, "dba1", 1)
        await person.sees("· next: step 2 Two")
        await person.goes_on("Do step 2 Two now?")
        await person.sees("✓ done 2 Two")


async def test_enter_opens_the_checkpoint_and_i_the_inbox(gated: Target) -> None:
    async with somebody(gated, "dba1") as person:
        await at_run(person, 1)
        await person.sees("◆ Fine")
        await person.presses("up", "enter")
        await person.until(lambda: person.place == "CheckpointScreen")
        await person.sees("database administrator: needed (you)")
        await person.presses("escape", "i")
        await person.until(lambda: person.place == "InboxScreen")
        await person.sees("● you sign fine")


async def test_d_opens_the_decision_that_waits(staff: Target, size: Size) -> None:
    run = deciding(staff, lambda number: signed(staff, "sec1", number))
    async with somebody(staff, "oncall1", size) as person:
        await at_run(person, run)
        await person.sees("◆ How it is done: wants its answers", "d opens the decisions")
        await person.until(lambda: person.can("decisions"))
        assert not person.can("next")
        await person.presses("d")
        await person.until(lambda: person.place == "DecisionScreen")
        await person.sees("How it is done not answered yet")
        await person.presses("escape")
        answered(staff, run)
        await person.sees("◆ How it is done: waits for product owner")
        signed(staff, "owner1", run, "how")
        await person.sees("· next: step 2 Two")
        await person.until(lambda: person.can("next"))


async def test_who_may_not_run_sees_the_run_and_no_key_of_it(gated: Target) -> None:
    all_signed(gated, 1)
    async with somebody(gated, "audit1") as person:
        await at_run(person, 1)
        await person.sees("· next: step 2 Two")
        for action in ("next", "to_checkpoint", "back", "roll_back", "pause", "stop", "take_over"):
            assert not person.can(action), action
