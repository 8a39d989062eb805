"""kill -9 inside every item once, on every version; the whole of it is `make crash` (I-1, I-2, I-3)."""

from __future__ import annotations

import pytest

from console.engine import journey
from console.engine.plan import Plan
from db.fingerprint import differences
from db.session import Target
from tests import ungated
from tests.driving import begun, done, drive, fingerprinted, state, states
from tests.dying import killed_in


def killed_inside(target: Target, plan: Plan, items: list[str]) -> int:
    """A run that was killed inside some of its items in turn, and then resumed to its end."""
    number = begun(target, plan)
    for item in items:
        killed_in(target, number, item)
        assert (state(target, number), states(target, number)[item]) == ("running", "running"), item
    drive(target, lambda here: journey.resume(here, number, said=True))
    return number


def taken_back(target: Target, number: int, items: list[str]) -> None:
    """The same on the way back."""
    for item in reversed(items):
        killed_in(target, number, item, "back")
        assert (state(target, number), states(target, number)[item]) == ("rolling back", "undoing"), item
    drive(target, lambda here: journey.resume(here, number))
    assert state(target, number) == "rolled back"


def test_small_plan(sample: Target, small: Plan) -> None:
    before, items = fingerprinted(sample), [item.id for item in small.items]
    number = killed_inside(sample, small, items)
    assert state(sample, number) == "done"
    killed = fingerprinted(sample)
    taken_back(sample, number, items)
    assert fingerprinted(sample) == before
    done(sample, small)
    assert fingerprinted(sample) == killed


@pytest.mark.newest
def test_revisions_of_schema_unification(agency: Target, another_agency: Target) -> None:
    """The one kind of step that the small plan has not."""
    before, plan = fingerprinted(agency), ungated.load("schema-unification")
    items = [item.id for item in plan.items if item.kind == "revision"]
    number = killed_inside(agency, plan, items)
    assert (state(agency, number), len(items) > 5) == ("done", True)
    killed = fingerprinted(agency)
    taken_back(agency, number, items)
    assert fingerprinted(agency) == before
    done(another_agency, plan)
    whole = fingerprinted(another_agency)
    assert differences(killed, whole) == []
    # the plan's own ids and times differ from run to run
    assert {table: rows for table, (rows, _) in killed.content.items()} == {
        table: rows for table, (rows, _) in whole.content.items()
    }
