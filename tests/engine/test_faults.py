"""Faults of the database under a run: timeouts, swallowed errors, crashes, dead clients (FM-A4, FM-A11, FM-B1, FM-B4)."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial

import psutil
import psycopg
import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from console.engine import executor, hold, journey, retrying
from console.engine.errors import StepFailed, StepStopped
from console.engine.plan import Item, Plan
from db import journal, postgres
from db import session as sessions
from db.errors import ConnectionFailed, HandrailError, StatementFailed
from db.models import Event
from db.session import Target, transaction
from tests.crash import templates
from tests.crash.faults import PROCESSES, cut
from tests.crash.matrix import State
from tests.crash.moments import go, stop_at_once
from tests.driving import ask, begun, done, drive, events, fingerprinted, kinds, session_of, state, states, tiny
from tests.online import NOTHING, online
from tests.servers import Server, serving, wait_until

pytestmark = pytest.mark.newest  # it is not the server that decides

PATIENT = ((60.0, 0.0), (60.0, 0.0))  # a ladder of one long wait
WAITS = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'person'::regclass"
LIVES = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
MADE = "SELECT to_regclass('made') IS NOT NULL"
COLUMN = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'person'::regclass AND attname = 'orphan'"
Timeout = Callable[[str], None]
SET = {
    "client_connection_check_interval": "1s",
    "idle_in_transaction_session_timeout": "1min",
    "synchronous_commit": "on",
}


def sending(sql: str) -> Plan:
    return tiny(
        f"""id = "one"\nkind = "sql"\nlock_timeout = "60s"\nsql = '''\n{sql}\n'''\nundo = "-- nothing to undo" """
    )


# timeouts


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
                journey.ask_stop(session, number)
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


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One long wait, so that a step is found in the middle of it."""
    monkeypatch.setattr(retrying, "LADDER", PATIENT)


Driving = tuple["Future[None]", list[Event]]


@contextmanager
def in_the_middle(target: Target, number: int) -> Iterator[Driving]:
    """The step has its transaction open, has written, and waits for an application, which a crash ends as well."""
    heard: list[Event] = []
    application = psycopg.connect(target.url)
    with ThreadPoolExecutor() as pool:
        try:
            application.execute("SELECT 1 FROM person WHERE email = 'Person3000@example.org' FOR UPDATE")
            driving = pool.submit(drive, target, lambda here: journey.forward(here, number), heard)
            wait_until(lambda: ask(target, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
            yield driving, heard
        finally:
            application.close()


def once_each(target: Target, number: int) -> bool:
    """The step was done, once, on every row."""
    said = kinds(target, number).count("step done")
    return (said, ask(target, "SELECT array_agg(DISTINCT n) FROM person")) == (1, [1])


@pytest.mark.usefixtures("patient")
def test_after_a_crash_of_another_backend_it_comes_back_by_itself(fragile: Target) -> None:
    """FM-B1, F26: kill -9 of one backend ends all sessions (57P02); the server recovers, and the step runs again."""
    number = begun(fragile, sending("UPDATE person SET n = n + 1"))
    with in_the_middle(fragile, number) as (driving, heard), psycopg.connect(fragile.url) as another:
        psutil.Process(another.info.backend_pid).kill()
        driving.result(60)
    assert state(fragile, number) == "done"
    assert once_each(fragile, number)
    (lost,) = (said for said in heard if said.kind == "connection lost")
    (back,) = (said for said in events(fragile, number) if said.kind == "connection back")
    assert (lost.step, back.step, back.by) == ("one", "one", "postgres")


@pytest.mark.usefixtures("patient")
def test_a_server_that_is_stopped_at_once_and_started_again_is_waited_for(own: Server, fragile: Target) -> None:
    """FM-B1: as pg_ctl stop -m immediate; half a minute of maintenance is no reason to call a person."""
    number = begun(fragile, sending("UPDATE person SET n = n + 1"))
    fragile.close()
    with in_the_middle(fragile, number) as (driving, heard):
        stop_at_once(own)
        wait_until(lambda: [said for said in heard if said.kind == "connection lost"])
        postgres.start(own.version, own.embedded.pgdata.parent)
        driving.result(60)
    assert (state(fragile, number), once_each(fragile, number)) == ("done", True)
    assert "connection back" in kinds(fragile, number)


@pytest.mark.usefixtures("patient")
def test_a_server_that_stays_away_is_given_up_and_the_journal_is_right(
    own: Server, fragile: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FM-B1: nothing of the step is there, the attempt stands, and a person resumes."""
    monkeypatch.setattr(hold, "RETURN_SECONDS", 0.2)
    number = begun(fragile, sending("UPDATE person SET n = n + 1"))
    fragile.close()
    with in_the_middle(fragile, number) as (driving, _):
        stop_at_once(own)
        assert isinstance(driving.exception(60), ConnectionFailed)
    postgres.start(own.version, own.embedded.pgdata.parent)
    assert (state(fragile, number), states(fragile, number)) == ("running", {"one": "running"})
    assert ask(fragile, "SELECT array_agg(DISTINCT n) FROM person") == [0]
    drive(fragile, lambda here: journey.resume(here, number))
    assert (state(fragile, number), once_each(fragile, number)) == ("done", True)


@pytest.mark.usefixtures("patient")
def test_a_backfill_survives_a_crash_between_its_batches(fragile: Target) -> None:
    """FM-B1, FM-A8: acknowledged batches are there (synchronous_commit), the others are not; no row is changed twice."""
    number = begun(fragile, tiny(FILL))
    with in_the_middle(fragile, number) as (driving, _), psycopg.connect(fragile.url) as another:
        psutil.Process(another.info.backend_pid).kill()
        driving.result(60)
    assert (state(fragile, number), once_each(fragile, number)) == ("done", True)
    assert "connection back" in kinds(fragile, number)


@pytest.mark.newest
def test_a_connection_that_is_lost_again_while_it_comes_back(sample: Target) -> None:
    """FM-B1: a network that comes and goes, at each statement of the way back."""
    for point in range(1, 15):
        number = begun(sample, sending("UPDATE person SET n = n + 1"))
        with flickering(sample, point) as here:
            journey.forward(here, number)
        assert (state(sample, number), once_each(sample, number)) == ("done", True), f"cut at {point}"
        drive(sample, partial(journey.back, run=number))
        ask(sample, "UPDATE person SET n = 0")


@contextmanager
def flickering(target: Target, point: int) -> Iterator[executor.Executor]:
    """An executor whose connection is cut in its first step, and then once more at that point of coming back."""
    left: list[int] = []
    there: list[executor.Executor] = []

    def heard(said: Event) -> None:
        if said.kind == "step began" and not left:
            cut(target, there[0])
        if said.kind == "connection lost" and not left:
            left.append(point)

    def reached(*_: object) -> None:
        if left:
            left[0] -= 1
            if left[0] == 0:
                cut(target, there[0])

    for name in ("begin", "after_cursor_execute"):
        event.listen(Engine, name, reached)
    try:
        with executor.at(target, heard) as here:
            there.append(here)
            yield here
    finally:
        for name in ("begin", "after_cursor_execute"):
            event.remove(Engine, name, reached)


# dead clients


def drive_patiently(url: str, number: int) -> None:
    """A console of its own whose statements wait for as long as they must."""
    retrying.LADDER = PATIENT  # type: ignore[assignment]
    go(url, number, "forward")


def killed_while_it_waits(target: Target, number: int, lock: str) -> Iterator[int]:
    """The console is killed while its statement waits for an application's lock; the orphan's pid, lock still held."""
    process = PROCESSES.Process(target=drive_patiently, args=(target.url, number))
    with session_of(target) as application:
        application.execute(lock.encode())
        process.start()
        wait_until(lambda: ask(target, WAITS))
        orphan: int = ask(target, WAITS)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)
        yield orphan


dies_waiting = contextmanager(killed_while_it_waits)


@pytest.mark.parametrize("at_once", [True, False], ids=["lock released at once", "lock held on"])
def test_the_statement_of_a_dead_console_does_not_live_on(sample: Target, at_once: bool) -> None:
    """FM-A4, F21: killed while its ALTER waits for a lock; nothing of it is there afterwards, and its backend is gone."""
    number = begun(sample, sending("ALTER TABLE person ADD COLUMN orphan int"))
    with dies_waiting(sample, number, "SELECT 1 FROM person LIMIT 1") as orphan:
        if not at_once:
            wait_until(lambda: not ask(sample, LIVES, orphan), 5)
    wait_until(lambda: not ask(sample, LIVES, orphan), 5)
    assert ask(sample, COLUMN) == 0
    assert states(sample, number) == {"one": "running"}
    drive(sample, lambda here: journey.resume(here, number))
    assert (state(sample, number), ask(sample, COLUMN)) == ("done", 1)


def test_nor_does_one_outside_a_transaction(sample: Target) -> None:
    """FM-A4, F21: in autocommit nothing else than the check of the client would keep it from being done."""
    ask(sample, "ALTER TABLE person ADD CONSTRAINT few CHECK (n < 100) NOT VALID")
    number = begun(sample, online("ALTER TABLE person VALIDATE CONSTRAINT few", NOTHING))
    with dies_waiting(sample, number, "LOCK TABLE person IN SHARE UPDATE EXCLUSIVE MODE") as orphan:
        wait_until(lambda: not ask(sample, LIVES, orphan), 5)
    assert ask(sample, "SELECT convalidated FROM pg_constraint WHERE conname = 'few'") is False
    drive(sample, lambda here: journey.resume(here, number))
    assert ask(sample, "SELECT convalidated FROM pg_constraint WHERE conname = 'few'") is True


def in_force(here: executor.Executor) -> dict[str, str]:
    with here.transaction() as session:
        return {name: str(session.connection().exec_driver_sql(f"SHOW {name}").scalar()) for name in SET}


def test_what_these_promises_rest_on_is_set_and_stays_set(sample: Target) -> None:
    """FM-A4, FM-B1, FM-C5: at the beginning, after a step has changed it (FM-D5), and in a new connection."""
    with executor.at(sample) as here:
        assert in_force(here) == SET
        with here.transaction() as session:
            for name in SET:
                session.execute(text("SELECT set_config(:name, '0', false)"), {"name": name})
        assert in_force(here) != SET
        assert here.hold.restore() == sorted(SET)
        assert in_force(here) == SET
        before = here.hold.pid
        cut(sample, here)
        with pytest.raises(DBAPIError), here.transaction():
            pass
        here.hold.come_back(ConnectionFailed("It was cut."), here.last_event, threading.Event().wait)
        assert here.hold.pid != before
        assert in_force(here) == SET


FILL = """\
id = "one"
kind = "backfill"
lock_timeout = "60s"
table = "person"
key = "id"
set = "n = r.n + 1"
where = "r.n = 0"
undo = "UPDATE person SET n = 0"
"""
