"""The run screen at 3 a.m.: what happens, what is next, what is wrong; each key does what it says, and no more."""

from __future__ import annotations

from pathlib import Path

from console.widgets.questions import QuestionDialog
from tests.screens.person import console
from tests.screens.sample import HOSTILE, PLANS, execute
from tests.screens.waiting import journalled

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
            await watching.sees(
                "▶ running by postgres", "postgres runs it elsewhere", "you are watching", "T takes over"
            )
            assert not watching.can("next")
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


async def test_space_pauses_a_rollback_and_n_goes_on_with_it(url: str, size: Size) -> None:
    execute(url, "CREATE FUNCTION hold_back() RETURNS trigger LANGUAGE plpgsql AS "
                 "$$ BEGIN PERFORM pg_sleep(seconds) FROM pause; RETURN NULL; END $$",
                 "CREATE TRIGGER hold_back BEFORE UPDATE ON person FOR EACH STATEMENT EXECUTE FUNCTION hold_back()")  # fmt: skip
    async with console(url, size) as person:
        await person.starts_run()
        for _ in range(2):
            await person.goes_on("", "c")
            await person.until(lambda: not isinstance(person.app.screen, QuestionDialog) and not person.app.driving)
        execute(url, "UPDATE pause SET seconds = 2")
        person.app.drive(_back, 1)
        await person.sees("↺ step 2 fill the column   undoing")
        await person.until(lambda: person.can("pause"))
        await person.presses("space")
        await person.sees("pause asked")
        await person.sees("· paused", "the rollback is paused   next to be undone: checkpoint ready to copy",
                          "n goes on rolling back")  # fmt: skip
        assert "interrupted" not in person.reading
        await person.presses("escape", "escape")
        await person.until(lambda: person.place == "HomeScreen")
        await person.sees("1 walk · paused")
        await person.until(lambda: not person.app.driving)
        person.app.screen.query_one("#runs").focus()
        await person.presses("enter")
        await person.goes_on("Go on rolling back run 1?")
        await person.sees("↺ rolled back", "as before the run")


async def test_a_rollback_that_failed_says_so(url: str) -> None:
    execute(url, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF (SELECT seconds FROM pause) > 0 "
                 "THEN RAISE 'not today'; END IF; RETURN NULL; END $$",
                 "CREATE TRIGGER refuse BEFORE UPDATE ON person FOR EACH STATEMENT EXECUTE FUNCTION refuse()")  # fmt: skip
    async with console(url) as person:
        await person.starts_run()
        for _ in range(2):
            await person.goes_on("", "c")
            await person.until(lambda: not isinstance(person.app.screen, QuestionDialog) and not person.app.driving)
        execute(url, "UPDATE pause SET seconds = 1")
        person.app.drive(_back, 1)
        await person.sees("✗ step 2 fill the column failed", "not today")
        assert "interrupted" not in person.reading
        execute(url, "UPDATE pause SET seconds = 0")
        await person.goes_on("Go on rolling back run 1?")
        await person.sees("↺ rolled back")


async def test_a_schema_that_somebody_changed_is_another_question(url: str, size: Size) -> None:
    async with console(url, size) as person:
        await person.starts_run()
        await person.goes_on("Do step 1")
        await person.sees("next: checkpoint ready to copy")
        execute(url, *(f"CREATE TABLE sneaked_{n} (id int)" for n in range(9)))
        for key in ("c", "n"):
            await person.until(lambda: person.can("next"))
            await person.presses(key)
            dialog = await person.is_asked("Somebody else changed the schema")
            await person.sees("sneaked_0", "more", "The plan was written for the schema as it was.")
            await person.presses("escape")
            await person.until(lambda dialog=dialog: person.app.screen is not dialog)  # type: ignore[misc]
            assert not person.app.driving
        await person.goes_on("Somebody else changed the schema")
        await person.sees("✓ passed", "1 of 1")
        await person.goes_on("Do step 2 fill the column now?")
        await person.sees("✓ done    2 fill")
    assert journalled(url, "drift accepted") == 1


async def test_what_was_left_out_is_said(url: str, tmp_path: Path, size: Size) -> None:
    text = (PLANS / "walk.toml").read_text().replace('title = "look at everybody slowly"',
                                                     'title = "look at everybody slowly"\nmay_skip = true')  # fmt: skip
    (tmp_path / "walk.toml").write_text(text)
    async with console(url, size, plans=tmp_path) as person:
        await person.starts_run()
        person.app.drive(_up_to_hold_and_leave_it_out, 1)
        await person.sees("» skipped", "5 look at everybody", "· every step is done", "n ends the run")
        await person.until(lambda: person.can("next"))
        await person.presses("n")
        await person.sees("✓ done   5 steps, 1 of them skipped, and 2 checkpoints")


def _back(executor, run):  # type: ignore[no-untyped-def]
    from console.engine import journey

    journey.back(executor, run)


def _up_to_hold_and_leave_it_out(executor, run):  # type: ignore[no-untyped-def]
    from console.engine import journey, resolving

    journey.forward(executor, run, until="filled")
    journey.forward(executor, run, until="call", said=True)
    resolving.resolve(executor, run, "hold", "skipped", "nobody looks")
