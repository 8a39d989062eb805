"""kill -9 inside a build that waits: the next console waits for the orphan and ends with a valid index (I-2)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import psycopg
import pytest

from console.engine import journey
from db.session import EXECUTOR_SETTINGS, Target
from tests.crash.faults import PROCESSES
from tests.driving import ask, begun, drive, look, session_of, state
from tests.online import CREATE, DROP, VALID, drive_alone, mended, online, phase
from tests.servers import wait_until

PHASES = ["waiting for writers before build", "waiting for old snapshots"]
LIVES = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
DRIVER = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"

WAITED = """SELECT true FROM pg_stat_activity JOIN pg_stat_progress_create_index USING (pid)
    WHERE clock_timestamp() > query_start + CAST(%s AS interval) * 1.5 AND phase LIKE 'waiting%%'"""


@contextmanager
def in_the_way(target: Target, at: str) -> Iterator[None]:
    """An application that holds an index build in one of its phases."""
    with session_of(target) as application:
        if at == "waiting for old snapshots":
            application.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            application.execute("SELECT count(*) FROM handrail.target")
        else:
            application.execute("UPDATE person SET email = email || '.' WHERE email = 'Person1@example.org'")
        yield


def driven_to(target: Target, number: int, at: str) -> BaseProcess:
    """Drives the run in a process of its own, until its build has reached a phase."""
    process = PROCESSES.Process(target=drive_alone, args=(target.url, number))
    process.start()
    wait_until(lambda: phase(target) == at)
    return process


def kill(process: BaseProcess) -> None:
    process.kill()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def killed_at(target: Target, number: int, at: str) -> int:
    """Drives the run in a process that is killed when its build has reached a phase; the pid of its backend."""
    process = driven_to(target, number, at)
    orphan: int = ask(target, "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()")
    kill(process)
    assert ask(target, LIVES, orphan) == 1
    return orphan


@pytest.mark.parametrize("at", PHASES)
def test_an_orphan_that_died_leaves_an_invalid_index_that_is_mended(sample: Target, at: str) -> None:
    """FM-A3, F20: the journal says what was meant, the catalog how far it came."""
    number = begun(sample, online())
    with in_the_way(sample, at):
        orphan = killed_at(sample, number, at)
        step = look(sample, number).steps[0]
        assert (step.state, step.progress["intent"]) == ("running", {"line": 1, "statement": CREATE})
        wait_until(lambda: not ask(sample, LIVES, orphan))
    assert ask(sample, VALID) is False
    drive(sample, lambda here: journey.resume(here, number))
    assert (ask(sample, VALID), state(sample, number)) == (True, "done")
    assert mended(sample, number) == ["person_email"]
    assert look(sample, number).steps[0].progress["intent"] is None


@pytest.mark.parametrize("at", PHASES)
def test_a_console_that_comes_while_the_orphan_builds_waits_for_it(sample: Target, at: str) -> None:
    """FM-A4, FM-A5: the orphan's backend holds the lock for as long as it lives."""
    number = begun(sample, online())
    with ThreadPoolExecutor() as pool:
        with in_the_way(sample, at):
            orphan = killed_at(sample, number, at)
            resuming = pool.submit(drive, sample, lambda here: journey.resume(here, number))
            wait_until(lambda: ask(sample, DRIVER) not in (None, orphan))
            assert ask(sample, LIVES, orphan) == 0
        resuming.result()
    assert (ask(sample, VALID), state(sample, number)) == (True, "done")


@pytest.mark.parametrize("way", ["forward", "back"])
def test_what_was_built_when_the_console_died_is_the_steps_own(sample: Target, way: str) -> None:
    """FM-A3: the build ended, and nobody was there to say so."""
    number = begun(sample, online(CREATE, DROP))
    with in_the_way(sample, PHASES[0]):
        process = driven_to(sample, number, PHASES[0])
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
    wait_until(lambda: ask(sample, VALID))
    kill(process)
    if way == "forward":
        drive(sample, lambda here: journey.resume(here, number))
        assert (ask(sample, VALID), mended(sample, number)) == (True, None)
    drive(sample, lambda here: journey.back(here, number))
    assert ask(sample, "SELECT to_regclass('person_email')") is None


@pytest.mark.parametrize("at", PHASES)
def test_the_way_back_after_a_kill_clears_the_rubble(sample: Target, at: str) -> None:
    """FM-A3"""
    number = begun(sample, online(CREATE, DROP))
    with in_the_way(sample, at):
        orphan = killed_at(sample, number, at)
        wait_until(lambda: not ask(sample, LIVES, orphan))
    drive(sample, lambda here: journey.back(here, number))
    assert ask(sample, "SELECT to_regclass('person_email')") is None
    assert state(sample, number) == "rolled back"


@pytest.mark.newest
def test_a_build_waits_for_longer_than_the_lock_timeout(sample: Target) -> None:
    """F8: a lock_timeout would end the wait and leave rubble."""
    number = begun(sample, online())
    with ThreadPoolExecutor() as pool:
        with in_the_way(sample, PHASES[0]):
            driving = pool.submit(drive, sample, lambda here: journey.forward(here, number))
            wait_until(lambda: ask(sample, WAITED, EXECUTOR_SETTINGS["lock_timeout"]) or driving.done())
        driving.result()
    assert mended(sample, number) is None
