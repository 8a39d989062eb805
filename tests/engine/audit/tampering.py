"""What somebody with all rights could do to the journal, and what there is to do it to."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from console.engine.audit import verifying
from console.engine.audit.anchors import Anchor
from console.engine.audit.verifying import Verified
from db import journal
from db.session import Target
from tests.driving import begun, tiny

GUARDED = (
    "event",
    "verdict",
    "answer",
    "evidence",
    "sign_off",
    "run",
    "gate",
    "head",
    "break_glass",
    "acknowledgement",
    "person",
    "operator",
    "sign_off_role",
)

# As a careful forger would: every hash from the first on, and the head.
MAKE_ANEW = """
DO $$
DECLARE
    said handrail.event;
    last handrail.head := (0, ''::bytea);
BEGIN
    FOR said IN SELECT * FROM handrail.event ORDER BY id LOOP
        last := (said.id, sha256(last.hash || convert_to(handrail.canonical(said), 'UTF8')));
        UPDATE handrail.event SET hash = last.hash WHERE id = said.id;
    END LOOP;
    UPDATE handrail.head SET count = last.count, hash = last.hash;
END $$
"""
HEAD_FITS = "UPDATE handrail.head SET (count, hash) = (SELECT id, hash FROM handrail.event ORDER BY id DESC LIMIT 1)"

# A run whose checkpoint was measured by one person and signed by another, who has the same login since.
PLAN = """
id = "one"
kind = "sql"
sql = "SELECT 1"
undo = "SELECT 1"
[phase.checkpoint]
id = "check"
title = "Check"
gate.roles = ["DBA"]
check = [{id = "same", kind = "sql", title = "Same", sql = "SELECT 3", equals = 3}]
[[decision]]
id = "when"
title = "When"
roles = ["DBA"]
field = [{id = "day", kind = "text", title = "Day"}]
"""
SIGNED = """
INSERT INTO handrail.verdict (run_id, checkpoint, measurement, position, check_id, title, kind, passed, expected, found,
                              rows, query, seconds)
    VALUES (1, 'check', 1, 1, 'same', 'Größe', 'equal', true, '3', '3', '[{"n": 1.50}]', 'SELECT 3', 0.1),
           (1, 'check', 1, 2, 'none', 'None', 'empty', true, '', '', '[]', 'SELECT', 0.2);
INSERT INTO handrail.answer (run_id, decision, version, answers) VALUES (1, 'when', 1, '{"day": "Sunday", "hour": 4.0}');
INSERT INTO handrail.evidence (run_id, gate, measurement) VALUES (1, 'check', 1), (1, 'when', 1);
INSERT INTO handrail.event (run_id, step, kind, detail)
    SELECT 1, 'check', 'checkpoint passed', jsonb_build_object('digest', digest)
    FROM handrail.evidence WHERE gate = 'check';
INSERT INTO handrail.person (id, name) VALUES ('anna', 'Anna');
DO $$ BEGIN CREATE ROLE anna LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT USAGE ON SCHEMA handrail TO anna;
GRANT ALL ON ALL TABLES IN SCHEMA handrail TO anna;
INSERT INTO handrail.operator (login, person) VALUES ('anna', 'anna');
INSERT INTO handrail.sign_off_role (person, role) VALUES ('anna', 'DBA');
SET SESSION AUTHORIZATION anna;
INSERT INTO handrail.sign_off (run_id, gate, measurement, digest, passed, starter, asked_by, sealer, person, role, decision)
    SELECT run_id, gate, measurement, digest, passed, starter, asked_by, sealer, 'anna', 'DBA', 'approve'
    FROM handrail.evidence WHERE gate = 'check';
RESET SESSION AUTHORIZATION;
"""


def said(target: Target, count: int) -> None:
    """So many events, the first of them number 1."""
    with target.session() as session:
        for number in range(1, count + 1):
            journal.record(session, f"kind {number}", number=number)


def signed(target: Target) -> None:
    begun(target, tiny(PLAN))
    with psycopg.connect(target.url) as connection:
        connection.execute(SIGNED.encode())


def tamper(target: Target, *statements: str) -> None:
    """As a superuser, past every trigger and foreign key of the journal."""
    with psycopg.connect(target.url) as connection:
        for table in GUARDED:
            connection.execute(f"ALTER TABLE handrail.{table} DISABLE TRIGGER ALL".encode())
        for statement in statements:
            connection.execute(statement.encode())


def verified(target: Target, anchors: Sequence[Anchor] = ()) -> Verified:
    with target.session() as session:
        return verifying.verify(session, anchors)


def faults(target: Target, anchors: Sequence[Anchor] = ()) -> list[tuple[str, int | None]]:
    return [(fault.kind, fault.event) for fault in verified(target, anchors).faults]
