"""Home: the target, its runs and plans; what is wrong with either, in words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.screens.person import console
from tests.screens.sample import HOSTILE, PLANS
from tests.servers import Server

Size = tuple[int, int]


async def test_shows_the_target_its_runs_and_plans(url: str, size: Size) -> None:
    async with console(url, size) as person:
        await person.sees("sample", "PostgreSQL 18", "no run yet", "walk", "People get a lower-case")


async def test_opens_a_run(url: str, size: Size) -> None:
    async with console(url, size) as person:
        await person.starts_run()
        await person.presses("escape", "escape")
        await person.until(lambda: person.place == "HomeScreen")
        await person.sees("· paused", "0 of 7", "postgres")
        person.app.screen.query_one("#runs").focus()
        await person.presses("enter")
        await person.sees("Log (UTC)", "add the column")


async def test_a_target_never_prepared_says_so(screens_server: Server) -> None:
    url = screens_server.create("bare")
    async with console(url) as person:
        await person.sees("never been prepared", "handrail init", "tries again")
    screens_server.drop("bare")


async def test_no_connection_is_one_line_and_r_tries_again(screens_server: Server, size: Size) -> None:
    async with console(screens_server.url("later"), size) as person:
        await person.sees("There is no database 'later'", "r tries again")
        screens_server.create("later", "screens_template")
        await person.presses("r")
        await person.sees("sample", "no run yet")
    screens_server.drop("later")


async def test_a_broken_plan_stands_in_the_list_and_hides_no_other(url: str, tmp_path: Path) -> None:
    shutil.copy(PLANS / "walk.toml", tmp_path)
    (tmp_path / "broken.toml").write_text("format = 1\nid = 7\n")
    async with console(url, (160, 50), plans=tmp_path) as person:
        await person.sees("broken", "✗", "People get")
        await person.presses("enter")
        await person.sees("no run yet")
        assert person.place == "HomeScreen"


async def test_what_a_plan_is_called_is_never_obeyed(url: str, tmp_path: Path) -> None:
    text = (PLANS / "walk.toml").read_text().replace("People get a lower-case e-mail [/] \\u001b[31m", "%s")
    escaped = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in HOSTILE)
    (tmp_path / "walk.toml").write_text(text.replace("%s", escaped))
    async with console(url, (160, 50), plans=tmp_path) as person:
        await person.sees("[/] [@click=app.quit]x[/] ␛]52;c;eA==␇")
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(person.reading)
        await person.pilot.click("#plans", offset=(20, 2))
        assert person.app.is_running


async def test_the_demo_tells_its_progress_meanwhile(url: str) -> None:
    def start(tell: Callable[[str], None]) -> str:
        tell("the server is up")
        tell("100 000 clients made")
        return url

    async with console("", start=start) as person:
        await person.sees("no run yet", "sample")


async def test_a_start_that_fails_can_be_tried_again(url: str) -> None:
    from db.errors import ServerNotStarted

    tries: list[int] = []

    def start(tell: Callable[[str], None]) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ServerNotStarted("The disk is full.", "Free some space.")
        return url

    async with console("", start=start) as person:
        await person.sees("The disk is full.", "Free some space.", "r tries again")
        await person.presses("r")
        await person.sees("no run yet")
