"""blockers: who is in the way, who waits, and ending one of those (UX-O10, I-8)."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from db import postgres
from db.session import Target
from tests.commands.calling import SLEEP, SLEEPS, WRITE, at_terminal, of_its_own, plans, started
from tests.driving import ask, begun, kinds, session_of, state, tiny
from tests.servers import server_folder, wait_until

pytestmark = pytest.mark.newest

ONE_LONG_TRY = "from console.engine import retrying; retrying.LADDER = ((60.0, 0.1), (60.0, 0.0))"
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
READS = "SELECT count(*)\nFROM person -- \x1b[31m" + "x" * 200


@contextmanager
def blocked(target: Target, folder: Path) -> Iterator[tuple[subprocess.Popen[str], psycopg.Connection]]:
    """A run whose step waits for the lock of another session."""
    with closing(psycopg.connect(target.url, application_name="application")) as application:
        application.execute(READS.encode())
        words = ("--plans", plans(folder, WRITE), "run", "slow", "--yes")
        with started(target, *words, first=ONE_LONG_TRY) as process:
            wait_until(lambda: ask(target, WAITS))
            yield process, application


def test_who_is_in_the_way_and_who_waits_is_listed(handrail: Any, sample: Target, tmp_path: Path) -> None:
    """UX-O10, I-10"""
    with blocked(sample, tmp_path) as (_, application):
        pid = application.info.backend_pid
        said = handrail("--target", sample.url, "blockers")
        assert said.code == 0
        who, query = said.out.splitlines()
        assert who.startswith(f"in the way: pid {pid}, postgres, application, idle in transaction, for ")
        assert " s, since " in who
        assert who.endswith("holds AccessShare on person")
        assert query.startswith("  last query: SELECT count(*) FROM person -- ␛[31mxxx")
        assert len(query) < 120

        (document,) = handrail("--target", sample.url, "blockers", "1", "--json").documents
        (blocker,) = document["blockers"]
        assert (blocker["pid"], blocker["application"]) == (pid, "application")
        assert document["waiting"] == {"sessions": 0, "seconds": 0.0}
        lines = handrail("--target", sample.url, "status").out.splitlines()
        assert who.split(", for")[0] in [line.split(", for")[0] for line in lines]


def test_those_who_wait_for_the_step_are_counted(handrail: Any, sample: Target, tmp_path: Path) -> None:
    """I-8: the step has its lock and works on; a reader waits behind it."""
    ask(sample, "INSERT INTO person (email) VALUES ('slow')")
    folder = plans(tmp_path, f"LOCK TABLE person IN ACCESS EXCLUSIVE MODE; {SLEEP}")
    with started(sample, "--plans", folder, "run", "slow", "--yes"), session_of(sample) as reader:
        wait_until(lambda: ask(sample, SLEEPS))
        with waiting(reader, "SELECT 1 FROM person"):
            wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_locks WHERE NOT granted"))
            said = handrail("--target", sample.url, "blockers")
        assert said.out.splitlines()[0] == "Nobody is in the way."
        assert said.out.splitlines()[1].startswith("behind it: 1 session waits for this step, the longest for ")


@contextmanager
def waiting(session: psycopg.Connection, statement: str) -> Iterator[None]:
    """While a session waits in a statement; it is cancelled at the end."""

    def wait() -> None:
        with suppress(psycopg.Error):
            session.execute(statement.encode())

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        session.cancel_safe()
        thread.join()


def test_nobody_is_in_the_way(handrail: Any, sample: Target) -> None:
    begun(sample, tiny('id = "one"\nkind = "sql"\nsql = "SELECT 1"\nundo = "-- nothing to undo: it reads"'))
    said = handrail("--target", sample.url, "blockers")
    assert (said.code, said.out) == (0, "Nobody is in the way.\n")
    (document,) = handrail("--target", sample.url, "blockers", "--json").documents
    assert (document["blockers"], document["waiting"]["sessions"]) == ([], 0)


def test_a_script_ends_the_session_in_the_way_with_yes(handrail: Any, sample: Target, tmp_path: Path) -> None:
    """UX-O10: the run goes on at once; who was ended stands in the journal."""
    with blocked(sample, tmp_path) as (process, application):
        pid = application.info.backend_pid
        refused = handrail("--target", sample.url, "blockers", "--terminate", str(pid))
        assert (refused.code, "give --yes" in refused.err) == (2, True)
        assert ask(sample, WAITS) == 1
        said = handrail("--target", sample.url, "blockers", "--terminate", str(pid), "--yes")
        assert (said.code, said.out) == (0, f"Session {pid}: it is terminated.\n")
        process.communicate(timeout=30)
    assert (process.returncode, state(sample, 1)) == (0, "done")
    assert "blocker terminated" in kinds(sample, 1)


def test_a_cancel_is_asked_for_at_a_terminal_and_names_its_effect(sample: Target, tmp_path: Path) -> None:
    """UX-O10, level 2: n does nothing, y cancels; a session without a statement is said to have none."""
    with blocked(sample, tmp_path) as (_, application):
        pid = application.info.backend_pid
        said = at_terminal(sample, "n\n", "blockers", "--cancel", str(pid))
        assert (said.code, said.out) == (0, "")
        assert "runs no statement now, so a cancel changes nothing; --terminate ends it. Go on? [y/N]" in said.err
        assert "Nothing was done." in said.err
        assert "blocker cancelled" not in kinds(sample, 1)
        said = at_terminal(sample, "y\n", "blockers", "--cancel", str(pid), "--plain")
        assert (said.code, said.out) == (0, f"Session {pid}: its statement is cancelled.\n")
        assert "blocker cancelled" in kinds(sample, 1)


def test_a_statement_that_is_in_the_way_is_cancelled(handrail: Any, sample: Target, tmp_path: Path) -> None:
    """UX-O10: its transaction fails, the session stays, and the run goes on."""
    with blocked(sample, tmp_path) as (process, application):
        with waiting(application, "SELECT pg_sleep(600)"):
            wait_until(lambda: ask(sample, SLEEPS))
            pid = str(application.info.backend_pid)
            said = handrail("--target", sample.url, "blockers", "--cancel", pid, "--yes", "--json")
            wait_until(lambda: not ask(sample, SLEEPS))
        assert (said.code, said.documents[0]["event"]) == (0, "blocker cancelled")
        application.rollback()
        process.communicate(timeout=30)
    assert (process.returncode, state(sample, 1)) == (0, "done")


def test_who_is_not_in_the_way_is_left_alone(handrail: Any, sample: Target, tmp_path: Path) -> None:
    with blocked(sample, tmp_path), session_of(sample) as other:
        pid = other.info.backend_pid
        said = handrail("--target", sample.url, "blockers", "--terminate", str(pid), "--yes")
        assert (said.code, said.err) == (
            6, f"handrail: Session {pid} is not in the way of run 1. See: handrail blockers 1\n"
        )  # fmt: skip
        other.execute("SELECT 1")


def test_a_login_that_may_not_end_it_is_told_so(handrail: Any, sample: Target, tmp_path: Path) -> None:
    """The server shows such a login neither when a session began nor what it does."""
    ask(sample, "DO $$ BEGIN CREATE ROLE looker LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    ask(sample, "GRANT USAGE ON SCHEMA handrail TO looker; GRANT SELECT ON ALL TABLES IN SCHEMA handrail TO looker")
    looker = sample.url.replace("postgres@", "looker@")
    with blocked(sample, tmp_path) as (_, application):
        pid = application.info.backend_pid
        assert f"pid {pid}, postgres, application, not known" in handrail("--target", looker, "blockers").out
        said = handrail("--target", looker, "blockers", "--terminate", str(pid), "--yes")
        assert (said.code, "GRANT pg_read_all_stats, pg_signal_backend" in said.err) == (6, True)
        application.execute("SELECT 1")


def test_a_prepared_transaction_has_a_name_and_no_session(handrail: Any, tmp_path: Path) -> None:
    with server_folder() as folder:
        own = postgres.start(18, folder)
        ask(Target(own.url("postgres")), "ALTER SYSTEM SET max_prepared_transactions = 2")
        postgres.stop(18, folder)
        target = of_its_own(postgres.start(18, folder))
        with blocked(target, tmp_path) as (process, application):
            application.execute("PREPARE TRANSACTION 'left-behind'")
            said = handrail("--target", target.url, "blockers")
            assert said.out.startswith("in the way: left-behind, postgres, prepared transaction, for ")
            ask(target, "ROLLBACK PREPARED 'left-behind'")
            process.communicate(timeout=30)
            assert process.returncode == 0


def test_a_killed_executor_is_in_nobodys_queue(handrail: Any, sample: Target, tmp_path: Path) -> None:
    """FM-A1: the pid in the journal may be another session's by now."""
    with blocked(sample, tmp_path) as (process, _):
        process.kill()
        process.wait()
        wait_until(lambda: not ask(sample, WAITS))
        with session_of(sample) as stranger, session_of(sample) as holder:
            holder.execute("SELECT pg_advisory_xact_lock(1)")
            ask(sample, "UPDATE handrail.step_run SET pid = %s", stranger.info.backend_pid)
            with waiting(stranger, "SELECT pg_advisory_xact_lock(1)"):
                wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_locks WHERE NOT granted"))
                said = handrail("--target", sample.url, "blockers")
        assert (said.code, said.out) == (0, "Nobody is in the way.\n")
