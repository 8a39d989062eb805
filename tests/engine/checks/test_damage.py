"""Every check that handrail ships, beside the damage that turns it red and names the rows."""

from __future__ import annotations

from typing import Any

import pytest

from console.engine.checks import KINDS, Asking, Check, measured
from db.models import Verdict
from db.session import Target
from tests.driving import ask

SCENE = """
CREATE TABLE before AS TABLE person;
CREATE TABLE after AS TABLE person;
CREATE TABLE child (person_id uuid);
INSERT INTO child SELECT id FROM person LIMIT 10;
ALTER TABLE person ADD CONSTRAINT person_email_key UNIQUE (email);
ALTER TABLE child ADD CONSTRAINT child_person FOREIGN KEY (person_id) REFERENCES person;
CREATE INDEX person_lower ON person (lower(email));
ALTER TABLE after ENABLE ROW LEVEL SECURITY;
ALTER TABLE after FORCE ROW LEVEL SECURITY;
CREATE POLICY readers ON after FOR SELECT USING (true);
DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON after TO reader;
CREATE VIEW renamed AS TABLE person;
"""
STATEMENTS = {
    "select": "SELECT 1 FROM after LIMIT 1",
    "insert": "INSERT INTO after VALUES (gen_random_uuid(), 'x')",
    "update": "UPDATE after SET email = email",
    "delete": "DELETE FROM after",
}
MATRIX: dict[str, Any] = {
    "kind": "access-matrix",
    "actors": {"reader": {"role": "reader"}},
    "tables": {"after": {**STATEMENTS, "allowed": {"reader": "select"}}},
}
SAME = {"before": "before", "after": "after", "key": "id"}
BROKEN_INDEX = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'person_lower'::regclass"

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("a wrong number", {"kind": "sql", "sql": "SELECT count(*) FROM person", "equals": 3000}, "DELETE FROM person WHERE email = 'Person11@example.org'", "2999"),
    ("too few", {"kind": "sql", "sql": "SELECT count(*) FROM after", "at_least": 3000}, "DELETE FROM after WHERE email = 'Person11@example.org'", "2999"),
    ("too many", {"kind": "sql", "sql": "SELECT count(*) FROM after", "at_most": 3000}, "INSERT INTO after SELECT gen_random_uuid(), 'more'", "3001"),
    ("a row that may not be", {"kind": "sql", "sql": "SELECT email FROM after WHERE email = 'bad'", "no_rows": True}, "INSERT INTO after SELECT gen_random_uuid(), 'bad'", "bad"),
    ("a question that fails", {"kind": "sql", "sql": "SELECT count(*) FROM after", "equals": 3000}, "DROP TABLE after", 'relation "after" does not exist'),
    ("a lost row", {"kind": "rows-preserved", **SAME}, "DELETE FROM after WHERE email = 'Person11@example.org'", "2 999 rows"),
    ("a changed value", {"kind": "content-preserved", **SAME, "columns": ["email"]}, "UPDATE after SET email = 'other' WHERE email = 'Person11@example.org'", "Person11@example.org"),
    ("a value that became null", {"kind": "content-preserved", **SAME, "columns": ["email"]}, "ALTER TABLE after ALTER email DROP NOT NULL; UPDATE after SET email = NULL WHERE email = 'Person11@example.org'", "Person11@example.org"),
    ("two values swapped", {"kind": "content-preserved", **SAME, "columns": ["email"]}, "UPDATE after SET email = CASE email WHEN 'Person1@example.org' THEN 'Person2@example.org' ELSE 'Person1@example.org' END WHERE email IN ('Person1@example.org', 'Person2@example.org')", "2 rows differ"),
    ("an orphan", {"kind": "no-orphans", "table": "child", "column": "person_id", "parent": "person"}, "ALTER TABLE child DROP CONSTRAINT child_person; INSERT INTO child VALUES ('00000000-0000-0000-0000-000000000009')", "00000000-0000-0000-0000-000000000009"),
    ("a foreign key that is not validated", {"kind": "foreign-keys-valid", "constraints": ["child.child_person"]}, "ALTER TABLE child DROP CONSTRAINT child_person; ALTER TABLE child ADD CONSTRAINT child_person FOREIGN KEY (person_id) REFERENCES person NOT VALID", "not validated"),
    ("a foreign key that is gone", {"kind": "foreign-keys-valid", "constraints": ["child.child_person"]}, "ALTER TABLE child DROP CONSTRAINT child_person", "missing"),
    ("an invalid index", {"kind": "index-valid", "indexes": ["person_lower"]}, BROKEN_INDEX, "INVALID"),
    ("an index that is gone", {"kind": "index-valid", "indexes": ["person_lower"]}, "DROP INDEX person_lower", "missing"),
    ("row security off", {"kind": "row-security", "tables": ["after"], "policies": ["after.readers"]}, "ALTER TABLE after DISABLE ROW LEVEL SECURITY", "off"),
    ("row security not forced", {"kind": "row-security", "tables": ["after"]}, "ALTER TABLE after NO FORCE ROW LEVEL SECURITY", "not forced"),
    ("a policy dropped", {"kind": "row-security", "tables": ["after"], "policies": ["after.readers"]}, "DROP POLICY readers ON after", "policy missing"),
    ("a right too many", MATRIX, "CREATE POLICY all_of_it ON after USING (true)", "update"),
    ("a right too few", MATRIX, "DROP POLICY readers ON after", "select"),
    ("a grant taken", MATRIX, "REVOKE SELECT ON after FROM reader", "permission denied"),
    ("a cell that cannot be tried", MATRIX, "ALTER TABLE after RENAME COLUMN email TO mail", "not tried"),
    ("an answer that changed", {"kind": "replay", "was": "person", "now": "renamed", "queries": ["SELECT count(*) FROM {table}"]}, "CREATE OR REPLACE VIEW renamed AS SELECT * FROM person WHERE email <> 'Person11@example.org'", "2999"),
    ("a write that no longer works", {"kind": "replay", "was": "person", "now": "renamed", "queries": ["UPDATE {table} SET email = 'x' WHERE email = 'Person11@example.org' RETURNING email"]}, "CREATE OR REPLACE VIEW renamed AS SELECT DISTINCT * FROM person", "cannot update view"),
]  # fmt: skip


def check_of(written: dict[str, Any]) -> Check:
    kind = next(kind for kind in KINDS if kind.model_fields["kind"].annotation.__args__[0] == written["kind"])  # type: ignore[union-attr]
    check = kind.model_validate({"id": "one", "title": "One", **written})
    check.require()
    return check


def verdict(target: Target, written: dict[str, Any]) -> Verdict:
    with target.executor_connection("test") as connection:
        return measured(check_of(written), 1, Asking(connection, {}, {}))


@pytest.mark.parametrize(("written", "damage", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_damage_turns_the_check_red(sample: Target, written: dict[str, Any], damage: str, said: str) -> None:
    ask(sample, SCENE)
    before = verdict(sample, written)
    assert before.passed, (before.found, before.rows)
    ask(sample, damage)
    after = verdict(sample, written)
    assert not after.passed
    assert said in f"{after.found} {after.rows}"


def test_every_kind_has_its_damage() -> None:
    """backup-verified has its own in steps/test_backup.py."""
    shown = {case[1]["kind"] for case in CASES} | {"backup-verified"}
    assert {kind.model_fields["kind"].annotation.__args__[0] for kind in KINDS} == shown  # type: ignore[union-attr]


def test_a_check_leaves_nothing_behind(sample: Target) -> None:
    ask(sample, SCENE)
    verdict(sample, {"kind": "sql", "sql": "DELETE FROM after RETURNING id", "no_rows": True})
    verdict(sample, MATRIX)
    assert ask(sample, "SELECT count(*) FROM after") == 3000


def test_rows_that_may_differ_are_excused(sample: Target) -> None:
    ask(sample, SCENE)
    ask(sample, "UPDATE after SET email = 'newer' WHERE email = 'Person11@example.org'")
    excused = {"kind": "content-preserved", **SAME, "columns": ["email"], "unless": "after.email = 'newer'"}
    assert verdict(sample, excused).passed
    assert not verdict(sample, {**excused, "unless": "after.email = 'else'"}).passed


def test_many_rows_at_fault_are_counted_and_some_are_named(sample: Target) -> None:
    ask(sample, SCENE)
    ask(sample, "UPDATE after SET email = email || '!'")
    found = verdict(sample, {"kind": "content-preserved", **SAME, "columns": ["email"]})
    assert (found.found, len(found.rows)) == ("3 000 rows differ", 20)
