"""What is looked at before a run: every finding has its real cause here, on a real server."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from console.cli import main
from console.engine import preflight, reading
from console.engine.doctor import Finding
from console.engine.plan import Plan
from console.engine.preflight import disk, sessions
from console.engine.preflight import server as server_itself
from console.engine.preflight.sessions import of_sessions
from db import postgres
from db.binaries import server_programs
from db.queries.health import SessionRow
from db.server_account import run, server_account
from db.session import Target
from tests.driving import ONE_STEP, ask, session_of, tiny
from tests.servers import Server, server_folder, wait_until

FILL = """
id = "fill"
kind = "backfill"
table = "person"
key = "id"
set = "email = lower(r.email)"
where = "r.email <> lower(r.email)"
undo = "-- nothing to undo: case"
"""
COPY = """
id = "copy"
kind = "backfill"
table = "person"
key = "id"
into = "copied"
columns = { id = "r.id", email = "r.email" }
undo = "TRUNCATE copied"
"""
ELSEWHERE = "127.0.0.2"  # who connects to it does so from 127.0.0.1
BACKUP = '\nid = "dump"\nkind = "backup"\n'
SQL = '\nid = "one"\nkind = "sql"\nsql = "ALTER TABLE person ADD COLUMN a int"\nundo = "-- none"\n'


def looked(target: Target, plan: Plan | None = None) -> list[Finding]:
    with target.executor_connection("test") as connection, connection.begin():
        return preflight.findings(connection, target, plan or tiny(FILL))


def about(target: Target, about: str, plan: Plan | None = None) -> list[tuple[str, str, str]]:
    return [(one.state, one.found, one.hint) for one in looked(target, plan) if one.about == about]


def told(target: Target, plan: Plan | None = None) -> str:
    return "\n".join(preflight.told(looked(target, plan)))


def wanting(*extensions: str) -> Plan:
    plan = ONE_STEP.replace('title = "Tiny"', f'title = "Tiny"\nextensions = {json.dumps(extensions)}') + FILL
    return reading.parse(plan, "tiny.toml", lambda name: "")


@contextmanager
def as_login(target: Target, name: str) -> Iterator[Target]:
    """The target, reached with a login that may do nothing yet."""
    ask(target, f"CREATE ROLE {name} LOGIN")
    other = Target(target.url.replace("postgres@", f"{name}@"))
    try:
        yield other
    finally:
        ask(target, f"DROP OWNED BY {name}")
        ask(target, f"DROP ROLE {name}")


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


@pytest.mark.newest
def test_a_session_that_may_only_read_is_refused(sample: Target) -> None:
    """FM-B2"""
    name = ask(sample, "SELECT current_database()")
    ask(sample, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert ("wrong", "its transactions are read-only") in [found[:2] for found in about(sample, "server")]


@pytest.mark.newest
def test_an_extension_that_the_plan_needs_must_be_there(sample: Target) -> None:
    ((state, found, hint),) = about(sample, "extension vector", wanting("vector"))
    assert (state, found, hint) == ("wrong", "not created here", 'CREATE EXTENSION "vector"')
    ask(sample, hint)
    assert about(sample, "extension vector", wanting("vector")) == [("ok", "yes", "")]
    ((state, found, _),) = about(sample, "extension no_such", wanting("no_such"))
    assert (state, found) == ("wrong", "the server does not have it")
    assert not any(one.about.startswith("extension") for one in looked(sample))


def test_a_backfill_needs_its_rights_before_it_begins(sample: Target) -> None:
    """FM-P14: each hint, carried out, gives what was missing; the owner has it all."""
    ask(sample, "CREATE SCHEMA apart; CREATE TABLE apart.copied (id uuid PRIMARY KEY, email text)")
    plan = tiny(COPY.replace('"copied"', '"apart.copied"'))
    assert not [one for one in looked(sample, plan) if one.state == "wrong"]
    with as_login(sample, "clerk") as clerk:
        found = {one.about: one for one in looked(clerk, plan) if one.state == "wrong"}
        assert (found["right: public.person"].found, found["right: apart.copied"].found) == (
            "no SELECT, UPDATE", "no INSERT, SELECT",
        )  # fmt: skip
        assert {"right: schema apart", "right: journal"} <= set(found)
        assert {one.exit_code for one in found.values()} == {6}
        for one in found.values():
            ask(sample, one.hint)
        assert not [one for one in looked(clerk, plan) if one.state == "wrong" and one.about != "right: journal"]


@pytest.mark.newest
def test_a_member_of_the_owner_needs_no_grant(sample: Target) -> None:
    with as_login(sample, "owns") as owner, as_login(sample, "belongs") as member:
        ask(sample, "ALTER TABLE person OWNER TO owns")
        assert about(member, "right: public.person") == [
            ("wrong", "no SELECT, UPDATE", "GRANT SELECT, UPDATE ON public.person TO belongs")
        ]
        ask(sample, "GRANT owns TO belongs")
        assert about(member, "right: public.person") == []
        assert about(owner, "right: public.person") == []


@pytest.mark.newest
def test_what_a_login_may_not_see_is_said_to_be_not_known(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LONG_SECONDS", 0.0)
    with as_login(sample, "blind") as blind, session_of(sample) as application:
        application.execute("SELECT 1")
        assert about(blind, "long transaction") == []
        ((state, found, hint),) = about(blind, "sessions")
        assert (state, found) == ("ok", "not known: this login sees no sessions but its own")
        assert about(blind, "disk of the server")[0][1].startswith("not known where it is")
        ask(sample, hint)
        assert about(blind, "sessions") == []
        assert len(about(blind, "long transaction")) == 1


@pytest.mark.newest
def test_the_disk_must_hold_a_rewritten_table_and_the_dump(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """FM-B3"""
    ((state, found, _),) = about(sample, "disk of the server", tiny(SQL))
    assert (state, found.endswith(" free, 1 MB needed")) == ("ok", True)
    assert about(sample, "disk for the dump", tiny(SQL)) == []
    ((_, found, _),) = about(sample, "disk of the server", tiny(BACKUP))
    bytes = ask(sample, "SELECT pg_database_size(current_database())")
    assert found.endswith(f" free, {-(-bytes // 1_000_000)} MB needed")
    assert about(sample, "disk for the dump", tiny(BACKUP))[0][1].endswith(f" {-(-bytes // 1_000_000)} MB needed")
    monkeypatch.setattr(disk, "REWRITES", 10**9)
    ((state, found, hint),) = about(sample, "disk of the server", tiny(SQL))
    assert (state, hint) == ("warning", "Make room before you begin")


def test_a_table_that_is_locked_is_not_waited_for(sample: Target) -> None:
    """FM-B9: who holds it is the very thing to tell; and nothing stays locked, no setting changed."""
    with session_of(sample) as application:
        application.execute("LOCK person")
        began = time.monotonic()
        assert about(sample, "disk of the server")[0][1] == "not known what is needed: a table of the plan is locked"
        assert time.monotonic() - began < 1.5
    with sample.executor_connection("test") as connection, connection.begin():
        preflight.findings(connection, sample, tiny(SQL))
        assert connection.scalar(text("SHOW lock_timeout")) == "2s"
        held = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'person'::regclass"
        assert connection.scalar(text(held)) == 0


@pytest.mark.newest
def test_a_partitioned_table_is_as_large_as_its_parts(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """FM-B3: the parent itself has not one page."""
    monkeypatch.setattr(disk, "REWRITES", 10**9)
    ask(sample, "CREATE TABLE copied (id uuid PRIMARY KEY, email text) PARTITION BY HASH (id)")
    ask(sample, "CREATE TABLE part PARTITION OF copied FOR VALUES WITH (MODULUS 1, REMAINDER 0)")
    ask(sample, "INSERT INTO copied SELECT id, repeat(email, 20) FROM person")
    parts = ask(sample, "SELECT pg_total_relation_size('part')")
    assert parts > ask(sample, "SELECT pg_total_relation_size('person')")
    ((_, found, _),) = about(sample, "disk of the server", tiny(COPY))
    assert found.endswith(f" {parts:.1f} GB needed")


@pytest.mark.newest
def test_a_slot_that_nobody_reads_keeps_wal(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """FM-B12"""
    ask(sample, "SELECT pg_create_physical_replication_slot('forgotten', true)")
    try:
        ask(sample, "CREATE TABLE more AS TABLE person")
        assert about(sample, "replication slot") == []
        monkeypatch.setattr(server_itself, "SLOT_BYTES", 0)
        ((state, found, hint),) = about(sample, "replication slot")
        assert (state, bool(re.fullmatch(r"forgotten keeps \d+ MB of WAL", found))) == ("warning", True)
    finally:
        ask(sample, "SELECT pg_drop_replication_slot('forgotten')")
    assert hint.endswith("SELECT pg_drop_replication_slot('forgotten')")


@pytest.fixture(scope="module")
def careful() -> Iterator[Target]:
    """A server of its own with durable settings, prepared transactions, and an archive that does not work."""
    with server_folder() as folder:
        target = Target(postgres.start(18, folder).url("postgres"))
        for setting in ("max_prepared_transactions = 5", "archive_mode = on", "archive_command = '/bin/false'"):
            ask(target, f"ALTER SYSTEM SET {setting}")
        postgres.stop(18, folder)
        postgres.start(18, folder)
        ask(target, "CREATE TABLE person (id uuid PRIMARY KEY, email text)")
        yield target


def test_a_prepared_transaction_is_named_with_the_way_to_end_it(careful: Target) -> None:
    """FM-B9: it holds its locks with no session at all."""
    assert about(careful, "prepared transaction") == []
    ask(careful, "BEGIN; LOCK person; PREPARE TRANSACTION 'o''clock \x1b[31m'")
    ((state, found, hint),) = about(careful, "prepared transaction")
    assert (state, found) == ("warning", "o'clock ␛[31m of postgres, 0 s old")
    assert hint == "End it: COMMIT PREPARED 'o''clock ␛[31m' or ROLLBACK PREPARED 'o''clock ␛[31m'"
    ask(careful, "ROLLBACK PREPARED 'o''clock \x1b[31m'")
    assert about(careful, "prepared transaction") == []


def test_a_prepared_transaction_of_another_database_is_not_ours(careful: Target) -> None:
    """FM-B9"""
    ask(careful, "CREATE DATABASE other")
    with psycopg.connect(careful.url.replace("/postgres?", "/other?"), autocommit=True) as other:
        other.execute("BEGIN; CREATE TABLE a (); PREPARE TRANSACTION 'theirs'")
        assert about(careful, "prepared transaction") == []
        other.execute("ROLLBACK PREPARED 'theirs'")


def test_wal_that_cannot_be_archived_is_told(careful: Target) -> None:
    """FM-B12"""
    ask(careful, "SELECT pg_switch_wal()")
    wait_until(lambda: ask(careful, "SELECT failed_count > 0 FROM pg_stat_archiver"))
    assert about(careful, "WAL archiving")[0][:2] == ("warning", "the last try failed")
    ask(careful, "ALTER SYSTEM SET archive_command = '/bin/true'")
    ask(careful, "SELECT pg_reload_conf()")
    ask(careful, "CREATE TABLE IF NOT EXISTS archived (); SELECT pg_switch_wal()")
    wait_until(lambda: ask(careful, "SELECT last_archived_time > last_failed_time FROM pg_stat_archiver"))
    assert about(careful, "WAL archiving") == []


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_settings_that_a_power_cut_would_avenge(careful: Target, setting: str) -> None:
    """FM-B11"""
    assert about(careful, setting) == []
    ask(careful, f"ALTER SYSTEM SET {setting} = off")
    ask(careful, "SELECT pg_reload_conf()")
    wait_until(lambda: ask(careful, f"SHOW {setting}") == "off")
    assert about(careful, setting)[0][:2] == ("warning", "off: a power cut may destroy the database")
    ask(careful, f"ALTER SYSTEM RESET {setting}")
    ask(careful, "SELECT pg_reload_conf()")


def test_corruption_is_said_not_to_be_looked_for(sample: Target, server: Server) -> None:
    """FM-B11: initdb turns checksums on since 18."""
    ((state, found, hint),) = about(sample, "data checksums")
    assert (state, found.split(":")[0]) == ("ok", "on" if server.version >= 18 else "off")
    assert hint.startswith("pg_amcheck is not run")


@contextmanager
def standby(primary: Server, folder: Path) -> Iterator[Target]:
    """A replica of the server, on a socket in its own folder and at an address that is not ours."""
    with socket.socket() as free:
        free.bind((ELSEWHERE, 0))
        port = free.getsockname()[1]
    programs, account = server_programs(primary.version), server_account(primary.embedded.pgdata)
    if not (programs / "pg_basebackup").exists():
        pytest.skip("pg_basebackup is not installed here")
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    copy = folder / "copy"
    source = f"host={primary.embedded.sockets} port=5432 user=postgres application_name=copy"
    made = run(
        [programs / "pg_basebackup", "-D", copy, "-d", source, "-c", "fast", "-R", "-X", "stream"], account, folder
    )
    assert made.returncode == 0, made.stderr
    settings = f"-p {port} -k {folder} -c listen_addresses={ELSEWHERE} -c max_connections=200"
    control: list[str | Path] = [programs / "pg_ctl", "-D", copy, "-w"]
    started = run([*control, "-l", folder / "log", "-o", settings, "start"], account, folder)
    assert started.returncode == 0, (folder / "log").read_text()
    try:
        yield Target(f"postgresql://postgres@/postgres?host={folder}&port={port}")
    finally:
        run([*control, "-m", "immediate", "stop"], account, folder)


def test_a_replica_is_refused_and_its_lag_is_told(
    server: Server, sample: Target, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FM-B2, FM-B12"""
    with standby(server, folder) as copy:
        assert about(copy, "server")[1] == ("wrong", "this is a replica", "Connect to its primary")
        assert about(copy, "disk of the server")[0][1].endswith(" free, 0 MB needed")
        far = Target(copy.url.replace(f"host={folder}", f"host={ELSEWHERE}"))
        assert about(far, "disk of the server")[0][:2] == (
            "ok", "not known: the server is on another machine; 0 MB needed",
        )  # fmt: skip
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"))
        assert about(sample, "replica") == []
        ask(copy, "SELECT pg_wal_replay_pause()")
        wait_until(lambda: ask(copy, "SELECT pg_get_wal_replay_pause_state()") == "paused")
        ask(sample, "CREATE TABLE more AS TABLE person")
        assert about(sample, "replica") == []
        monkeypatch.setattr(server_itself, "LAG_BYTES", 100_000)
        ((state, found, _),) = about(sample, "replica")
        assert (state, found.startswith("copy (local) is 1 MB")) == ("warning", True)
        with as_login(sample, "blinder") as blind:
            assert about(blind, "replica")[0][:2] == ("ok", "not known how far copy is behind")
        monkeypatch.setattr(server_itself, "LAG_SECONDS", 0.0)
        ask(copy, "SELECT pg_wal_replay_resume()")
        wait_until(lambda: about(sample, "replica") and about(sample, "replica")[0][1].endswith(" MB and 0 s behind"))
        monkeypatch.undo()
        assert about(sample, "replica") == []


@pytest.mark.newest
def test_doctor_tells_what_a_run_of_a_plan_would_meet(sample: Target, capsys: pytest.CaptureFixture[str]) -> None:
    plans = Path(__file__).parent / "plans"
    words = ["--target", sample.url, "--plans", str(plans), "doctor"]
    assert main([*words, "--plan", "small"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert main(words) == 0
    assert lines[: len(capsys.readouterr().out.splitlines())] != lines
    assert len(set(lines)) == len(lines)
    assert any("disk of the server" in line for line in lines)
    ask(sample, "ALTER TABLE handrail.verdict SET UNLOGGED")
    assert main([*words, "--plan", "small", "--json"]) == 6
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (wrong,) = [document for document in documents if document["state"] == "wrong"]
    assert (wrong["about"], wrong["hint"]) == ("unlogged table", "ALTER TABLE handrail.verdict SET LOGGED")
    assert main([*words, "--plan", "smal"]) == 2
    assert "Did you mean small?" in capsys.readouterr().err
