"""What is looked at before a run: every finding has its real cause here, on a real server."""

from __future__ import annotations

import threading
from contextlib import suppress

import psycopg
import pytest

from console.engine import preflight
from console.engine.plan import Plan
from console.engine.preflight import server as server_itself
from console.engine.preflight import sessions
from console.engine.preflight.sessions import of_sessions
from db.queries.health import SessionRow
from db.session import Target
from tests.driving import ask, session_of, tiny
from tests.engine.looking import COPY, SQL, about, as_login, looked, told
from tests.servers import Server, wait_until


def test_a_sound_database_has_nothing_wrong(sample: Target, small: Plan) -> None:
    found = looked(sample, small)
    assert [one for one in found if one.state == "wrong"] == []
    # the tests' servers are in haste; that is the only thing to say
    assert {one.about for one in found if one.state == "warning"} <= {"fsync", "full_page_writes"}
    assert about(sample, "server")[0][1].startswith("PostgreSQL 1")


def test_a_transaction_that_is_long_open_is_named(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """FM-B9: with pid, login, application, state and age."""
    with session_of(sample) as application:
        application.execute("SELECT 1 FROM person LIMIT 1")
        assert about(sample, "long transaction") == []
        monkeypatch.setattr(sessions, "LONG_SECONDS", 0.0)
        wait_until(lambda: "idle in transaction for" in told(sample))
        pid = application.info.backend_pid
        assert told(sample).splitlines()[-1] == (
            f"warning: long transaction: pid {pid} postgres (application) idle in transaction for 0 s. "
            f"Wait until it has ended, or end it: SELECT pg_terminate_backend({pid})"
        )
    assert about(sample, "long transaction") == []


@pytest.mark.newest
def test_many_long_transactions_are_cut_at_five(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LONG_SECONDS", 0.0)
    applications = [psycopg.connect(sample.url) for _ in range(8)]
    for application in applications:
        application.execute("SELECT 1")
    try:
        found = about(sample, "long transaction")
        assert (len(found), found[-1][1]) == (6, "and 3 more")
    finally:
        for application in applications:
            application.close()


@pytest.mark.newest
def test_names_from_outside_do_not_reach_the_terminal_raw(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-10"""
    monkeypatch.setattr(sessions, "LONG_SECONDS", 0.0)
    ask(sample, 'CREATE TABLE "a\x1b[31m\n" (id int)')
    ask(sample, 'ALTER TABLE "a\x1b[31m\n" ADD CONSTRAINT "k\u202e" CHECK (id > 0) NOT VALID')
    lines = preflight.told(looked(sample))
    assert any("NOT VALID" in line for line in lines)
    assert all(line.isprintable() for line in lines)


def test_a_vacuum_to_prevent_wraparound_does_not_give_way() -> None:
    """FM-B10: a row written by hand, since a real one needs two thousand million transactions."""
    query = "autovacuum: VACUUM public.person (to prevent wraparound)"
    row = SessionRow(4711, "", "", "autovacuum worker", "active", query, 3725.0)
    assert preflight.told(of_sessions([row])) == [
        "warning: vacuum to prevent wraparound: pid 4711 vacuums public.person for 1:02:05. "
        "It does not give way to a lock as other vacuums do: wait until it has ended"
    ]
    other = SessionRow(4711, "", "", "autovacuum worker", "active", "autovacuum: VACUUM public.person", 3725.0)
    assert of_sessions([other]) == []


@pytest.mark.newest
def test_a_database_near_wraparound_is_told(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """FM-B10"""
    assert about(sample, "wraparound") == []
    monkeypatch.setattr(server_itself, "FROZEN_AGE", 0)
    ((state, found, _),) = about(sample, "wraparound")
    assert (state, found.endswith("since the database was frozen")) == ("warning", True)


def test_invalid_indexes_are_left_over(sample: Target) -> None:
    """FM-H3: a failed unique build leaves one, and so does a failed REINDEX."""
    assert "INVALID" not in told(sample)
    ask(sample, "INSERT INTO person (email) VALUES ('twice'), ('twice')")
    with suppress(psycopg.errors.UniqueViolation):
        ask(sample, "CREATE UNIQUE INDEX CONCURRENTLY person_once ON person (email)")
    ((state, found, hint),) = about(sample, "INVALID index")
    assert (state, found) == ("warning", "public.person_once")
    assert hint == "DROP INDEX CONCURRENTLY public.person_once, then build it anew"
    with suppress(psycopg.errors.UniqueViolation):
        ask(sample, "REINDEX INDEX CONCURRENTLY person_once")
    ((state, found, hint),) = about(sample, "left by REINDEX")
    assert (state, found) == ("warning", "public.person_once_ccnew")
    ask(sample, hint.split(";")[0])
    assert about(sample, "left by REINDEX") == []


def test_an_index_that_is_being_built_is_not_left_over(sample: Target) -> None:
    """Until its build is cut off."""
    invalid = "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('person_built')"
    build = threading.Thread(target=cut_off, args=(sample, "CREATE INDEX CONCURRENTLY person_built ON person (email)"))
    with session_of(sample) as application:
        application.execute("INSERT INTO person (email) VALUES ('under way')")
        build.start()
        wait_until(lambda: ask(sample, invalid))
        assert about(sample, "INVALID index") == []
        with as_login(sample, "glances") as blind:
            assert about(blind, "INVALID index") == []
        ask(sample, "SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index")
        build.join()
    assert [found for _, found, _ in about(sample, "INVALID index")] == ["public.person_built"]


def cut_off(target: Target, statement: str) -> None:
    with suppress(psycopg.errors.QueryCanceled):
        ask(target, statement)


def test_constraints_that_were_never_validated_are_named_and_cut(sample: Target) -> None:
    for number in range(7):
        ask(sample, f"ALTER TABLE person ADD CONSTRAINT k{number} CHECK (email <> '{number}') NOT VALID")
    ((state, found, hint),) = about(sample, "NOT VALID constraint")
    assert (state, found.startswith("public.person.k0, "), found.endswith(" and 2 more")) == ("warning", True, True)
    ask(sample, hint.partition(": ")[2])
    ((_, found, _),) = about(sample, "NOT VALID constraint")
    assert "k0" not in found


def test_a_constraint_that_is_not_enforced_is_meant(server: Server, sample: Target) -> None:
    if server.version < 18:
        pytest.skip("NOT ENFORCED is new in 18")
    ask(sample, "ALTER TABLE person ADD CONSTRAINT hint CHECK (email <> '') NOT ENFORCED")
    assert about(sample, "NOT VALID constraint") == []


def test_unlogged_tables_are_emptied_by_a_crash(sample: Target) -> None:
    """FM-B8: handrail's own are refused, those that a backfill writes are named."""
    ask(sample, "CREATE UNLOGGED TABLE copied (id uuid PRIMARY KEY, email text)")
    assert about(sample, "unlogged table") == []
    ((state, found, hint),) = about(sample, "unlogged table", tiny(COPY))
    assert (state, found) == ("warning", "public.copied is emptied by a crash of the server")
    ask(sample, hint)
    assert about(sample, "unlogged table", tiny(COPY)) == []
    ask(sample, "ALTER TABLE handrail.verdict SET UNLOGGED")
    ((state, found, _),) = about(sample, "unlogged table")
    assert (state, found) == ("wrong", "handrail.verdict is emptied by a crash of the server")


@pytest.mark.newest
def test_an_unlogged_table_that_no_backfill_writes_is_its_owners_affair(sample: Target) -> None:
    ask(sample, "ALTER TABLE person SET UNLOGGED")
    assert about(sample, "unlogged table", tiny(SQL)) == []


def test_an_unlogged_part_of_a_table_is_found(sample: Target) -> None:
    """FM-B8"""
    ask(sample, "CREATE TABLE copied (id uuid PRIMARY KEY, email text) PARTITION BY HASH (id)")
    ask(sample, "CREATE UNLOGGED TABLE part PARTITION OF copied FOR VALUES WITH (MODULUS 1, REMAINDER 0)")
    assert [state for state, _, _ in about(sample, "unlogged table", tiny(COPY))] == ["warning"]
