"""A rollback that ends at a checkpoint is compared with how the schema stood there; one to the start, in test_journey."""

from __future__ import annotations

import pytest

from console.engine import journey
from console.engine.errors import NotAsBefore
from console.engine.plan import Plan
from db.session import Target
from tests.driving import ask, begun, drive, events, session_of, state

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


def test_it_says_that_the_schema_is_as_then(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    said = back(sample, number, "column")
    assert said == {"before": "column", "schema": "as at kept"}


def test_it_names_what_somebody_else_made(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    ask(sample, INDEX)
    with pytest.raises(NotAsBefore, match=r"at checkpoint kept: new: index public\.theirs"):
        back(sample, number, "column")
    assert state(sample, number) == "paused"
    assert events(sample, number)[-1].detail["differs"] == ["new: index public.theirs"]


def test_undone_with_its_checkpoint_it_is_compared_too(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    assert back(sample, number, "kept")["schema"] == "as at kept"


def test_between_two_checkpoints_nothing_is_said(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    assert back(sample, number, "index") == {"before": "index"}


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
    assert back(sample, number, "column") == {"before": "column"}
