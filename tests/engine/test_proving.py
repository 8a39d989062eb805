"""Wherever a rollback ends, the schema is compared with how it stood there; one of everything, in test_journey."""

from __future__ import annotations

import pytest

from console.engine import journey
from console.engine.errors import NotAsBefore
from console.engine.plan import Plan
from db.session import Target
from tests.driving import ask, begun, drive, events, session_of, state
from tests.engine.mending import failed, making, resolved

pytestmark = pytest.mark.newest
INDEX = "CREATE INDEX theirs ON person (n)"


def up(target: Target, plan: Plan, until: str) -> int:
    number = begun(target, plan)
    drive(target, lambda here: journey.forward(here, number, until=until))
    return number


def back(target: Target, number: int, to: str) -> dict[str, object]:
    """What the run says of itself in the end."""
    drive(target, lambda here: journey.back(here, number, to))
    return events(target, number)[-1].detail


def one_back(target: Target, number: int) -> dict[str, object]:
    drive(target, lambda here: journey.back(here, number, one=True))
    return events(target, number)[-1].detail


def test_it_says_that_the_schema_is_as_then(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    said = back(sample, number, "column")
    assert said == {"before": "column", "schema": "as at kept"}


def test_it_names_what_somebody_else_made(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    ask(sample, INDEX)
    with pytest.raises(NotAsBefore, match=r"not as at kept: new: index public\.theirs"):
        back(sample, number, "column")
    assert state(sample, number) == "paused"
    assert events(sample, number)[-1].detail["differs"] == ["new: index public.theirs"]


def test_undone_with_its_checkpoint_it_is_compared_too(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    assert back(sample, number, "kept")["schema"] == "as at kept"


def test_between_two_checkpoints_it_is_compared_with_the_step_before(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    assert back(sample, number, "index") == {"before": "index", "schema": "as after fill"}
    ask(sample, INDEX)
    with pytest.raises(NotAsBefore, match=r"not as after column: new: index public\.theirs"):
        one_back(sample, number)
    assert events(sample, number)[-1].detail["schema"] == "differs from after column"


def test_down_to_the_first_step_it_is_as_before_the_run(sample: Target, small: Plan) -> None:
    number = up(sample, small, "keep")
    assert one_back(sample, number) == {"before": "keep", "schema": "as before"}


def test_what_somebody_accepted_is_no_difference_afterwards(sample: Target, small: Plan) -> None:
    number = up(sample, small, "column")
    ask(sample, INDEX)
    drive(sample, lambda here: journey.forward(here, number, until="fill", accepted=True))
    assert one_back(sample, number) == {"before": "fill", "schema": "as after column"}


def test_done_again_it_is_compared_with_how_it_stands_now(sample: Target, small: Plan) -> None:
    """What is locked just then is not known; what was kept of the first time says nothing of the second."""
    number = up(sample, small, "column")
    one_back(sample, number)
    ask(sample, "CREATE VIEW busy AS SELECT 1 AS one")
    with session_of(sample) as session:
        session.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        drive(sample, lambda here: journey.forward(here, number, until="column", accepted=True))
    drive(sample, lambda here: journey.forward(here, number, until="fill"))
    assert one_back(sample, number) == {"before": "fill", "schema": "not known"}


def test_after_a_step_that_was_mended_by_hand_it_is_known(sample: Target) -> None:
    number = failed(sample, making())
    ask(sample, "CREATE TABLE made (a int)")
    resolved(sample, number, "make", "done")
    drive(sample, lambda here: journey.forward(here, number))
    assert one_back(sample, number) == {"before": "last", "schema": "as after make"}


def test_measured_again_it_is_compared_with_the_last(sample: Target, small: Plan) -> None:
    number = up(sample, small, "kept")
    ask(sample, INDEX)
    drive(sample, lambda here: journey.measure_again(here, number, "kept"))
    drive(sample, lambda here: journey.forward(here, number, until="column"))
    assert back(sample, number, "column")["schema"] == "as at kept"


def test_what_is_locked_at_the_checkpoint_is_not_waited_for(sample: Target, small: Plan) -> None:
    """Nor is what stood there before compared with."""
    number = up(sample, small, "kept")
    ask(sample, "CREATE VIEW busy AS SELECT 1 AS one")
    with session_of(sample) as session:
        session.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        drive(sample, lambda here: journey.measure_again(here, number, "kept"))
    drive(sample, lambda here: journey.forward(here, number, until="column"))
    assert back(sample, number, "column") == {"before": "column", "schema": "not known"}
