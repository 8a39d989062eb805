"""A run from its beginning to its end, forwards and back, on a real server."""

from __future__ import annotations

import pytest

from console.engine import journey, rollback
from console.engine.errors import RunRefused, UnknownRun, UnknownStep, WrongTarget
from console.engine.plan import Plan
from db import fingerprint
from db.errors import HandrailError
from db.models import Event
from db.session import Target
from tests import ungated
from tests.driving import ask, begun, done, drive, fingerprinted, kinds, state, states, verdicts


def test_every_step_and_both_checkpoints(sample: Target, small: Plan) -> None:
    number = done(sample, small)
    assert set(states(sample, number).values()) == {"done"}
    assert {check: verdict.passed for check, verdict in verdicts(sample, number).items()} == {
        "dump-whole": True, "copy-whole": True, "filled": True, "content": True, "index-valid": True,
    }  # fmt: skip
    assert ask(sample, "SELECT count(*) FROM person WHERE email_lc = lower(email)") == 3000


def test_beginning_changes_nothing_but_the_journal(sample: Target, small: Plan) -> None:
    before = fingerprinted(sample)
    number = begun(sample, small)
    assert fingerprinted(sample) == before
    assert state(sample, number) == "paused"
    assert set(states(sample, number).values()) == {"waiting"}


def test_one_step_at_a_time(sample: Target, small: Plan) -> None:
    number = begun(sample, small)
    drive(sample, lambda here: journey.forward(here, number, "one"))
    assert states(sample, number)["keep"] == "done"
    assert states(sample, number)["dump"] == "waiting"
    assert state(sample, number) == "paused"


def test_to_the_next_checkpoint_and_not_beyond(sample: Target, small: Plan) -> None:
    number = begun(sample, small)
    drive(sample, lambda here: journey.forward(here, number, "checkpoint"))
    assert (states(sample, number)["kept"], states(sample, number)["column"]) == ("done", "waiting")


def test_until_a_step_and_not_beyond(sample: Target, small: Plan) -> None:
    number = begun(sample, small)
    drive(sample, lambda here: journey.forward(here, number, until="fill"))
    assert (states(sample, number)["fill"], states(sample, number)["index"]) == ("done", "waiting")


def test_a_manual_step_waits_for_its_person(sample: Target, small: Plan) -> None:
    number = begun(sample, small)
    drive(sample, lambda here: journey.forward(here, number))
    assert (state(sample, number), states(sample, number)["call"]) == ("paused", "waiting")
    assert kinds(sample, number)[-1] == "waits for a person"
    drive(sample, lambda here: journey.forward(here, number, said=True))
    assert state(sample, number) == "done"


def test_rollback_gives_back_schema_and_content(sample: Target, small: Plan) -> None:
    before = fingerprinted(sample)
    number = done(sample, small)
    assert fingerprinted(sample) != before
    drive(sample, lambda here: journey.back(here, number))
    assert fingerprinted(sample) == before
    assert state(sample, number) == "rolled back"


def test_rollback_keeps_what_was_written_since_and_counts_it(sample: Target, small: Plan) -> None:
    before = fingerprinted(sample)
    number = done(sample, small)
    ask(sample, "INSERT INTO person (email) SELECT 'new' || n FROM generate_series(1, 5) n")
    with sample.session() as session:
        shown = rollback.preview(session, journey.found(session, number))
    assert [(kept.rows, kept.rule) for kept in shown.kept] == [(5, "carried back")]
    heard: list[Event] = []
    drive(sample, lambda here: journey.back(here, number), heard)
    after = fingerprinted(sample)
    assert fingerprint.differences(before, after) == []
    assert fingerprint.content_differences(before, after) == {"public.person": [3000, 3005]}
    assert heard[-1].detail["content"] == {"public.person": [3000, 3005]}


def test_every_step_can_be_taken_back_alone(sample: Target, small: Plan) -> None:
    """FM-H1: for every prefix of the plan, forward and back is as before."""
    number = begun(sample, small)
    for item in small.items:
        before = fingerprinted(sample)
        drive(sample, lambda here: journey.forward(here, number, "one", said=True))
        drive(sample, lambda here: journey.back(here, number, one=True))
        assert fingerprinted(sample) == before, item.id
        drive(sample, lambda here: journey.forward(here, number, "one", said=True))
    assert state(sample, number) == "done"


def test_back_to_a_step_leaves_what_stands_before_it(sample: Target, small: Plan) -> None:
    number = done(sample, small)
    drive(sample, lambda here: journey.back(here, number, "fill"))
    assert states(sample, number) == {
        "keep": "done", "dump": "done", "kept": "done", "column": "done",
        "fill": "undone", "index": "undone", "call": "undone", "changed": "undone",
    }  # fmt: skip
    assert state(sample, number) == "paused"


def test_a_second_run_is_refused_while_one_is_open(sample: Target, small: Plan) -> None:
    number = begun(sample, small)
    with pytest.raises(RunRefused, match=f"Run {number} of small is paused"):
        begun(sample, small)


def test_a_plan_that_is_done_is_not_done_again(sample: Target, small: Plan) -> None:
    done(sample, small)
    with pytest.raises(RunRefused, match="is done here already"):
        begun(sample, small)


def test_after_a_rollback_it_can_run_again(sample: Target, small: Plan) -> None:
    first = done(sample, small)
    drive(sample, lambda here: journey.back(here, first))
    assert done(sample, small) == first + 1


def test_a_plan_for_another_target_is_refused(sample: Target) -> None:
    plan = ungated.load("schema-unification")
    with pytest.raises(WrongTarget, match="is for target agency, and this database is sample"):
        begun(sample, plan)


def test_a_run_executes_what_was_frozen(sample: Target, small: Plan) -> None:
    """FM-C10: what the plan's files say later does not matter."""
    number = begun(sample, small)
    with sample.session() as session:
        row = journey.found(session, number)
        assert (row.plan_text, row.sources, row.digest) == (small.text, dict(small.sources), small.digest)
        assert row.sources["column.sql"].startswith("ALTER TABLE person ADD COLUMN email_lc text;")


def refused(number: int, *, back: bool = False, to: str | None = None):  # type: ignore[no-untyped-def]
    return lambda here: journey.back(here, number, to) if back else journey.forward(here, number)


def test_what_a_run_cannot_do_is_said(sample: Target, small: Plan) -> None:
    number = done(sample, small)
    wrong: list[tuple[object, type[HandrailError]]] = [
        (refused(number), RunRefused),
        (refused(99), UnknownRun),
        (refused(99, back=True), UnknownRun),
        (refused(number, back=True, to="nowhere"), UnknownStep),
    ]
    for do, error in wrong:
        with pytest.raises(error):
            drive(sample, do)  # type: ignore[arg-type]
    drive(sample, lambda here: journey.back(here, number))
    for do in (refused(number), refused(number, back=True)):
        with pytest.raises(RunRefused):
            drive(sample, do)
