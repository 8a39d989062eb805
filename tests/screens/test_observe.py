"""An observation on the screens: how far it is, its last rounds, and the sign-off that shortens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from console.engine import inbox
from db.session import Target
from tests.commands.calling import Said
from tests.driving import ask, begun, state
from tests.engine.observing import LOUD, beside, watching
from tests.screens.gatekept import says_why, somebody
from tests.screens.person import Person
from tests.staffed import as_login

pytestmark = pytest.mark.newest
Size = tuple[int, int]


async def at_run(person: Person, run: int) -> None:
    person.app.visit("run", run)
    await person.sees("Log (UTC)", f"run {run} tiny")


def engineer(staff: Target) -> Target:
    ask(staff, "GRANT ALL ON person TO oncall1")
    return as_login(staff, "oncall1")


async def test_the_run_says_how_far_it_is(staff: Target, size: Size) -> None:
    mine = engineer(staff)
    number = begun(mine, watching("600s", "400ms", gate=True, keys="fails = 1000"))
    with beside(mine, number) as console:
        console.rounds(3)
        async with somebody(staff, "audit1", size) as person:
            await at_run(person, number)
            await person.sees(
                "▶ step 1 One", "of 10 min", "rounds, all passed", "✓✓✓", "shorter by sign-off: waits for security"
            )
            assert person.app.screen.query_one("#now-bar").fraction is not None  # type: ignore[attr-defined]
            ask(staff, LOUD)
            await person.sees("✗✗", "failed rounds")


async def test_who_may_shorten_it_finds_it_and_signs(staff: Target, size: Size) -> None:
    mine = engineer(staff)
    number = begun(mine, watching(every="300s", gate=True))
    with beside(mine, number) as console:
        console.rounds(1)
        async with somebody(staff, "sec1", size) as person:
            await person.presses("i")
            await person.until(lambda: person.place == "InboxScreen")
            await person.sees("● you sign watch")
            await person.presses("enter")
            await person.until(lambda: person.place == "CheckpointScreen")
            await person.sees(
                "✓ PASSED", "2 of 2 checks passed", "nobody is loud", "security: needed (you)", "1 round, all passed"
            )
            assert not person.can("again")
            await says_why(person, "a", "Approve One?", *"calm")
            assert console.ended(10)
            await person.until(lambda: not person.can("approve"))
    assert state(staff, number) == "done"
    security = as_login(staff, "sec1")
    with security.session() as session:
        assert inbox.look(session).waiting == []


async def test_who_runs_it_opens_it_from_the_run_and_may_not_sign(staff: Target) -> None:
    mine = engineer(staff)
    number = begun(mine, watching(every="300s", gate=True))
    with beside(mine, number) as console:
        console.rounds(1)
        async with somebody(staff, "oncall1") as person:
            await at_run(person, number)
            await person.sees("1 round, all passed")
            await person.presses("enter")
            await person.until(lambda: person.place == "CheckpointScreen")
            await person.sees("✓ PASSED", "another person signs")
            assert not person.can("approve")
            assert not person.can("again")


async def test_one_that_failed_says_what_was_found(staff: Target) -> None:
    mine = engineer(staff)
    ask(staff, LOUD)
    number = begun(mine, watching())
    with beside(mine, number) as console:
        assert console.ended()
    async with somebody(staff, "audit1") as person:
        await at_run(person, number)
        await person.sees(
            "✗ step 1 One failed", "nobody is loud: expected no rows, found 1 row", "opens the checkpoint"
        )
        await person.presses("enter")
        await person.sees("✗ FAILED", "2 failed, now 2 failed rounds")


@pytest.fixture
def handrail(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    from console.cli import main

    def call(*words: str) -> Said:
        code = main(words)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call


def test_so_does_status(sample: Target, handrail: Any) -> None:
    number = begun(sample, watching("600s", "100ms", gate=True))
    with beside(sample, number) as console:
        console.rounds(2)
        said = handrail("--target", sample.url, "status")
        assert "rounds, all passed" in said.out
        assert "observed 0 s of 10 min" in said.out or "observed 1 s of 10 min" in said.out
        assert "◆ watch" in said.out
