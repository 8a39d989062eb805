"""The point of no return on the screens: what a rollback would keep, what the finish takes away, and a name that is typed."""

from __future__ import annotations

import pytest

from console.engine import journey
from console.engine.executor import Executor
from db.session import Target
from tests.driving import ask, drive, state
from tests.engine.captures.writing import OVERWRITING, others, person, plan
from tests.screens.gatekept import Size, somebody
from tests.staffed import as_login, signed

pytestmark = pytest.mark.newest


@pytest.fixture
def before_finish(staff: Target) -> Target:
    """Run 2 is signed and waits before its finish; two rows were written since."""
    others(staff, "ALTER TABLE person OWNER TO oncall1", "GRANT CREATE ON SCHEMA public TO oncall1")
    login = as_login(staff, "oncall1")

    def go(here: Executor) -> None:
        journey.forward(here, journey.begin(here, plan(OVERWRITING)), until="good")

    drive(login, go)
    login.close()
    signed(staff, "sec1", 2, "good")
    one, two = person(staff, 1), person(staff, 2)
    others(staff, f"UPDATE person SET n = 4 WHERE id = '{one}'", f"DELETE FROM person WHERE id = '{two}'")
    return staff


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_it_is_shown_and_wants_the_plans_name(before_finish: Target, size: Size) -> None:
    async with somebody(before_finish, "oncall1", size) as engineer:
        engineer.app.visit("run", 2)
        await engineer.until(lambda: engineer.can("next"))
        assert not engineer.can("to_checkpoint")
        await engineer.presses("n")
        dialog = await engineer.is_asked("Finish run 2: Remove the copy?")
        await engineer.sees("nothing of the run can be taken back", "table person_before", "2 People written since")
        await engineer.presses(*"overwritin", "enter")
        await engineer.sees("That is not overwriting. Nothing is done.")
        assert state(before_finish, 2) == "paused"
        await engineer.presses("g", "enter")
        await engineer.until(lambda: engineer.app.screen is not dialog)
        await engineer.sees("done")
        await engineer.until(lambda: state(before_finish, 2) == "done")
        await engineer.until(lambda: not (engineer.can("roll_back") or engineer.can("back")))
    assert ask(before_finish, "SELECT count(*) FROM handrail.capture") == 0


async def test_until_then_the_rollback_screen_counts_what_others_wrote(before_finish: Target) -> None:
    async with somebody(before_finish, "oncall1") as engineer:
        engineer.app.visit("rollback", 2)
        await engineer.sees("2 People written since (1 changed, 1 deleted): carried back")
        await engineer.presses(*"overwriting", "enter")
        await engineer.until(lambda: state(before_finish, 2) == "rolled back")
    assert ask(before_finish, "SELECT count(*) FROM person WHERE n = 4") == 1
    assert ask(before_finish, "SELECT count(*) FROM person") == 2999
