"""The gauges on the run screen: calm while nothing is over, loud once a trigger stopped the run, the same elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from console.engine import executor, journey, reading
from console.engine.triggers.gauging import sparkline
from db.session import Target
from tests.screens.person import Person, console
from tests.screens.sample import execute
from tests.screens.waiting import ask, journalled

Size = tuple[int, int]
PLAN = """\
format = 1
id = "watched"
target = "sample"
title = "Watched"
[[phase]]
title = "Only"
[[phase.step]]
id = "one"
kind = "sql"
title = "look at everybody slowly"
estimate = "30s"
sql = "SELECT pg_sleep(seconds) FROM pause"
undo = "-- nothing to undo: it only reads"
[[phase.step]]
id = "two"
kind = "sql"
title = "and once more"
estimate = "30s"
sql = "SELECT pg_sleep(seconds) FROM pause"
undo = "-- nothing to undo: it only reads"
[[trigger]]
id = "nameless"
kind = "probe"
sql = "SELECT count(*) FROM person WHERE name IS NULL"
at_most = 2
every = "100ms"
cool_down = "0s"
do = "roll back"
[[trigger]]
id = "slow"
kind = "elapsed"
every = "100ms"
times = 100.0
[[trigger]]
id = "waits"
kind = "lock-waits"
at_most = 4
every = "100ms"
[[trigger]]
id = "many"
kind = "connections"
at_most = 99
every = "100ms"
[[trigger]]
id = "hour"
kind = "restore"
"""


@pytest.fixture
def watched(url: str) -> str:
    """A run that has begun, and whose steps last a minute."""
    execute(url, "UPDATE pause SET seconds = 60")
    with executor.at(Target(url)) as here:
        journey.begin(here, reading.parse(PLAN, "watched.toml", lambda name: ""))
    return url


@asynccontextmanager
async def on_run(url: str, size: Size = (80, 24)) -> AsyncIterator[Person]:
    async with console(url, size, plans=Path("/nowhere")) as person:
        await person.sees("watched")
        person.app.visit("run", 1)
        await person.sees("Log (UTC)")
        yield person


@asynccontextmanager
async def going(url: str, size: Size = (80, 24)) -> AsyncIterator[Person]:
    """A person on the run, who has begun its first step; it is stopped at the end."""
    async with on_run(url, size) as person:
        await person.goes_on("Do step 1")
        await person.sees("step began one")
        yield person
        if person.app.driving:
            person.app.stop()
            await person.until(lambda: not person.app.driving)


async def test_all_gauges_are_shown_where_there_is_room(watched: str) -> None:
    async with going(watched, (160, 50)) as person:
        await person.sees("~ nameless 0 of at most 2 armed ▁▁▁", "~ slow 0.0 x of at most 100.0 x armed",
                          "~ waits 0 of at most 4 armed", "% of at most 99 % armed",
                          "~ hour: an incident stays open for over 1 h", "would roll back now: no")  # fmt: skip


async def test_the_two_nearest_to_their_limit_where_there_is_little_room(watched: str) -> None:
    execute(watched, "UPDATE person SET name = NULL WHERE id IN (1, 2)")
    async with going(watched) as person:
        await person.sees("~ nameless 2 of at most 2 armed", "▇▇▇")
        assert person.reading.count(" ~ ") == 2
        # what is there without gauges is there with them
        await person.sees("▶ step 1 look at everybody slowly   running", "1 look at everybody", "2 and once more",
                          "Log (UTC)", "step began one")  # fmt: skip


async def test_a_second_console_shows_the_gauges_too(watched: str) -> None:
    async with going(watched), on_run(watched, (160, 50)) as other:
        await other.sees("▶ running by postgres", "~ nameless 0 of at most 2 armed")


async def test_a_run_that_a_trigger_stopped_says_which_and_for_how_long(watched: str, size: Size) -> None:
    async with going(watched, size) as person:
        await person.sees("armed")
        execute(watched, "UPDATE person SET name = NULL WHERE id < 10")
        await person.sees("paused trigger nameless,", "! stopped by trigger nameless, open for", "9, at most 2, 3 of 5")
        await person.sees("n goes on")
        await person.until(lambda: not person.app.driving)
    async with on_run(watched, size) as other:
        await other.sees("! stopped by trigger nameless, open for", "its plan says to roll back: R")


async def test_home_says_that_a_run_is_stopped_by_a_trigger(watched: str) -> None:
    execute(watched, "UPDATE person SET name = NULL WHERE id < 10")
    async with going(watched) as person:
        await person.sees("! stopped by trigger nameless")
        await person.presses("escape")
        await person.sees("! run 1 stopped by trigger nameless, open for")


async def test_going_on_asks_first_while_a_trigger_is_still_over(watched: str) -> None:
    execute(watched, "UPDATE person SET name = NULL WHERE id < 10")
    async with going(watched) as person:
        await person.sees("! stopped by trigger nameless")
        execute(watched, "UPDATE pause SET seconds = 0")
        await person.until(lambda: person.can("next"))
        await person.presses("n")
        await person.is_asked("Still over its limit")
        await person.sees("nameless: 9, at most 2")
        await person.agrees("Still over its limit")
        await person.agrees("Do step 1")
        await person.sees("✓ done    1 look at everybody")
    assert ask(watched, "SELECT detail -> 'despite' FROM handrail.event WHERE kind = 'incident closed'") == [
        (["nameless"],)
    ]


async def test_who_says_no_to_that_begins_nothing(watched: str) -> None:
    execute(watched, "UPDATE person SET name = NULL WHERE id < 10")
    async with going(watched) as person:
        await person.sees("! stopped by trigger nameless")
        await person.until(lambda: person.can("next"))
        await person.presses("n")
        dialog = await person.is_asked("Still over its limit")
        await person.presses("escape")
        await person.until(lambda: person.app.screen is not dialog)
        await person.sees("! stopped by trigger nameless")
    assert (journalled(watched, "incident closed"), journalled(watched, "step began")) == (0, 1)


async def test_going_on_asks_nothing_more_once_it_is_mended(watched: str) -> None:
    execute(watched, "UPDATE person SET name = NULL WHERE id < 10")
    async with going(watched) as person:
        await person.sees("! stopped by trigger nameless")
        execute(watched, "UPDATE person SET name = 'x'", "UPDATE pause SET seconds = 0")
        await person.goes_on("Do step 1")
        await person.sees("✓ done    1 look at everybody")
        assert "stopped by trigger" not in person.reading


async def test_x_is_a_persons_stop_and_no_trigger(watched: str) -> None:
    async with going(watched) as person:
        await person.sees("armed")
        await person.presses("x")
        await person.agrees("Stop step 1")
        await person.sees("■ stopped", "n goes on")
        assert "stopped by trigger" not in person.reading
    assert journalled(watched, "trigger fired") == 0


async def test_the_question_before_a_run_says_what_is_armed(url: str, tmp_path: Path) -> None:
    (tmp_path / "watched.toml").write_text(PLAN)
    async with console(url, (160, 50), plans=tmp_path) as person:
        await person.sees("Watched")
        await person.until(lambda: person.app.focused and person.app.focused.id == "plans")
        await person.presses("enter")
        await person.until(lambda: person.can("start"))
        await person.presses("S")
        await person.sees("armed: slow: a step takes over 100 x the estimate")


@pytest.mark.parametrize(
    ("values", "limit", "drawn"),
    [([0, 5, 10, 11], 10, "▁▄▇█"), ([0, 1], 0, "▁█"), ([-5, 1e9], 10, "▁█"), ([], 10, "")],
)
def test_a_sparkline_is_full_above_the_limit_alone(values: list[float], limit: float, drawn: str) -> None:
    assert sparkline(values, limit) == drawn
