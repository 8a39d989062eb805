"""handrail itself is in nobody's way: no old snapshot, no idle transaction, no skipped rows (FM-C4, FM-C5, FM-C8)."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from console.engine import blocking, executor, journey, retrying, wishes
from console.engine.executor import Executor
from db.queries import activity, runs
from db.session import Target
from tests.driving import ask, begun, events, kinds, look, session_of, state, tiny
from tests.online import online, phase
from tests.servers import wait_until

ROOT = Path(__file__).parent.parent.parent
OURS = """
    FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'handrail%'
      AND pid <> pg_backend_pid()
"""
PHASES = ["waiting for writers before build", "waiting for old snapshots"]


@contextmanager
def held(target: Target, at: str) -> Iterator[psycopg.Connection]:
    """An application that keeps an index build waiting in one of its phases."""
    with session_of(target) as application:
        if at == "waiting for old snapshots":
            application.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            application.execute("SELECT count(*) FROM handrail.target")
        else:
            application.execute("UPDATE person SET email = email || '.' WHERE email = 'Person1@example.org'")
        yield application


@contextmanager
def watched(target: Target, number: int) -> Iterator[list[None]]:
    """Somebody looks at the run all the time, with every question that a screen or `handrail status` asks."""
    over, looks = threading.Event(), list[None]()

    def look_on() -> None:
        while not over.is_set():
            with target.session() as session:
                row = journey.found(session, number)
                driver = activity.driver(session)
                if driver:
                    activity.index_build(session, driver.pid)
                blocking.in_the_way(session, row, runs.events(session, number, 1))
                blocking.made_to_wait(session, row)
            looks.append(None)

    with ThreadPoolExecutor() as pool:
        looking = pool.submit(look_on)
        try:
            yield looks
        finally:
            over.set()
        looking.result()


@contextmanager
def driven(target: Target, number: int) -> Iterator[None]:
    """In a thread; it has ended at the end."""
    there: list[Executor] = []

    def go() -> None:
        with executor.at(target) as here:
            there.append(here)
            journey.forward(here, number)

    with ThreadPoolExecutor() as pool:
        driving = pool.submit(go)
        try:
            yield
        except BaseException:
            there[0].cancel()
            raise
        driving.result()


@pytest.mark.parametrize("at", PHASES)
def test_no_session_of_ours_keeps_a_snapshot_while_an_index_is_built(sample: Target, at: str) -> None:
    """FM-C4: but for the builder's own. A question has one until its transaction ends, also where it is idle in READ
    COMMITTED: the driver's unnamed portal keeps it. So none may be older than a moment, and an idle session has none."""
    number = begun(sample, online())
    with held(sample, at) as application, driven(sample, number), watched(sample, number) as looks:
        wait_until(lambda: phase(sample) == at)
        builder = ask(sample, "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()")
        began = ask(sample, "SELECT clock_timestamp()")
        others = f"{OURS} AND pid <> {builder} AND backend_xmin IS NOT NULL"
        while ask(sample, "SELECT clock_timestamp() < %s + interval '2 s'", began):
            assert ask(sample, f"SELECT count(*) {others} AND state = 'idle'") == 0
            assert ask(sample, f"SELECT count(*) {others} AND xact_start < clock_timestamp() - interval '1 s'") == 0
        assert len(looks) > 10
        application.rollback()
    assert state(sample, number) == "done"


def test_the_watch_on_those_who_wait_is_no_transaction(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """FM-C4: while a step waits for its lock, the session that sees for whom is idle between two looks."""
    monkeypatch.setattr(retrying, "LADDER", ((60.0, 0.0), (60.0, 0.0)))
    number = begun(sample, tiny(ALTER))
    watch = f"SELECT count(*) {OURS} AND application_name = 'handrail: watch'"
    with session_of(sample) as application:
        application.execute("SELECT 1 FROM person LIMIT 1")
        with driven(sample, number):
            wait_until(lambda: ask(sample, f"{watch} AND state = 'idle' AND backend_xmin IS NULL"))
            for _ in range(200):
                assert ask(sample, f"{watch} AND state LIKE 'idle in%'") == 0
            application.rollback()
    assert state(sample, number) == "done"


def test_between_two_tries_the_executor_holds_nothing(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """FM-C5, I-8: it leaves the application alone, and its own backend is in no transaction while it rests."""
    monkeypatch.setattr(retrying, "LADDER", ((0.1, 600.0), (0.1, 0.0)))
    number = begun(sample, tiny(ALTER))
    with session_of(sample) as application:
        application.execute("SELECT 1 FROM person LIMIT 1")
        with driven(sample, number):
            wait_until(lambda: "tried again" in kinds(sample, number))
            at = next(said.at for said in events(sample, number) if said.kind == "tried again")
            wait_until(lambda: ask(sample, "SELECT clock_timestamp() > %s + interval '1 s'", at))
            pid = look(sample, number).steps[0].pid
            rests = (
                "SELECT coalesce(clock_timestamp() - xact_start, '0') < '0.5 s' FROM pg_stat_activity WHERE pid = %s"
            )
            assert ask(sample, rests, pid) is True
            assert (
                ask(sample, "SELECT count(*) FROM pg_locks WHERE pid = %s AND relation = 'person'::regclass", pid) == 0
            )
            with sample.session() as session:
                wishes.ask_pause(session, number)
    assert state(sample, number) == "paused"


def test_no_rows_are_skipped_because_somebody_has_them(tmp_path: Path) -> None:
    """FM-C8: what a cursor has passed is not met again, so a batch waits for a locked row.

    The index of clients has no cursor: whom it leaves out stays noted, and comes with the next write.
    """
    texts = [path for folder in ("console", "db", "migrations") for path in (ROOT / folder).rglob("*.*")
             if "search" not in path.parts]  # fmt: skip
    found = [path for path in texts if path.suffix in (".py", ".sql", ".toml", ".mako") and skips(path)]
    assert len(texts) > 100
    assert found == []
    (tmp_path / "one.sql").write_text("SELECT 1 FROM person FOR UPDATE\n  skip  LOCKED")
    assert skips(tmp_path / "one.sql")


def skips(path: Path) -> bool:
    return re.search(r"skip\s+locked", path.read_text(encoding="utf-8"), re.IGNORECASE) is not None


ALTER = """\
id = "one"
kind = "sql"
lock_timeout = "60s"
sql = "ALTER TABLE person ADD COLUMN a int"
undo = "ALTER TABLE person DROP COLUMN a"
"""
