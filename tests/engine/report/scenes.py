"""Runs that there is something to say of: a gate with a reject, a check that failed, a rollback that set rows aside."""

from __future__ import annotations

from contextlib import suppress

from console.engine import journey, report, signing
from console.engine.plan import Plan
from console.engine.report.document import Document
from db.errors import HandrailError
from db.session import Target
from tests.driving import ask, begun, drive, tiny
from tests.staffed import all_signed, as_login, onward, signed

SECRET = "person7@private.example"

FAULTY = f"""\
id = "one"
kind = "sql"
sql = "CREATE TABLE one AS SELECT id, '{SECRET}'::text AS email FROM generate_series(1, 3) id"
undo = "DROP TABLE one"

[phase.checkpoint]
id = "faulty"
title = "Nobody without a name"

[[phase.checkpoint.check]]
id = "rows"
kind = "sql"
title = "no row"
sql = "SELECT id, email FROM one"
no_rows = true

[[phase.checkpoint.check]]
id = "count"
kind = "sql"
title = "three rows"
sql = "SELECT count(*) FROM one"
equals = 3
"""

ASIDE = """\
id = "one"
kind = "sql"
sql = "CREATE TABLE one AS SELECT 7 AS a"
undo = "SELECT put_aside({{run_id}}); DROP TABLE one"

[[kept]]
id = "rows"
title = "rows of one"
since = "one"
count = "SELECT count(*) FROM one"
rule = "set aside"
"""
PUT_ASIDE = """
CREATE FUNCTION put_aside(run bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO handrail.set_aside (run_id, step, source, row)
    SELECT run, 'one', 'public.one', jsonb_build_object('email', 'person7@private.example') FROM one; END $$
"""


def told(target: Target, run: int = 1) -> Document:
    with target.session() as session:
        return report.gathered(session, run)


def gate_passed(gated: Target) -> int:
    """Run 1: rejected, measured again, signed by both, done."""
    signed(gated, "sec1", 1, word="reject", reason="two rows differ")
    drive(as_login(gated, "oncall1"), lambda here: journey.measure_again(here, 1, "fine"))
    all_signed(gated, 1)
    assert onward(gated, 1) == ""
    return 1


def glass_broken(gated: Target) -> int:
    """Run 1: opened without its sign-offs, seen by an administrator, done."""
    with as_login(gated, "oncall1").session() as session:
        signing.break_glass(session, 1, "fine", "the disk is full in an hour", "nobody of security answers")
    with as_login(gated, "admin1").session() as session:
        signing.acknowledge(session, 1, "looked into")
    assert onward(gated, 1) == ""
    return 1


def check_failed(target: Target, plan: Plan | None = None) -> int:
    number = begun(target, plan or tiny(FAULTY))
    with suppress(HandrailError):
        drive(target, lambda here: journey.forward(here, number))
    return number


def put_aside(target: Target) -> int:
    """Done, then taken back whole, with a row set aside and a person written since."""
    ask(target, PUT_ASIDE)
    number = begun(target, tiny(ASIDE))
    drive(target, lambda here: journey.forward(here, number))
    ask(target, "INSERT INTO person (email) VALUES ('late@private.example')")
    drive(target, lambda here: journey.back(here, number))
    return number
