"""kill -9 inside every step, forwards and back: the next console goes on, and the end is the same (I-1, I-2, I-3)."""

from __future__ import annotations

import pytest

from console.engine import journey, reading
from console.engine.plan import Plan
from db.fingerprint import Fingerprint, differences
from db.session import Target
from tests.driving import begun, done, drive, fingerprinted, look, state, states
from tests.dying import killed_in


def killed_everywhere(target: Target, plan: Plan) -> int:
    """A run that was killed inside each of its items in turn, and then resumed to its end."""
    number = begun(target, plan)
    for item in plan.items:
        killed_in(target, number, item.id)
        assert (state(target, number), states(target, number)[item.id]) == ("running", "running"), item.id
    drive(target, lambda here: journey.resume(here, number, said=True))
    return number


def counts(found: Fingerprint) -> dict[str, int]:
    """Rows of each table; the plan's own ids and times differ from run to run."""
    return {table: rows for table, (rows, _) in found.content.items()}


def test_small_plan_forwards(sample: Target, small: Plan) -> None:
    number = killed_everywhere(sample, small)
    assert state(sample, number) == "done"
    killed = fingerprinted(sample)
    drive(sample, lambda here: journey.back(here, number))
    done(sample, small)
    assert fingerprinted(sample) == killed


def test_small_plan_back(sample: Target, small: Plan) -> None:
    before = fingerprinted(sample)
    number = done(sample, small)
    for item in reversed(small.items):
        killed_in(sample, number, item.id, "back")
        assert (state(sample, number), states(sample, number)[item.id]) == ("rolling back", "undoing"), item.id
    drive(sample, lambda here: journey.resume(here, number))
    assert state(sample, number) == "rolled back"
    assert fingerprinted(sample) == before


@pytest.mark.newest  # the small plan has every kind of step, and is killed on all of them
def test_schema_unification_forwards_and_back(agency: Target, another_agency: Target) -> None:
    before = fingerprinted(agency)
    plan = reading.load("schema-unification")
    number = killed_everywhere(agency, plan)
    assert state(agency, number) == "done"
    killed = fingerprinted(agency)
    for item in reversed(plan.items):
        killed_in(agency, number, item.id, "back")
        assert states(agency, number)[item.id] == "undoing"
    drive(agency, lambda here: journey.resume(here, number))
    assert look(agency, number).state == "rolled back"
    assert fingerprinted(agency) == before
    done(another_agency, plan)
    uncrashed = fingerprinted(another_agency)
    assert differences(killed, uncrashed) == []
    assert counts(killed) == counts(uncrashed)
