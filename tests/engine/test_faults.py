"""Timeouts at every statement, and errors that somebody swallowed (FM-A11, FM-B4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from console.engine import executor, journey, wishes
from console.engine.errors import StepFailed, StepStopped
from console.engine.plan import Item, Plan
from db import journal
from db import session as sessions
from db.errors import HandrailError, StatementFailed
from db.session import Target, transaction
from tests.crash.matrix import State
from tests.driving import ask, begun, done, drive, fingerprinted, state, states, tiny
from tests.engine.patient import FILL, once_each, sending
from tests.servers import Server, wait_until

pytestmark = pytest.mark.newest  # it is not the server that decides

MADE = "SELECT to_regclass('made') IS NOT NULL"
COLUMN = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'person'::regclass AND attname = 'orphan'"
Timeout = Callable[[str], None]


MILLISECONDS = [*range(1, 10), *(round(10 * 1.3**n) for n in range(30))]


class Sweep:
    """Tries one item with 1 ms for each statement, then with 2 ms, and so on until it is where it should be.

    `met` holds the items that were under way when they were cut off, `said` how that was told.
    """

    def __init__(self, target: Target, number: int, timeout: Timeout) -> None:
        self.target, self.number, self.timeout = target, number, timeout
        self.met: set[str] = set()
        self.said: set[str] = set()

    def until(self, item: Item, goal: str, go: Callable[[executor.Executor], None]) -> None:
        for milliseconds in MILLISECONDS:
            self.timeout(f"{milliseconds}ms")
            with suppress(HandrailError), self._heard():
                drive(self.target, go)
            self.timeout("0")
            now = states(self.target, self.number)[item.id]
            if now == goal:
                return
            self.met |= {item.id} if now in ("running", "undoing", "failed") else set()
        pytest.fail(f"{item.id} is still {now}")

    @contextmanager
    def _heard(self) -> Iterator[None]:
        try:
            yield
        except HandrailError as error:
            self.said.add(error.message)
            raise


@pytest.fixture
def timeout(monkeypatch: pytest.MonkeyPatch) -> Timeout:
    return lambda value: monkeypatch.setitem(sessions.EXECUTOR_SETTINGS, "statement_timeout", value)


def test_a_sweep_of_timeouts_ends_as_an_undisturbed_run(
    server: Server, people: str, sample: Target, small: Plan, timeout: Timeout
) -> None:
    """FM-B4: any statement may be the one that is cut off, the journal's own too; whatever it is, one can go on."""
    calm = Target(server.create("calm", people))
    expected = State.of(calm, done(calm, small))
    calm.close()
    server.drop("calm")
    number = begun(sample, small)
    sweep = Sweep(sample, number, timeout)
    for item in small.items:
        sweep.until(item, "done", partial(journey.forward, run=number, until=item.id, said=True))
    if state(sample, number) != "done":  # the word `done` of the whole run may be cut off as well
        drive(sample, lambda here: journey.resume(here, number, said=True))
    assert len(sweep.met) >= 2, f"there was little to cut off: {sweep.met}"
    assert State.of(sample, number).differences(expected, set()) == []
    assert ask(sample, "SELECT array_agg(DISTINCT n) FROM person") == [11]
    assert all("cancelled" in said for said in sweep.said), sweep.said


def test_a_sweep_of_timeouts_on_the_way_back_ends_as_before(sample: Target, small: Plan, timeout: Timeout) -> None:
    """FM-B4, FM-H8"""
    before = fingerprinted(sample)
    number = done(sample, small)
    sweep = Sweep(sample, number, timeout)
    for item in reversed(small.items):
        sweep.until(item, "undone", partial(journey.back, run=number, one=True))
    assert sweep.met, f"there was little to cut off: {sweep.met}"
    drive(sample, lambda here: journey.back(here, number))
    assert fingerprinted(sample) == before


@pytest.mark.parametrize("end", ["failed", "stopped"])
def test_an_undo_that_did_not_end_well_is_tried_again(sample: Target, end: str) -> None:
    """FM-H8, I-1: what the step had done is still there, and the next attempt takes it back."""
    undo = (
        "SELECT 1 / (length(email) - 4) FROM person WHERE email = 'late'"
        if end == "failed"
        else "SELECT pg_sleep(30) FROM person WHERE email = 'late'"
    )
    number = done(
        sample,
        tiny(f"""id = "one"\nkind = "sql"\nsql = "CREATE TABLE made (a int)"\nundo = "DROP TABLE made; {undo}" """),
    )
    ask(sample, "INSERT INTO person (email) VALUES ('late')")
    with ThreadPoolExecutor() as pool:
        driving = pool.submit(drive, sample, lambda here: journey.back(here, number))
        if end == "stopped":
            wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
            with sample.session() as session:
                wishes.ask_stop(session, number)
        assert isinstance(driving.exception(), StepFailed if end == "failed" else StepStopped)
    assert (state(sample, number), ask(sample, MADE)) == ("rolling back", True)
    ask(sample, "DELETE FROM person WHERE email = 'late'")
    drive(sample, lambda here: journey.resume(here, number))
    assert (state(sample, number), ask(sample, MADE)) == ("rolled back", False)


def test_a_sweep_of_timeouts_over_batches_changes_each_row_once(sample: Target, timeout: Timeout) -> None:
    """FM-B4, FM-A8: a batch that is cut off takes its cursor with it."""
    plan = tiny(FILL.replace('where = "', 'where = "md5(repeat(r.email, 1000)) IS NOT NULL AND '))
    number = begun(sample, plan)
    sweep = Sweep(sample, number, timeout)
    sweep.until(plan.items[0], "done", lambda here: journey.resume(here, number))
    assert sweep.met == {"one"}
    assert once_each(sample, number)


def test_a_timeout_that_nobody_asked_for_is_a_failure_and_no_stop(sample: Target, timeout: Timeout) -> None:
    """FM-B4: 57014 is what a stop looks like, too."""
    number = begun(sample, sending("SELECT pg_sleep(60) WHERE to_regclass('mended') IS NULL"))
    timeout("50ms")
    with pytest.raises(StepFailed, match=r"one failed: one line 1: The statement was cancelled\."):
        drive(sample, lambda here: journey.forward(here, number))
    assert (state(sample, number), states(sample, number)) == ("failed", {"one": "failed"})
    ask(sample, "CREATE TABLE mended (a int)")
    drive(sample, lambda here: journey.resume(here, number))
    assert state(sample, number) == "done"


# swallowed errors


def test_a_swallowed_error_is_not_answered_with_a_silent_rollback(sample: Target) -> None:
    """FM-A11, F22: nothing was stored, and COMMIT would have said nothing."""
    swallowed = pytest.raises(StatementFailed, match="25P02")
    with sample.executor_connection("test") as connection:
        with swallowed, transaction(connection) as session:
            journal.record(session, "stored")
            swallow(connection.execute, "SELECT 1/0")
        with transaction(connection) as session:
            journal.record(session, "goes on")
    assert ask(sample, "SELECT array_agg(kind) FROM handrail.event") == ["goes on"]


def test_a_swallowed_error_of_a_step_in_python_leaves_no_word_of_it(sample: Target) -> None:
    """FM-A11: as a revision would do it that catches what its statement raises, in the executor's own transaction."""
    with executor.at(sample) as here:
        swallowed = pytest.raises(StatementFailed, match="25P02")
        with swallowed, here.transaction() as session:
            journal.record(session, "step done")
            swallow(session.connection().execute, "ALTER TABLE nobody ADD COLUMN a int")
        with here.transaction() as session:
            swallow_inside(session.connection().execute, session.connection().begin_nested)
            journal.record(session, "caught in a savepoint")
    assert ask(sample, "SELECT array_agg(kind) FROM handrail.event") == ["caught in a savepoint"]


def swallow(execute: Callable[..., object], sql: str) -> None:
    try:
        execute(text(sql))
    except DBAPIError:
        return
    raise AssertionError


def swallow_inside(execute: Callable[..., object], savepoint: Callable[[], object]) -> None:
    inner = savepoint()
    swallow(execute, "SELECT 1/0")
    inner.rollback()  # type: ignore[attr-defined]
