"""Nobody waits long for a step, and a step says for whom it waits (I-8, FM-B5, FM-B9, FM-C1)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from console.engine import blocking, executor, journey, retrying, wishes
from console.engine.errors import RunRefused, StepFailed
from console.engine.executor import Executor
from db.queries import runs
from db.queries.blocking import Blocker, Waiting
from db.session import Target
from tests.driving import ask, begun, events, kinds, look, sending, session_of, state, states, tiny
from tests.servers import wait_until

READ = "SELECT 1 FROM person LIMIT 1"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ladder of a second, not of a minute."""
    monkeypatch.setattr(retrying, "LADDER", ((0.1, 0.2), (0.1, 0.2), (0.2, 0.2), (0.2, 0.2), (0.2, 0.0)))


@contextmanager
def at_work(target: Target, number: int) -> Iterator[list[Exception]]:
    """Somebody drives the run; what stopped it."""
    ended: list[Exception] = []
    drivers: list[Executor] = []

    def work() -> None:
        try:
            with executor.at(target) as here:
                drivers.append(here)
                journey.forward(here, number)
        except Exception as error:
            ended.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield ended
    except BaseException:
        while worker.is_alive():
            for here in drivers:
                here.cancel()
            worker.join(0.1)
        raise
    worker.join()


@contextmanager
def holding(target: Target) -> Iterator[psycopg.Connection]:
    """An application that has read the table, and keeps its transaction open."""
    with session_of(target) as application:
        application.execute(READ)
        yield application


def in_the_way(target: Target, number: int) -> list[Blocker]:
    with target.session() as session:
        return blocking.in_the_way(session, look(target, number), runs.events(session, number, 1))


def made_to_wait(target: Target, number: int) -> Waiting:
    with target.session() as session:
        return blocking.made_to_wait(session, look(target, number))


def test_a_step_gives_way_to_those_who_wait_for_it(sample: Target) -> None:
    """FM-C1: it has its lock, and works too long under it; a reader gets its answer all the same."""
    number = begun(sample, sending("LOCK TABLE person; SELECT pg_sleep(60)", 'lock_timeout = "300ms"'))
    with at_work(sample, number) as ended, session_of(sample) as application:
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted "
                                       "AND relation = 'person'::regclass"))  # fmt: skip
        began = time.monotonic()
        application.execute(READ)
        assert time.monotonic() - began < 5, "it waited for the step"
        application.rollback()
        while not ended:
            application.execute(READ)
            application.rollback()
    assert isinstance(ended[0], StepFailed)
    told = [event.detail["error"] for event in events(sample, number) if event.kind == "tried again"]
    assert any("Others had waited 0.3 s for it, so it gave way." in said for said in told)
    assert (state(sample, number), states(sample, number)) == ("failed", {"one": "failed"})


def test_a_step_gives_way_before_the_server_ends_the_application(sample: Target) -> None:
    """FM-B6: each waits for the other; after deadlock_timeout PostgreSQL would end whoever looks first."""
    ask(sample, "CREATE TABLE other ()")
    number = begun(sample, sending("LOCK TABLE person; LOCK TABLE other", 'lock_timeout = "60s"'))
    with session_of(sample) as application:
        application.execute("SELECT FROM other")
        application.execute("SET deadlock_timeout = '10s'")
        with at_work(sample, number) as ended:
            wait_until(lambda: in_the_way(sample, number) or "tried again" in kinds(sample, number))
            application.execute(READ)
            application.commit()
    assert not ended
    told = [event.detail["error"] for event in events(sample, number) if event.kind == "tried again"]
    assert state(sample, number) == "done"
    assert not told or "waited for each other" in told[-1] or "holds the lock" in told[-1]


def test_a_step_that_declares_a_downtime_may_keep_others_waiting(sample: Target) -> None:
    number = begun(
        sample, sending("LOCK TABLE person; SELECT pg_sleep(0.6)", 'lock_timeout = "100ms"\ndowntime = "10s"')
    )
    with at_work(sample, number) as ended, session_of(sample) as application:
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"))
        application.execute(READ)
    assert not ended
    assert state(sample, number) == "done"


def test_a_lock_that_comes_free_is_taken_at_a_later_try(sample: Target) -> None:
    """FM-B5: readers never queue behind it longer than one try lasts."""
    number = begun(sample, sending("ALTER TABLE person ADD COLUMN a int"))
    with session_of(sample) as application, session_of(sample) as reader:
        application.execute(READ)
        with at_work(sample, number) as ended:
            wait_until(lambda: kinds(sample, number).count("tried again") >= 2)
            reader.execute(READ)
            application.rollback()
            reader.rollback()
    assert not ended
    assert state(sample, number) == "done"


def test_the_blockers_are_named_while_it_waits_and_between_two_tries(
    sample: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FM-B9: pid, login, application, state, what it holds; and how many wait for us."""
    monkeypatch.setattr(retrying, "LADDER", ((0.3, 600.0), (0.1, 0.0)))
    number = begun(sample, sending("ALTER TABLE person ADD COLUMN a int"))
    with holding(sample) as application, at_work(sample, number) as ended:
        wait_until(lambda: "tried again" in kinds(sample, number) or in_the_way(sample, number))
        wait_until(lambda: "tried again" in kinds(sample, number))
        (found,) = in_the_way(sample, number)
        assert (found.pid, found.login, found.application) == (application.info.backend_pid, "postgres", "application")
        assert (found.state, found.holds, found.query) == ("idle in transaction", "AccessShare on person", READ)
        told = next(event for event in events(sample, number) if event.kind == "tried again").detail
        assert (told["tried"], told["tries"], told["blockers"][0]["application"]) == (1, 2, "application")
        application.rollback()
        wait_until(lambda: not in_the_way(sample, number))
        with sample.session() as session:
            wishes.ask_pause(session, number)
    assert not ended
    assert (state(sample, number), states(sample, number)["one"]) == ("paused", "stopped")


def test_the_next_try_comes_soon_after_a_long_blocker_has_gone(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has just ended it does not wait for the ladder."""
    monkeypatch.setattr(retrying, "LADDER", ((0.1, 600.0), (1.0, 0.0)))
    number = begun(sample, sending("ALTER TABLE person ADD COLUMN a int"))
    with holding(sample) as application:
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND xact_start < now() - "
                                       "interval '2 seconds'", application.info.backend_pid))  # fmt: skip
        with at_work(sample, number) as ended:
            wait_until(lambda: "tried again" in kinds(sample, number))
            application.rollback()
    assert not ended
    assert state(sample, number) == "done"


def test_the_sessions_that_it_makes_wait_are_counted(sample: Target) -> None:
    number = begun(sample, sending("LOCK TABLE person; SELECT pg_sleep(1)", 'downtime = "10s"'))
    with at_work(sample, number), session_of(sample) as one, session_of(sample) as other:
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted "
                                       "AND relation = 'person'::regclass"))  # fmt: skip
        readers = [threading.Thread(target=reader.execute, args=(READ,)) for reader in (one, other)]
        for reader in readers:
            reader.start()
        wait_until(lambda: made_to_wait(sample, number).sessions == 2)
        assert made_to_wait(sample, number).seconds < 10
        for reader in readers:
            reader.join()
    assert made_to_wait(sample, number) == Waiting(0, 0.0)


@pytest.fixture
def held(sample: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, psycopg.Connection, Blocker]]:
    """A run whose step waits for a session, that session, and how it is seen."""
    monkeypatch.setattr(retrying, "LADDER", ((0.1, 0.1),) * 300)
    number = begun(sample, sending("ALTER TABLE person ADD COLUMN a int"))
    application = psycopg.connect(sample.url, application_name="application")
    application.execute(READ)
    with at_work(sample, number):
        wait_until(lambda: in_the_way(sample, number))
        yield number, application, in_the_way(sample, number)[0]
        application.close()


def test_a_blocker_is_terminated_and_the_journal_says_who(
    sample: Target, held: tuple[int, psycopg.Connection, Blocker]
) -> None:
    number, application, blocker = held
    with sample.session() as session:
        blocking.end(session, number, "terminate", blocker)
    wait_until(lambda: state(sample, number) == "done")
    told = next(event for event in events(sample, number) if event.kind == "blocker terminated")
    assert (told.detail["pid"], told.detail["application"], told.by) == (blocker.pid, "application", "postgres")
    with pytest.raises(psycopg.OperationalError):
        application.execute(READ)


def test_only_what_is_in_the_way_and_was_seen_is_ended(
    sample: Target, held: tuple[int, psycopg.Connection, Blocker]
) -> None:
    """A pid that belongs to somebody else by now is left alone."""
    number, application, blocker = held
    another = Blocker(**{**vars(blocker), "started": blocker.since})
    with sample.session() as session, pytest.raises(RunRefused, match="is not in the way any more"):
        blocking.end(session, number, "terminate", another)
    assert application.execute("SELECT 1").fetchone() == (1,)
    assert "blocker terminated" not in kinds(sample, number)


def test_a_batch_that_meets_a_locked_row_is_tried_again(sample: Target) -> None:
    """FM-B5 in a backfill: the finished batches stand, this one waits its turn."""
    number = begun(sample, tiny(FILL))
    with session_of(sample) as application:
        application.execute(
            "UPDATE person SET email = email || '!' WHERE id = (SELECT max(id::text)::uuid FROM person)"
        )
        with at_work(sample, number) as ended:
            wait_until(lambda: "tried again" in kinds(sample, number))
            application.commit()
    assert not ended
    assert ask(sample, "SELECT array_agg(DISTINCT n) FROM person") == [10]


def test_a_stop_from_another_session_ends_the_statement(sample: Target) -> None:
    number = begun(sample, sending("SELECT pg_sleep(600)"))
    with at_work(sample, number) as ended:
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'"))
        with sample.session() as session:
            wishes.ask_stop(session, number)
    assert "one was stopped" in str(ended[0])
    assert (state(sample, number), states(sample, number)["one"]) == ("paused", "stopped")
    assert kinds(sample, number)[-2:] == ["stop asked", "step stopped"]


FILL = """id = "fill"
kind = "backfill"
table = "person"
key = "id"
set = "n = r.n + 10"
where = "r.n < 10"
undo = "UPDATE person SET n = n - 10"
"""
