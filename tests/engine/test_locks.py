"""The locks that a script is said to take are those that the server says it holds."""

from __future__ import annotations

import pytest

from console.engine import locks, reading
from db.session import Target
from tests.driving import session_of

TABLES = "SELECT oid, relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
HELD = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = ANY(%s)"
SCENE = """
CREATE TABLE child (id int PRIMARY KEY, person_id uuid);
CREATE INDEX child_person ON child (person_id);
ALTER TABLE child ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;
ALTER TABLE child ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON child USING (true);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER quiet BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TABLE log (id int) PARTITION BY RANGE (id);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (9);
CREATE TABLE log_2 (id int);
"""
SCRIPTS = [
    "ALTER TABLE child ADD COLUMN more int",
    "ALTER TABLE child VALIDATE CONSTRAINT positive",
    "ALTER TABLE child ALTER id SET STATISTICS 100",
    "ALTER TABLE child DISABLE TRIGGER quiet",
    "ALTER TABLE child ADD CONSTRAINT of_person FOREIGN KEY (person_id) REFERENCES person NOT VALID",
    "CREATE TABLE toy (id uuid REFERENCES person)",
    "CREATE INDEX child_id ON child (id)",
    "CREATE TRIGGER more BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION nothing()",
    "CREATE POLICY one_more ON child USING (true)",
    "DROP POLICY everybody ON child",
    "DROP TRIGGER quiet ON child",
    "DROP TABLE child",
    "TRUNCATE child",
    "LOCK TABLE child IN SHARE MODE",
    "INSERT INTO child VALUES (1)",
    "ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM (9) TO (99)",
    "ALTER TABLE log DETACH PARTITION log_1",
    "REINDEX TABLE child",
    "UPDATE child SET id = 2; ALTER TABLE child RENAME COLUMN id TO number",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_server_says_the_same(sample: Target, script: str) -> None:
    with session_of(sample) as session:
        session.execute(SCENE)
        session.commit()
        tables = dict(session.execute(TABLES).fetchall())
        session.execute(script.encode())
        held: dict[str, list[str]] = {}
        for table, mode in session.execute(HELD, (list(tables),)):
            held.setdefault(tables[table], []).append(mode.removesuffix("Lock"))
    for lock in locks.of(script):
        assert lock.mode.title().replace(" ", "") in held[lock.table]
        strongest = max(held[lock.table], key=[m.title().replace(" ", "") for m in ("ACCESS SHARE", *locks.RANK)].index)
        assert strongest == lock.mode.title().replace(" ", "")


def test_every_script_locks_something() -> None:
    assert [script for script in SCRIPTS if not locks.of(script)] == []


def test_what_the_script_makes_locks_out_nobody() -> None:
    assert locks.of("CREATE TABLE a (id int); CREATE INDEX i ON a (id); ALTER TABLE a ADD COLUMN b int") == []


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("ALTER TABLE log DETACH PARTITION log_1 CONCURRENTLY", [("ACCESS EXCLUSIVE", "log_1"), (locks.GENTLE, "log")]),
        ("ALTER TABLE log DETACH PARTITION log_1 FINALIZE", [("ACCESS EXCLUSIVE", "log_1"), (locks.GENTLE, "log")]),
        ("REINDEX TABLE CONCURRENTLY a.b", [(locks.GENTLE, "a.b")]),
        ("VACUUM a, b", [(locks.GENTLE, "a"), (locks.GENTLE, "b")]),
        ("VACUUM (FULL) a", [("ACCESS EXCLUSIVE", "a")]),
        ("REINDEX INDEX CONCURRENTLY i; DROP INDEX CONCURRENTLY i; ALTER TYPE t ADD VALUE 'a'; VACUUM", []),
    ],
)
def test_what_runs_online(script: str, expected: list[tuple[str, str]]) -> None:
    """These hold their locks over several transactions, or cannot be in one; as the manual says."""
    assert [(lock.mode, lock.table) for lock in locks.of(script)] == expected


def test_the_plan_says_who_waits() -> None:
    plan = reading.load("schema-unification")
    assert "-- locks public.clients: SHARE ROW EXCLUSIVE, writers wait" in plan.script(plan.item("create"))
