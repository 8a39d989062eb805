"""Two consoles on one run: the second watches, stops, or takes over; never by a slip of the finger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.widgets import Input

from console.engine import journey
from console.engine.executor import Executor
from console.widgets.questions import TypedDialog
from tests.screens.person import Person, console
from tests.screens.sample import execute
from tests.screens.waiting import ask, held, journalled, ladder

Size = tuple[int, int]


@asynccontextmanager
async def watched(url: str, size: Size = (80, 24)) -> AsyncIterator[tuple[Person, Person]]:
    """A console that drives the last step, which lasts, and one that watches."""
    execute(url, "UPDATE pause SET seconds = 60")
    async with console(url, size) as driving:
        await driving.starts_run()
        driving.app.drive(forward_to_hold, 1)
        await driving.sees("step 5 look at everybody slowly   running")
        async with console(url, size) as watching:
            await watching.opens_run()
            await watching.sees("postgres runs it elsewhere", "T takes over")
            yield driving, watching


async def asked_to_take_over(person: Person) -> TypedDialog:
    await person.until(lambda: person.can("take_over"))
    await person.presses("T")
    dialog = await person.is_asked("Take run 1 over from postgres?")
    assert isinstance(dialog, TypedDialog)
    return dialog


async def test_takes_over_and_goes_on_with_the_step(url: str, size: Size) -> None:
    async with watched(url, size) as (driving, watching):
        await asked_to_take_over(watching)
        (pid,) = ask(url, "SELECT pid FROM handrail.step_run WHERE state = 'running'")[0]
        await watching.sees(f"pid {pid}, handrail: executor, since", "step 5 look at everybody slowly, running for",
                            "That session is terminated", "Type walk to take over:")  # fmt: skip
        execute(url, "UPDATE pause SET seconds = 0")
        await watching.presses(*"walk", "enter")
        await watching.sees("✓ done   5 steps")
        assert journalled(url, "taken over") == 1
        await driving.until(lambda: not driving.app.driving)
        await driving.sees("✓ done   5 steps")


async def test_the_notice_says_who_took_it(url: str) -> None:
    async with watched(url) as (driving, watching):
        await asked_to_take_over(watching)
        execute(url, "UPDATE pause SET seconds = 0")
        await watching.presses(*"walk", "enter")
        await driving.until(lambda: not driving.app.driving)
        await watching.sees("✓ done   5 steps")
        assert "postgres took this run over at" in " ".join(notice.message for notice in driving.app._notifications)


async def test_the_one_that_was_taken_over_goes_on_watching(url: str) -> None:
    async with watched(url) as (driving, watching):
        await asked_to_take_over(watching)
        await watching.presses(*"walk", "enter")
        await watching.sees("▶ running here")
        await driving.sees("▶ running by postgres", "postgres runs it elsewhere", "T takes over")
        await driving.until(lambda: driving.can("take_over"))
        await watching.presses("x")
        await watching.agrees("Stop step 5")
        await driving.sees("■ stopped")


async def test_one_that_sleeps_between_two_tries_knows_who_runs_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ladder(monkeypatch, (0.3, 600.0), (0.3, 0.0))
    async with console(url) as driving:
        await driving.starts_run()
        with held(url):
            await driving.goes_on("Do step 1")
            await driving.sees("try 1 of 2, next in about", "▶ running here")
            async with console(url) as watching:
                await watching.opens_run()
                await asked_to_take_over(watching)
                await watching.presses(*"walk", "enter")
                await driving.sees("▶ running by postgres", "you are watching")
                await watching.presses("x")
                await watching.agrees("Stop step 1")
                await watching.sees("■ stopped")


async def test_another_word_does_nothing_and_says_so(url: str, size: Size) -> None:
    async with watched(url, size) as (driving, watching):
        dialog = await asked_to_take_over(watching)
        await watching.presses("enter")
        await watching.sees("That is not walk. Nothing is done.")
        await watching.presses(*"wal", "enter")
        assert watching.app.screen is dialog
        await watching.presses("escape")
        await watching.until(lambda: watching.place == "RunScreen")
        assert driving.app.driving
        assert not watching.app.driving
        assert journalled(url, "taken over") == 0


async def test_what_is_typed_ahead_takes_nothing_over(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.widgets.questions.DEAF_SECONDS", 3.0)  # a slow machine types slowly
    async with watched(url) as (driving, watching):
        await watching.until(lambda: watching.can("take_over"))
        await watching.presses("T", *"walk", "enter")
        dialog = await watching.is_asked("Take run 1 over from postgres?")
        assert watching.app.screen is dialog
        assert dialog.query_one("#name", Input).value == ""
        assert not watching.app.driving
        assert driving.app.driving


async def test_what_cannot_be_read_takes_nothing_over(url: str) -> None:
    async with watched(url) as (_, watching):
        dialog = await asked_to_take_over(watching)
        await watching.pilot.resize_terminal(40, 10)
        await watching.sees("handrail needs 60x18 cells")
        await watching.presses(*"walk", "enter")
        assert watching.app.screen is dialog
        assert not watching.app.driving


async def test_a_driver_that_has_ended_meanwhile_is_not_taken_over(url: str) -> None:
    async with watched(url) as (driving, watching):
        await asked_to_take_over(watching)
        driving.app.stop()
        await driving.sees("■ stopped")
        await driving.until(lambda: not driving.app.driving)
        await watching.presses(*"walk", "enter")
        await watching.is_told("moved on meanwhile")
        assert not watching.app.driving
        assert journalled(url, "taken over") == 0


async def test_it_goes_no_further_than_the_step_that_was_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ladder(monkeypatch)
    async with console(url) as driving:
        await driving.starts_run()
        with held(url):
            driving.app.drive(forward_to_hold, 1)
            await driving.sees("blocked by pid")
            async with console(url) as watching:
                await watching.opens_run()
                await asked_to_take_over(watching)
                await watching.presses(*"walk", "enter")
                await watching.sees("▶ running here", "blocked by pid")
                execute(
                    url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'metabase'"
                )
                await watching.sees("✓ done    1 add", "· paused", "next: checkpoint ready to copy")


async def test_x_stops_what_another_session_runs(url: str, size: Size) -> None:
    async with watched(url, size) as (driving, watching):
        await watching.until(lambda: watching.can("stop"))
        await watching.presses("x")
        await watching.is_asked("Stop step 5 look at everybody slowly now?")
        await watching.sees("postgres runs it in another session, pid")
        await watching.presses("y")
        await watching.sees("■ stopped", "n goes on")
        await driving.sees("■ stopped")
        await driving.until(lambda: not driving.app.driving)


def forward_to_hold(executor: Executor, run: int) -> None:
    """As if a person had gone on step by step up to the last."""
    journey.forward(executor, run, until="filled")
    journey.forward(executor, run, until="call", said=True)
    journey.forward(executor, run, until="hold")
