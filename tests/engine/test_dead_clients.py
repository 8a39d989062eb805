"""What a console that was killed leaves on the server: no statement of it lives on (FM-A4)."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from console.engine import executor, journey, retrying
from db.errors import ConnectionFailed
from db.session import Target
from tests.crash.faults import PROCESSES, cut
from tests.crash.moments import go
from tests.driving import ask, begun, drive, session_of, state, states
from tests.engine.patient import PATIENT, sending
from tests.online import NOTHING, online
from tests.servers import wait_until

pytestmark = pytest.mark.newest  # it is not the server that decides

WAITS = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'person'::regclass"
LIVES = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
COLUMN = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'person'::regclass AND attname = 'orphan'"
SET = {
    "client_connection_check_interval": "1s",
    "idle_in_transaction_session_timeout": "1min",
    "synchronous_commit": "on",
}


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
