"""What is looked at before a run: rights, extensions, disk, replication slots; and how doctor tells it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from console.cli import main
from console.engine import preflight
from console.engine.preflight import disk, sessions
from console.engine.preflight import server as server_itself
from db.session import Target
from tests.driving import ask, session_of, tiny
from tests.engine.looking import BACKUP, COPY, SQL, about, as_login, looked, wanting


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
        assert {"right: schema apart", "right: run plans"} <= set(found)
        assert {one.exit_code for one in found.values()} == {6}
        for one in found.values():
            ask(sample, one.hint)
        assert not [one for one in looked(clerk, plan) if one.state == "wrong"]


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
