"""A plan is read before it is run (UX-O1), and a run is begun only by a person who says so."""

from __future__ import annotations

import pytest

from tests.screens.person import Person, console

Size = tuple[int, int]


async def opened(person: Person) -> None:
    await person.sees("People get")
    await person.until(lambda: person.app.focused and person.app.focused.id == "plans")
    await person.presses("enter")
    await person.sees("what is sent")


async def test_shows_every_step_and_its_way_back(url: str, size: Size) -> None:
    async with console(url, size) as person:
        await opened(person)
        await person.sees("1 add the column", "● the column is filled", "2 checks", "5 look at everybody")
        await person.sees("SQL, online", "by hand", "nothing to undo", "ALTER TABLE person ADD COLUMN")
        await person.presses("down", "down")
        await person.sees("UPDATE person AS r SET")


async def test_s_shows_the_sql_and_s_again_the_way_back(url: str, size: Size) -> None:
    async with console(url, size) as person:
        await opened(person)
        await person.presses("s")
        await person.sees("forward", "ADD COLUMN email_lc")
        await person.presses("s")
        await person.sees("the way back", "DROP COLUMN email_lc")
        await person.presses("escape")
        await person.until(lambda: person.place == "PlanScreen")


async def test_enter_never_starts_a_run(url: str) -> None:
    async with console(url) as person:
        await opened(person)
        await person.until(lambda: person.can("start"))
        await person.presses("S")
        dialog = await person.is_asked("Start a run of walk on sample?")
        assert person.app.focused
        assert person.app.focused.id == "cancel"
        await person.presses("enter")
        await person.until(lambda: person.app.screen is not dialog)
        assert person.place == "PlanScreen"
        assert not person.app.driving


async def test_a_question_is_deaf_while_it_opens(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.widgets.questions.DEAF_SECONDS", 3.0)  # a slow machine types slowly
    async with console(url) as person:
        await opened(person)
        await person.until(lambda: person.can("start"))
        await person.presses("S", "y", "enter")
        await person.is_asked("Start a run of walk on sample?")
        assert not person.app.driving


async def test_no_second_run_while_one_is_open(url: str) -> None:
    async with console(url) as person:
        await person.starts_run()
        await person.presses("escape")
        await person.sees("run 1 is open here")
        assert not person.can("start")
