"""A rollback says first what is undone and kept, and begins with the plan's name typed, and nothing less."""

from __future__ import annotations

import psycopg

from tests.screens.person import Person, console
from tests.screens.sample import execute

Size = tuple[int, int]


async def asked(person: Person) -> None:
    """Two phases done, one person written since, and R pressed."""
    await person.starts_run()
    await person.goes_on("", "c")
    await person.sees("✓ passed")
    await person.goes_on("", "c")
    await person.sees("2 of 2")
    execute(person.app.asking.url, "INSERT INTO person VALUES (3001, 'Late', 'Late@example.org', 'late@example.org')")
    await person.until(lambda: person.can("roll_back"))
    await person.presses("R")
    await person.sees("Type walk to roll back:")


async def test_shows_what_is_undone_and_kept_and_the_result(url: str, size: Size) -> None:
    async with console(url, size) as person:
        await asked(person)
        await person.sees("3 steps", "3 index it", "1 add the column", "1 people written since: carried back")
        await person.sees("sequences stay ahead")
        await person.presses(*"walk", "enter")
        await person.sees("↺ rolled back", "the schema is as before the run", "kept: 1 people written since")
        assert not person.can("next")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM person WHERE id = 3001").fetchone() == (1,)
        with_column = "SELECT count(*) FROM pg_attribute WHERE attname = 'email_lc' AND NOT attisdropped"
        assert connection.execute(with_column).fetchone() == (0,)


async def test_another_name_or_escape_does_nothing(url: str) -> None:
    async with console(url) as person:
        await asked(person)
        await person.presses("enter")
        await person.sees("That is not the plan's name")
        await person.presses(*"wal", "enter")
        await person.sees("Nothing is undone")
        await person.presses("escape")
        await person.until(lambda: person.place == "RunScreen")
        await person.sees("· paused")
        assert not person.app.driving


async def test_a_run_that_moved_on_meanwhile_is_shown_again(url: str) -> None:
    async with console(url) as person:
        await asked(person)
        async with console(url) as other:
            await other.opens_run()
            await other.goes_on("Is step 4 tell support done?")
            await other.sees("next: step 5")
        await person.presses(*"walk", "enter")
        await person.sees("moved on meanwhile", "4 tell support", "Call support and say that it does not")
        assert not person.app.driving


async def test_a_rollback_that_was_cut_off_goes_on(url: str) -> None:
    execute(url, "CREATE FUNCTION hold_back() RETURNS trigger LANGUAGE plpgsql AS "
                 "$$ BEGIN PERFORM pg_sleep(seconds) FROM pause; RETURN NULL; END $$",
                 "CREATE TRIGGER hold_back BEFORE UPDATE ON person FOR EACH STATEMENT EXECUTE FUNCTION hold_back()")  # fmt: skip
    async with console(url) as person:
        await asked(person)
        execute(url, "UPDATE pause SET seconds = 60")
        await person.presses(*"walk", "enter")
        await person.sees("↺ step 2 fill the column   undoing")
        execute(url, "SELECT pg_terminate_backend(pid) FROM handrail.step_run WHERE state = 'undoing'")
        await person.sees("! interrupted", "goes on rolling back")
        execute(url, "UPDATE pause SET seconds = 0")
        await person.goes_on("Go on rolling back run 1?")
        await person.sees("↺ rolled back", "as before the run")
