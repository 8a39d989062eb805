"""Faults of the database under a run: timeouts, swallowed errors, crashes, dead clients (FM-A4, FM-A11, FM-B1, FM-B4)."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

import psutil
import psycopg
import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from console.engine import executor, journey, retrying
from console.engine.errors import StepFailed
from console.engine.plan import Plan
from db import journal, postgres
from db import session as sessions
from db.errors import ConnectionFailed, HandrailError, SessionEnded, StatementFailed
from db.models import Event
from db.session import Target, transaction
from tests.crash import templates
from tests.crash.faults import PROCESSES, cut
from tests.crash.matrix import State
from tests.crash.moments import go, stop_at_once
from tests.driving import ask, begun, done, drive, events, fingerprinted, kinds, session_of, state, states, tiny
from tests.online import NOTHING, online
from tests.servers import Server, serving, wait_until

PATIENT = ((60.0, 0.0), (60.0, 0.0))  # a ladder of one long wait
WAITS = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'person'::regclass"
LIVES = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
COLUMN = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'person'::regclass AND attname = 'orphan'"
NAMES = ("client_connection_check_interval", "idle_in_transaction_session_timeout", "synchronous_commit")
SET = {"client_connection_check_interval": "1s", "idle_in_transaction_session_timeout": "1min", "synchronous_commit": "on"}


def sending(sql: str) -> Plan:
    return tiny(f"""id = "one"\nkind = "sql"\nlock_timeout = "60s"\nsql = '''\n{sql}\n'''\nundo = "-- nothing to undo" """)


# timeouts


def swept(target: Target, number: int, goal: str, go: Callable[[executor.Executor], None], timeout: Timeout) -> set[str]:
    """Tries with 1 ms for each statement, with 2 ms, and so on until the goal is reached; what was under way when it
    was cut off."""
    met = set()
    for milliseconds in count(1):
        timeout(f"{milliseconds}ms")
        try:
            drive(target, go)
        except HandrailError as error:
            assert "cancelled" in error.message, error
            timeout("0")
            begun = [said for said in events(target, number) if said.kind in ("step began", "undo began")]
            met.add(begun[-1].step or "" if begun else "")
        timeout("0")
        if state(target, number) == goal:
            return met
    raise AssertionError


Timeout = Callable[[str], None]


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
    before = fingerprinted(sample)
    number = begun(sample, small)
    met = swept(sample, number, "done", lambda here: journey.resume(here, number, said=True), timeout)
    assert len(met) >= 3, f"there was little to cut off: {met}"
    assert State.of(sample, number).differences(expected, set()) == []
    assert ask(sample, "SELECT array_agg(DISTINCT n) FROM person") == [11]
    drive(sample, lambda here: journey.back(here, number, one=True))
    swept(sample, number, "rolled back", lambda here: journey.back(here, number), timeout)
    assert fingerprinted(sample) == before


def test_a_timeout_that_nobody_asked_for_is_a_failure_and_no_stop(sample: Target, timeout: Timeout) -> None:
    """FM-B4: 57014 is what a stop looks like, too."""
    number = begun(sample, sending("SELECT pg_sleep(60) WHERE to_regclass('mended') IS NULL"))
    timeout("50ms")
    with pytest.raises(StepFailed, match="one failed: .*cancelled"):
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
        with pytest.raises(StatementFailed, match="25P02"), here.transaction() as session:
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


# crashes


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that may be crashed, with the template `people`."""
    with serving(18) as started:
        templates.people(started, "people")
        yield started


@pytest.fixture
def fragile(own: Server) -> Iterator[Target]:
    target = Target(own.create("fragile", "people"))
    yield target
    target.close()
    own.drop("fragile")


COUNTED = "UPDATE person SET n = n + 1"


@contextmanager
def in_the_middle(target: Target, number: int, heard: list[Event]) -> Iterator[ThreadPoolExecutor]:
    """The step has its transaction open and waits in it for an application, which dies with the server."""
    with ThreadPoolExecutor() as pool, psycopg.connect(target.url) as application:
        application.execute("SELECT 1 FROM person LIMIT 1 FOR UPDATE")
        heard_of.append(pool.submit(drive, target, lambda here: journey.forward(here, number), heard))
        wait_until(lambda: ask(target, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
        yield pool
        with application.transaction() if False else threading.Lock():
            pass


heard_of: list[object] = []
