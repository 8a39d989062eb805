"""What somebody else changed in the schema between two steps stops the run, by name (I-5, FM-C11)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, event

from console.engine import journey, wishes
from console.engine.errors import CheckFailed, Drifted, StepFailed, StepStopped
from console.engine.plan import Plan
from console.engine.resolving import resolve
from db.models import Event
from db.session import Target
from tests.driving import ask, begun, drive, events, kinds, look, state, states, tiny
from tests.servers import wait_until

pytestmark = pytest.mark.newest  # it is not the server that decides

NEXT = """
[[phase.step]]
title = "Next"
estimate = "1s"
"""
SNEAKED = "ALTER TABLE person ADD COLUMN sneaked int"
NAMED = r"changed the schema since the last step: new: column public\.person\.sneaked\."


def tables(second: str = "CREATE TABLE two (a int)", more: str = "") -> Plan:
    """Three steps that make a table each; the second may be another."""
    made = {"one": "CREATE TABLE one (a int)", "two": second, "three": "CREATE TABLE three (a int)"}
    steps = [
        f'id = "{name}"\nkind = "sql"\nsql = "{sql}"\nundo = "DROP TABLE IF EXISTS {name}"\n'
        for name, sql in made.items()
    ]
    return tiny(NEXT.join(steps) + more)


def at_second(target: Target, plan: Plan | None = None) -> int:
    """A run whose first step is done."""
    number = begun(target, plan or tables())
    drive(target, lambda here: journey.forward(here, number, "one"))
    return number


def on(target: Target, number: int, *, accepted: bool = False) -> None:
    drive(target, lambda here: journey.resume(here, number, accepted=accepted))


def accepted(target: Target, number: int) -> list[Event]:
    return [event for event in events(target, number) if event.kind == "drift accepted"]


@pytest.mark.parametrize(
    ("sneaked", "named"),
    [
        (SNEAKED, "new: column public.person.sneaked"),
        ("CREATE TABLE sneaked (a int)", "new: table public.sneaked"),
        ("DROP TABLE one", "gone: table public.one"),
        ("ALTER TABLE person ALTER n DROP DEFAULT", "changed: column public.person.n"),
        ("CREATE INDEX sneaked ON person (n)", "new: index public.sneaked"),
    ],
)
def test_a_change_between_two_steps_stops_the_run_and_is_named(sample: Target, sneaked: str, named: str) -> None:
    """FM-C11: before the next step has done anything; as often as one tries."""
    number = at_second(sample)
    ask(sample, sneaked)
    for _ in range(2):
        with pytest.raises(Drifted) as caught:
            on(sample, number)
        assert named in caught.value.message
        assert caught.value.hint.endswith(f"handrail resume {number} --accept-drift")
        assert (state(sample, number), states(sample, number)["two"]) == ("paused", "waiting")
        assert kinds(sample, number)[-1] == "drift found"


def test_what_was_put_back_is_no_drift(sample: Target) -> None:
    """FM-C11"""
    number = at_second(sample)
    ask(sample, SNEAKED)
    ask(sample, "ALTER TABLE person DROP COLUMN sneaked")
    on(sample, number)
    assert state(sample, number) == "done"


def test_what_was_written_is_no_drift(sample: Target) -> None:
    """FM-C11: the application goes on; rows, statistics and sequences are not the schema."""
    number = at_second(sample)
    ask(sample, "INSERT INTO person (email) VALUES ('late')")
    ask(sample, "ANALYZE person")
    on(sample, number)
    assert state(sample, number) == "done"


def test_an_accepted_change_is_journalled_and_the_next_one_is_not(sample: Target) -> None:
    """FM-C11: what was accepted is what was seen; another change stops the run again."""
    number = at_second(sample)
    ask(sample, SNEAKED)
    drive(sample, lambda here: journey.forward(here, number, "one", accepted=True))
    (said,) = accepted(sample, number)
    assert (said.step, said.by) == ("two", "postgres")
    assert said.detail["differs"] == ["new: column public.person.sneaked"]
    ask(sample, "CREATE TABLE more (a int)")
    with pytest.raises(Drifted, match=r"new: table public\.more"):
        on(sample, number)
    on(sample, number, accepted=True)
    assert state(sample, number) == "done"


def test_accepted_in_advance_is_for_the_next_step_alone(sample: Target) -> None:
    """FM-C11: a word for what one has seen is no word for what comes later in the same run."""
    number = at_second(sample)
    with sneaking_before(sample, "three"), pytest.raises(Drifted, match=NAMED):
        on(sample, number, accepted=True)
    assert (accepted(sample, number), states(sample, number)["two"]) == ([], "done")


class sneaking_before:  # noqa: N801 - it reads as a word
    """While the run goes: somebody changes the schema when the step before has been kept, and this one not begun.

    The engine knows nothing of it; SQLAlchemy's own events say when.
    """

    def __init__(self, target: Target, step: str) -> None:
        self.target, self.position = target, {"two": 1, "three": 2}[step]

    def __enter__(self) -> None:
        event.listen(Engine, "after_cursor_execute", self.heard)

    def __exit__(self, *_: object) -> None:
        event.remove(Engine, "after_cursor_execute", self.heard)

    def heard(self, _connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith("UPDATE handrail.run SET objects") and values.get("objects_after") == self.position:
            ask(self.target, SNEAKED)


def test_a_change_while_the_run_goes_stops_it_too(sample: Target) -> None:
    """FM-C11: nobody resumes here; the same forward() has done the step before."""
    number = begun(sample, tables())
    with sneaking_before(sample, "two"), pytest.raises(Drifted, match=NAMED):
        drive(sample, lambda here: journey.forward(here, number))
    assert states(sample, number) == {"one": "done", "two": "waiting", "three": "waiting"}


def test_a_failed_step_that_a_person_mended_is_no_drift(sample: Target) -> None:
    """FM-C11: mending it is what the person was asked to do; the step after it is looked at again."""
    number = begun(sample, tables("CREATE TABLE two AS SELECT * FROM wanted"))
    with pytest.raises(StepFailed):
        drive(sample, lambda here: journey.forward(here, number))
    ask(sample, "CREATE TABLE wanted (a int)")
    drive(sample, lambda here: journey.forward(here, number, "one"))
    ask(sample, SNEAKED)
    with pytest.raises(Drifted, match=NAMED):
        on(sample, number)
    assert states(sample, number) == {"one": "done", "two": "done", "three": "waiting"}


def test_a_stopped_step_that_a_person_mended_is_no_drift(sample: Target) -> None:
    """FM-C11"""
    number = at_second(sample, tables("SELECT pg_sleep(60) WHERE to_regclass('wanted') IS NULL"))
    with ThreadPoolExecutor() as pool:
        driving = pool.submit(on, sample, number)
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
        with sample.session() as session:
            wishes.ask_stop(session, number)
        assert isinstance(driving.exception(), StepStopped)
    assert states(sample, number)["two"] == "stopped"
    ask(sample, "CREATE TABLE wanted (a int)")
    on(sample, number)
    assert state(sample, number) == "done"


def test_what_was_said_of_a_step_is_the_new_ground(sample: Target) -> None:
    """FM-C11: a step resolved by hand is kept as it stands; what comes after that is drift."""
    number = begun(sample, tables("SELECT 1/0"))
    with pytest.raises(StepFailed):
        drive(sample, lambda here: journey.forward(here, number))
    ask(sample, "CREATE TABLE two (a int)")
    drive(sample, lambda here: resolve(here, number, "two", "done", "by hand"))
    ask(sample, SNEAKED)
    with pytest.raises(Drifted, match=NAMED):
        on(sample, number)


MANUAL = f"""{NEXT}
id = "call"
kind = "manual"
instructions = "Add the column."
undo = "Drop it."
"""


def test_what_a_manual_step_changes_is_none(sample: Target) -> None:
    """FM-C11: a person was asked to; but not for what comes after it."""
    last = f'{NEXT}\nid = "four"\nkind = "sql"\nsql = "SELECT 1"\nundo = "SELECT 1"\n'
    number = begun(sample, tables(more=MANUAL + last))
    drive(sample, lambda here: journey.forward(here, number))
    assert kinds(sample, number)[-1] == "waits for a person"
    ask(sample, SNEAKED)
    drive(sample, lambda here: journey.forward(here, number, "one", said=True))
    ask(sample, "CREATE TABLE more (a int)")
    with pytest.raises(Drifted, match=r"last step: new: table public\.more\."):
        on(sample, number)


def test_after_an_undo_none_is_claimed(sample: Target) -> None:
    """FM-C11: the objects kept are those after a step that is not there any more."""
    number = at_second(sample)
    on(sample, number)
    assert state(sample, number) == "done"
    drive(sample, lambda here: journey.back(here, number, "two"))
    assert look(sample, number).objects_after is None
    ask(sample, "CREATE TABLE more (a int)")
    on(sample, number)
    assert (state(sample, number), accepted(sample, number)) == ("done", [])


def test_a_checkpoint_is_looked_at_like_a_step(sample: Target) -> None:
    """FM-C11: before it is measured; one that failed was for a person to mend."""
    check = """
[phase.checkpoint]
id = "none"
title = "None"
[[phase.checkpoint.check]]
id = "no-more"
kind = "sql"
title = "no more"
sql = "SELECT 1 FROM pg_class WHERE relname = 'more'"
no_rows = true
"""
    number = begun(sample, tables(more=check))
    drive(sample, lambda here: journey.forward(here, number, until="three"))
    ask(sample, "CREATE TABLE more (a int)")
    with pytest.raises(Drifted, match=r"new: table public\.more"):
        on(sample, number)
    with pytest.raises(CheckFailed):
        on(sample, number, accepted=True)
    ask(sample, "DROP TABLE more")
    on(sample, number)
    assert state(sample, number) == "done"
