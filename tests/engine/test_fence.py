"""One executor, fenced: the lock, the epoch, the takeover (I-4, FM-A5, FM-A7, FM-C2)."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from console.engine import executor, journey, taking
from console.engine.errors import RunDriven, TakenOver
from console.engine.hold import Hold
from console.engine.plan import Plan
from db import journal
from db.errors import ConnectionFailed
from db.queries import activity
from db.queries.activity import Driver
from db.session import Target
from tests.crash.faults import PROCESSES
from tests.crash.moments import go
from tests.driving import ask, begun, events, kinds, session_of, state, states, tiny
from tests.servers import wait_until

CONSOLES, ROUNDS = 16, 100
FILL = """\
id = "fill"
kind = "backfill"
table = "person"
key = "id"
set = "n = r.n + 10"
where = "r.n < 10 AND pg_sleep(0.002) IS NOT NULL"
undo = "UPDATE person SET n = n - 10"
"""


def driver(target: Target) -> Driver:
    with target.session() as session:
        found = activity.driver(session)
    assert found is not None
    return found


@contextmanager
def driven(target: Target, run: int) -> Iterator[int]:
    """A console in a process of its own that is at work on the run; its pid."""
    process = PROCESSES.Process(target=go, args=(target.url, run, "forward"))
    process.start()
    try:
        wait_until(lambda: any(one == "running" for one in states(target, run).values()))
        assert process.pid is not None
        yield process.pid
    finally:
        process.join(30)
        process.kill()


@pytest.mark.newest
def test_sixteen_consoles_race_and_one_wins_each_time(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """FM-C2: a hundred rounds; the loser of a round is told who won."""
    monkeypatch.setattr(taking, "PATIENCE", 0.0)
    number = begun(sample, tiny('id = "one"\nkind = "sql"\nsql = "SELECT 1"\nundo = "SELECT 1"'))
    gate, won = threading.Barrier(CONSOLES), []
    over = [threading.Barrier(CONSOLES) for _ in range(ROUNDS)]

    def console() -> None:
        with sample.executor_connection("racer") as connection:
            for turn in range(ROUNDS):
                gate.wait(60)
                try:
                    taking.lock(connection, "sample")
                    epoch, _ = taking.raise_epoch(connection, "sample")
                    won.append((turn, epoch))
                    over[turn].wait(60)
                    connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
                    connection.commit()
                except RunDriven:
                    over[turn].wait(60)

    before = ask(sample, "SELECT epoch FROM handrail.fence")
    consoles = [threading.Thread(target=console) for _ in range(CONSOLES)]
    for one in consoles:
        one.start()
    for one in consoles:
        one.join()
    assert sorted(turn for turn, _ in won) == list(range(ROUNDS))
    assert sorted(epoch for _, epoch in won) == list(range(before + 1, before + ROUNDS + 1))
    assert state(sample, number) == "paused"


def test_two_consoles_cannot_open_two_runs(sample: Target, small: Plan) -> None:
    """FM-C2: the schema says so, whatever the code believes."""
    begun(sample, small)
    with pytest.raises(psycopg.errors.UniqueViolation, match="run_one_open"):
        ask(sample, "INSERT INTO handrail.run (plan, title, plan_text, sources, digest, parameters, fingerprint) "
                    "SELECT plan, title, plan_text, sources, digest, parameters, fingerprint FROM handrail.run")  # fmt: skip


def test_a_stopped_executor_that_wakes_after_a_takeover_writes_nothing(sample: Target) -> None:
    """FM-A7: SIGSTOP, take over, SIGCONT."""
    number = begun(sample, tiny(FILL))
    with driven(sample, number) as zombie:
        wait_until(lambda: ask(sample, "SELECT count(*) FROM person WHERE n = 10"))
        os.kill(zombie, signal.SIGSTOP)
        before = driver(sample)
        with executor.at(sample, over=before) as here:
            met = ask(sample, "SELECT count(*) FROM person WHERE n = 10"), len(events(sample, number))
            os.kill(zombie, signal.SIGCONT)
            wait_until(lambda: not ask(sample, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", before.pid))
            wait_until(lambda: ended(zombie))
            assert (ask(sample, "SELECT count(*) FROM person WHERE n = 10"), len(events(sample, number))) == met
            journey.resume(here, number)
    assert state(sample, number) == "done"
    assert ask(sample, "SELECT array_agg(DISTINCT n) FROM person") == [10]


def ended(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{process}/stat", encoding="ascii") as stat:  # noqa: PTH123 - a file of the kernel
        return stat.read().split()[2] == "Z"


@pytest.mark.newest
def test_a_takeover_is_told_by_the_journal(sample: Target) -> None:
    number = begun(sample, tiny(FILL))
    with driven(sample, number):
        before = driver(sample)
        drive_over(sample, before, number)
    told = next(event for event in events(sample, number) if event.kind == "taken over")
    assert (told.detail["pid"], told.detail["login_before"]) == (before.pid, "postgres")
    assert state(sample, number) == "done"


def drive_over(target: Target, before: Driver, number: int) -> None:
    with executor.at(target, over=before) as here:
        journey.resume(here, number)


def test_another_session_of_the_same_pid_is_not_ended(sample: Target) -> None:
    """What was seen is what is ended: a session that began at another time is somebody else."""
    with session_of(sample) as application:
        pid = application.info.backend_pid
        seen = Driver(pid, "postgres", "handrail: executor", ask(sample, "SELECT now() - interval '1 hour'"))
        with executor.at(sample, over=seen):
            assert application.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture
def unlocked(sample: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hold]:
    """An executor whose step has let its lock go (F68)."""
    monkeypatch.setattr(taking, "PATIENCE", 0.2)
    with executor.at(sample) as here:
        with here.transaction() as session:
            session.connection().exec_driver_sql("SELECT pg_advisory_unlock_all()")
        yield here.hold


def test_without_its_lock_an_open_transaction_still_keeps_others_out(sample: Target, unlocked: Hold) -> None:
    """F68: the epoch is held FOR SHARE, and the one who holds it is named."""
    with unlocked.transaction(), pytest.raises(RunDriven, match=f"pid {unlocked.pid}"), executor.at(sample):
        pass


def test_without_its_lock_it_ends_where_another_has_taken_the_target(sample: Target, unlocked: Hold) -> None:
    """F68, I-4: between two transactions the target can be taken; the next one does nothing."""
    taken = pytest.raises(TakenOver, match="postgres took this run over")
    with executor.at(sample), taken, unlocked.transaction() as session:
        journal.record(session, "too late")
    assert ask(sample, "SELECT count(*) FROM handrail.event WHERE kind = 'too late'") == 0


def test_a_takeover_ends_one_that_has_let_its_lock_go(sample: Target, unlocked: Hold) -> None:
    with pytest.raises(ConnectionFailed), unlocked.transaction():
        drive_nothing(sample)
    assert ask(sample, "SELECT epoch FROM handrail.fence") == unlocked.epoch + 1


def drive_nothing(target: Target) -> None:
    with executor.at(target, over=driver(target)):
        pass


def test_every_transaction_of_an_executor_is_fenced(sample: Target, small: Plan) -> None:
    """I-4: whatever it does after somebody else has raised the epoch, it is refused, and nothing is written."""
    number = begun(sample, small)
    with executor.at(sample) as here:
        ask(sample, "UPDATE handrail.fence SET epoch = epoch + 1, login = 'somebody', taken_at = now()")
        told = kinds(sample, number)
        for attempt in (
            lambda: journey.begin(here, small),
            lambda: journey.forward(here, number),
            lambda: journey.back(here, number),
            lambda: journey.resume(here, number),
            lambda: here.turn(number, "paused", "never"),
        ):
            with pytest.raises(TakenOver, match="somebody took this run over"):
                attempt()
        assert kinds(sample, number) == told
