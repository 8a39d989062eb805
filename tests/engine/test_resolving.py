"""A person mended a step by hand and says so: it is looked at first, then recorded, then the run goes on (I-5, FM-A3)."""

from __future__ import annotations

import pytest

from console.engine import journey, reading
from console.engine.errors import NotMended, RunRefused, StepFailed
from db import revisions
from db.session import Target
from tests.driving import (
    ONE_STEP,
    ask,
    begun,
    done,
    drive,
    events,
    fingerprinted,
    kinds,
    state,
    states,
)
from tests.engine.mending import asking, failed, goes_on_and_back, making, resolved

pytestmark = pytest.mark.newest  # it is not the server that decides


def test_a_step_that_was_done_by_hand_is_looked_at_and_the_run_goes_on_and_back(sample: Target) -> None:
    """The event holds what was said, why, by whom, and that it was looked at."""
    before = fingerprinted(sample)
    number = failed(sample, making(keys=asking()))
    told = kinds(sample, number)
    with pytest.raises(NotMended, match="make does not look done: its done_when says that it is not"):
        resolved(sample, number, "make", "done")
    assert (kinds(sample, number), states(sample, number)["make"]) == (told, "failed")
    ask(sample, "CREATE TABLE made (a int)")
    said = resolved(sample, number, "make", "done", "made without the division")
    assert (said.step, said.by) == ("make", "postgres")
    assert {key: said.detail[key] for key in ("resolved", "reason", "looked_at")} == {
        "resolved": "done", "reason": "made without the division", "looked_at": True,
    }  # fmt: skip
    assert (state(sample, number), states(sample, number)) == ("paused", {"make": "done", "last": "waiting"})
    goes_on_and_back(sample, number)
    assert kinds(sample, number).count("step began") == 2, "the mended step was not run again"
    assert fingerprinted(sample) == before


def test_where_nobody_can_tell_the_person_is_believed_and_the_journal_says_so(sample: Target) -> None:
    number = failed(sample, making())
    assert resolved(sample, number, "make", "done").detail["looked_at"] is False
    with pytest.raises(StepFailed, match='table "made" does not exist'):
        goes_on_and_back(sample, number)
    assert state(sample, number) == "rolling back"


def test_a_rollback_that_is_stuck_goes_on_after_it_was_mended(sample: Target) -> None:
    """Backwards it is the last one's turn, and only `undone` can be said."""
    before = fingerprinted(sample)
    number = done(sample, making("CREATE TABLE made (a int)", "SELECT 1/0", asking()))
    with pytest.raises(StepFailed):
        drive(sample, lambda here: journey.back(here, number))
    with pytest.raises(NotMended, match="make does not look undone"):
        resolved(sample, number, "make", "undone")
    with pytest.raises(RunRefused, match="is being rolled back"):
        resolved(sample, number, "make", "done")
    ask(sample, "DROP TABLE made")
    assert resolved(sample, number, "make", "undone").detail["looked_at"] is True
    assert (state(sample, number), states(sample, number)["make"]) == ("rolling back", "undone")
    drive(sample, lambda here: journey.resume(here, number))
    assert state(sample, number) == "rolled back"
    assert fingerprinted(sample) == before


def test_a_step_that_was_undone_by_hand_is_done_again(sample: Target) -> None:
    number = begun(sample, making("CREATE TABLE made (a int)", keys=asking()))
    drive(sample, lambda here: journey.forward(here, number, "one"))
    with pytest.raises(NotMended, match="make does not look undone: its done_when says that it is not"):
        resolved(sample, number, "make", "undone")
    ask(sample, "DROP TABLE made")
    resolved(sample, number, "make", "undone")
    assert states(sample, number) == {"make": "undone", "last": "waiting"}
    goes_on_and_back(sample, number)


def test_a_skipped_step_is_neither_done_nor_undone(sample: Target) -> None:
    before = fingerprinted(sample)
    number = failed(sample, making(keys="may_skip = true\n" + asking()))
    resolved(sample, number, "make", "skipped", "not wanted here")
    assert (state(sample, number), states(sample, number)["make"]) == ("paused", "skipped")
    goes_on_and_back(sample, number)
    assert ("make", "step began") not in [(event.step, event.kind) for event in events(sample, number)][3:]
    assert fingerprinted(sample) == before


def test_a_revision_is_known_by_its_stamp(agency: Target) -> None:
    """Done is its own stamp, undone that of the one before it; any other is neither."""
    first, second = revisions.known("agency")[1:3]
    text = ONE_STEP.replace("sample", "agency") + f'id = "tables"\nkind = "revision"\nrevision = "{first}"'
    plan = reading.parse(text, "tiny.toml", lambda name: "")
    number = begun(agency, plan)
    with pytest.raises(NotMended, match="tables does not look done: its kind, revision, says that it is not"):
        resolved(agency, number, "tables", "done")
    moved(agency, first)
    assert resolved(agency, number, "tables", "done").detail["looked_at"] is True
    moved(agency, second)
    with pytest.raises(NotMended, match="tables does not look undone"):
        resolved(agency, number, "tables", "undone")
    moved(agency, second, back=True)
    moved(agency, first, back=True)
    resolved(agency, number, "tables", "undone")
    goes_on_and_back(agency, number)


def moved(target: Target, revision: str, *, back: bool = False) -> None:
    """As a person does it with Alembic's own command."""
    with target.executor_connection("alembic") as connection, connection.begin():
        (revisions.downgrade if back else revisions.upgrade)(connection, "agency", revision)
