"""The run screen at 3 a.m.: what happens, what is next, what is wrong; each key does what it says, and no more."""

from __future__ import annotations

from console.widgets.questions import QuestionDialog
from tests.screens.person import console
from tests.screens.sample import HOSTILE, execute

Size = tuple[int, int]


async def test_steps_from_the_beginning_to_the_end(url: str, size: Size) -> None:
    async with console(url, size) as person:
        await person.starts_run()
        await person.goes_on("Do step 1 add the column now?")
        await person.sees("✓ done    1 add", "next: checkpoint ready to copy")
        await person.goes_on("Measure checkpoint ready to copy now?")
        await person.sees("✓ passed", "1 of 1")
        await person.goes_on("Go on up to checkpoint the column is filled?", "c")
        await person.sees("2 of 2", "by hand: Call support")
        await person.goes_on("Is step 4 tell support done?")
        await person.sees("next: step 5")
        await person.goes_on("Do step 5 look at everybody slowly now?")
        await person.sees("✓ done   5 steps and 2 checkpoints")
        assert not person.can("next")


async def test_c_stops_before_what_a_person_does(url: str) -> None:
    async with console(url) as person:
        await person.starts_run()
        for _ in range(3):
            await person.goes_on("", "c")
            await person.until(lambda: not isinstance(person.app.screen, QuestionDialog) and not person.app.driving)
        await person.sees("waits for a person", "by hand: Call support")


async def test_says_what_is_wrong_and_goes_on_once_it_is_mended(url: str, size: Size) -> None:
    execute(url, "UPDATE person SET name = NULL WHERE id IN (5, 9)")
    async with console(url, size) as person:
        await person.starts_run()
        await person.goes_on("", "c")
        await person.sees("✓ passed")
        await person.goes_on("", "c")
        await person.sees("✗ failed", "checkpoint the column is filled failed", "found 2 rows", "n measures again")
        await person.sees("Look at the rows, mend them and resume")
        execute(url, "UPDATE person SET name = 'somebody' WHERE name IS NULL")
        await person.goes_on("Measure checkpoint the column is filled now?")
        await person.sees("2 of 2")


async def test_an_error_of_the_server_is_shown_and_never_obeyed(url: str) -> None:
    text = HOSTILE.replace("'", "''")
    execute(
        url,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$f$ BEGIN RAISE EXCEPTION USING MESSAGE = '{text}'; END $f$",
        "CREATE TRIGGER refuse BEFORE UPDATE ON person EXECUTE FUNCTION refuse()",
    )
    async with console(url, (160, 50)) as person:
        await person.starts_run()
        await person.goes_on("", "c")
        await person.sees("✓ passed")
        await person.goes_on("Do step 2")
        await person.sees("✗ failed", "[/] [@click=app.quit]x[/] ␛]52;c;eA==␇", "n tries again")
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(person.reading)


async def test_space_pauses_a_backfill_and_n_goes_on(url: str, size: Size) -> None:
    execute(url, "UPDATE pause SET row_ms = 1")
    async with console(url, size) as person:
        await person.starts_run()
        await person.goes_on("", "c")
        await person.sees("✓ passed")
        await person.goes_on("Do step 2")
        await person.sees("▶ running", "rows/s", "batch", "of about 3 000 rows", "█")
        await person.presses("space")
        await person.sees("■ stopped", "Paused between two batches", "n goes on")
        execute(url, "UPDATE pause SET row_ms = 0")
        await person.goes_on("Do step 2")
        await person.sees("✓ done    2 fill")


async def test_x_stops_the_statement(url: str, size: Size) -> None:
    execute(url, "UPDATE pause SET seconds = 60")
    async with console(url, size) as person:
        await person.starts_run()
        person.app.drive(_forward_to_hold, 1)
        await person.sees("▶ running", "5 look at everybody")
        await person.until(lambda: person.can("stop") and "running for" in person.reading)
        await person.sees("step 5 look at everybody slowly   running")
        await person.presses("x")
        await person.agrees("Stop step 5 look at everybody slowly now?")
        await person.sees("■ stopped", "n goes on")
        assert not person.app.driving


async def test_k_goes_back_one_step(url: str) -> None:
    async with console(url) as person:
        await person.starts_run()
        await person.goes_on("Do step 1")
        await person.sees("✓ done")
        await person.until(lambda: person.can("back"))
        await person.presses("k")
        await person.sees("DROP COLUMN email_lc")
        await person.agrees("Undo step 1 add the column?")
        await person.sees("step undone column", "next: step 1 add the column")


async def test_another_console_sees_the_run_live_and_who_drives_it(url: str) -> None:
    execute(url, "UPDATE pause SET seconds = 60")
    async with console(url) as driving:
        await driving.starts_run()
        driving.app.drive(_forward_to_hold, 1)
        await driving.sees("step 5 look at everybody slowly   running")
        async with console(url, (160, 50)) as watching:
            await watching.opens_run()
            await watching.sees("▶ running by postgres", "postgres runs it in another session", "you are watching")
            assert not watching.can("next")
            assert not watching.can("stop")
            assert watching.can("pause")
            await watching.presses("space")
            await watching.sees("pause asked")
        await driving.presses("x")
        await driving.agrees("Stop step 5")
        await driving.sees("■ stopped")


async def test_a_run_whose_executor_died_is_interrupted_and_goes_on(url: str) -> None:
    execute(url, "UPDATE pause SET seconds = 60")
    async with console(url) as person:
        await person.starts_run()
        person.app.drive(_forward_to_hold, 1)
        await person.sees("step 5 look at everybody slowly   running")
        execute(url, "SELECT pg_terminate_backend(pid) FROM handrail.step_run WHERE state = 'running'")
        await person.sees("! interrupted", "The journal is right", "n goes on from there")
        execute(url, "UPDATE pause SET seconds = 0")
        await person.goes_on("Do step 5")
        await person.sees("✓ done   5 steps")


async def test_enter_shows_and_never_begins(url: str) -> None:
    async with console(url) as person:
        await person.starts_run()
        await person.presses("enter")
        await person.sees("forward", "ADD COLUMN")
        await person.presses("s")
        await person.sees("the way back")
        assert not person.app.driving


async def test_quitting_while_it_drives_asks_first(url: str) -> None:
    execute(url, "UPDATE pause SET seconds = 60")
    async with console(url) as person:
        await person.starts_run()
        person.app.drive(_forward_to_hold, 1)
        await person.sees("step 5 look at everybody slowly   running")
        await person.presses("q")
        dialog = await person.is_asked("Stop what runs here, and leave?")
        await person.presses("escape")
        await person.until(lambda: person.app.screen is not dialog)
        assert person.app.driving
        await person.presses("q")
        await person.is_asked("Stop what runs here, and leave?")
        await person.presses("y")
        await person.until(lambda: not person.app.is_running)


def _forward_to_hold(executor, run):  # type: ignore[no-untyped-def]
    """As if a person had gone on step by step up to the last."""
    from console.engine import journey

    journey.forward(executor, run, until="filled")
    journey.forward(executor, run, until="call", said=True)
    journey.forward(executor, run, until="hold")
