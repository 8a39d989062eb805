"""REINDEX CONCURRENTLY: what an interrupted one left is dropped, and it is sent again (F10)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from console.engine import journey
from console.engine.online.reindexing import left_by
from db.session import Target
from tests.driving import ask, begun, done, drive, fingerprinted, session_of
from tests.online import NOTHING, cancel, invalidated, mended, online, phase
from tests.servers import wait_until

LONG = "e" * 63
SCENE = f"""
CREATE SCHEMA "Old";
CREATE TABLE "Old"."Letters" (id int CONSTRAINT "Key" PRIMARY KEY, body text);
CREATE INDEX {LONG} ON "Old"."Letters" (body);
INSERT INTO "Old"."Letters" SELECT n, n::text FROM generate_series(1, 1000) n;
CREATE TABLE other (id int CONSTRAINT other_ccnew PRIMARY KEY);
"""
INVALID = """SELECT coalesce(string_agg(name, ' ' ORDER BY name COLLATE "C"), '')
    FROM (SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid) AS found"""
RELFILE = "SELECT relfilenode FROM pg_class WHERE relname = 'Key'"
BLOCKERS = {
    "waiting for writers before build": 'UPDATE "Old"."Letters" SET body = body WHERE id = 1',
    "waiting for old snapshots": "SELECT 1 FROM person",
    "waiting for readers before marking dead": 'SELECT count(*) FROM "Old"."Letters"',
}
BUILDER = "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()"


def interrupted(target: Target, reindex: str, at: str) -> None:
    """A REINDEX that somebody cancelled in one of its phases."""
    with ThreadPoolExecutor() as pool, session_of(target) as blocker:
        if at == "waiting for old snapshots":
            blocker.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        blocker.execute(BLOCKERS[at].encode())
        reindexing = pool.submit(ask, target, reindex)
        wait_until(lambda: phase(target) == at)
        cancel(target, ask(target, BUILDER))
        with pytest.raises(psycopg.errors.QueryCanceled):
            reindexing.result()


@pytest.mark.parametrize(
    ("at", "left"),
    [
        ("waiting for writers before build", "_ccnew"),
        ("waiting for old snapshots", "_ccnew"),
        ("waiting for readers before marking dead", "_ccold"),
    ],
)
@pytest.mark.parametrize(
    "reindex", ['REINDEX INDEX CONCURRENTLY "Old"."Key"', 'REINDEX (VERBOSE, CONCURRENTLY) TABLE "Old"."Letters"']
)
def test_what_an_interrupted_reindex_left_is_dropped(sample: Target, reindex: str, at: str, left: str) -> None:
    """F10: the copies of the table's own indexes and of its TOAST table's, whatever their names."""
    ask(sample, SCENE)
    before = fingerprinted(sample).objects
    number = begun(sample, online(reindex, NOTHING))
    interrupted(sample, reindex, at)
    rubble = ask(sample, INVALID)
    assert f"Key{left}" in rubble
    assert ("pg_toast" in rubble) == ("TABLE" in reindex)
    file = ask(sample, RELFILE)
    drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, INVALID) == ""
    assert f"Key{left}" in mended(sample, number)
    assert ask(sample, RELFILE) != file
    assert fingerprinted(sample).objects == before


def test_a_reindex_without_rubble_mends_nothing_and_is_sent_again(sample: Target) -> None:
    ask(sample, SCENE)
    file = ask(sample, RELFILE)
    number = done(
        sample, online('REINDEX TABLE CONCURRENTLY "Old"."Letters"; VACUUM (ANALYZE) "Old"."Letters"', NOTHING)
    )
    assert ask(sample, RELFILE) != file
    assert mended(sample, number) is None
    drive(sample, lambda here: journey.back(here, number))


def test_an_invalid_index_of_another_name_or_table_is_not_touched(sample: Target) -> None:
    ask(sample, SCENE + 'CREATE INDEX "Key_ccnewer" ON "Old"."Letters" (id); CREATE INDEX "Key_ccnew" ON other (id)')
    for name in ('"Old"."Key_ccnewer"', '"Key_ccnew"'):
        invalidated(sample, ask(sample, f"SELECT '{name}'::regclass::oid"))
    number = done(sample, online('REINDEX INDEX CONCURRENTLY "Old"."Key"', NOTHING))
    assert mended(sample, number) is None
    assert ask(sample, INVALID) == '"Key_ccnew" "Old"."Key_ccnewer"'


@pytest.mark.parametrize(
    ("name", "leftover", "expected"),
    [
        ("idx", "idx_ccnew", True),
        ("idx", "idx_ccnew12", True),
        ("idx", "idx_ccold", True),
        ("idx", "id_ccnew", False),
        ("idx", "idx_ccnewer", False),
        ("idx", "idx", False),
        (LONG, "e" * 57 + "_ccnew", True),
        (LONG, "e" * 40 + "_ccnew", False),
    ],
)
def test_how_the_server_names_its_copy(name: str, leftover: str, expected: bool) -> None:
    assert left_by(name, leftover) is expected
