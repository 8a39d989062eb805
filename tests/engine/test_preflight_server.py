"""What is looked at before a run, of the server itself: settings, prepared transactions, archive, replicas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from console.engine.preflight import server as server_itself
from db import postgres
from db.session import Target
from tests.driving import ask
from tests.engine.looking import about, as_login
from tests.servers import Server, server_folder, wait_until
from tests.standby import ELSEWHERE, standby


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
