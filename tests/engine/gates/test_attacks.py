"""Ways around the law that were tried and once led somewhere: each ends in a refusal now."""

from __future__ import annotations

import psycopg
import pytest

from console.engine import inbox, journey, operators
from console.engine.decisions import answering
from console.engine.errors import AnswersRefused, RunRefused, UnknownOperator
from db.errors import GateClosed, HandrailError
from db.session import Target
from tests.driving import ask, drive, look, tiny
from tests.staffed import GATED, all_signed, as_login, onward, psql, refused, signed, status, waiting

pytestmark = pytest.mark.newest  # the forgeries are tried on every version

REFUSED = "42501"
TRAP = """
CREATE SCHEMA evil;
CREATE FUNCTION evil.trap() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO handrail.sign_off (run_id, gate, measurement, digest, passed, starter, asked_by, sealer, person, role, decision)
    SELECT run_id, gate, measurement, digest, passed, starter, asked_by, sealer, 'sam', 'security', 'approve'
    FROM handrail.evidence ON CONFLICT DO NOTHING;
EXCEPTION WHEN OTHERS THEN NULL; END $$;
CREATE FUNCTION evil.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN PERFORM evil.trap(); RETURN pg_catalog.set_config($1, $2, $3); END $$;
CREATE FUNCTION evil.pg_has_role(name, oid, text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN PERFORM evil.trap(); RETURN pg_catalog.pg_has_role($1, $2, $3); END $$;
CREATE FUNCTION public.same(text, varchar) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN PERFORM evil.trap(); RETURN $1 = $2::text; END $$;
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = varchar, FUNCTION = public.same);
GRANT USAGE ON SCHEMA evil TO PUBLIC;
"""


def test_looking_at_the_inbox_signs_nothing(gated: Target) -> None:
    """FM-P15: the owner of the database puts a schema before all others, and operators that fit better than our own."""
    name = ask(gated, "SELECT current_database()")
    ask(gated, f"ALTER DATABASE {name} OWNER TO oncall1")
    with psql(gated, "oncall1") as engineer:
        engineer.execute(TRAP.encode())
        engineer.execute(f"ALTER DATABASE {name} SET search_path = evil, pg_catalog, public".encode())
    mine = as_login(gated, "sec1")
    with mine.session() as session:
        assert [one.status.gate for one in inbox.look(session).mine] == ["fine"]
        assert session.connection().exec_driver_sql("SHOW search_path").scalar() == "pg_catalog, pg_temp"
    assert ask(gated, "SELECT pg_catalog.count(*) FROM handrail.sign_off") == 0
    mine.close()


def test_a_run_whose_gates_were_left_out_is_not_run(gated: Target) -> None:
    """I-5: begun by psql, as the engineer may, from an older run's plan."""
    drive(as_login(gated, "oncall1"), lambda here: journey.back(here, 1))
    with psql(gated, "oncall1") as engineer:
        engineer.execute(
            "INSERT INTO handrail.run (plan, title, plan_text, sources, digest, parameters, fingerprint)"
            " SELECT plan, title, plan_text, sources, digest, parameters, fingerprint FROM handrail.run WHERE id = 1"
        )
        engineer.execute(
            "INSERT INTO handrail.step_run (run_id, position, step, phase, kind, title)"
            " SELECT (SELECT max(id) FROM handrail.run), position, step, phase, kind, title FROM handrail.step_run WHERE run_id = 1"
        )
    with pytest.raises(RunRefused, match="steps or gates kept for run 2 are not those of its plan"):
        onward(gated, 2)


def test_a_gate_comes_with_its_run_or_never(gated: Target) -> None:
    """A later one, nearer to the step, would stand in the light of the one that was meant."""
    more = "INSERT INTO handrail.gate (run_id, gate, kind, title, position, roles, needed, lasts) VALUES (1, 'note', 'checkpoint', '', 2, ARRAY['security'], 1, '1 day')"
    assert refused(gated, "oncall1", more) == REFUSED
    assert refused(gated, "postgres", more.replace("'1 day'", "'infinity'")) in (
        REFUSED,
        "22015",
        "23514 gate_lasts_check",
    )


def test_running_is_no_back_door(gated: Target) -> None:
    """To `running` without an attempt, and from there to `done`."""
    assert refused(gated, "oncall1", "UPDATE handrail.step_run SET state = 'running' WHERE step = 'two'") == "HR001"
    assert refused(gated, "oncall1", "UPDATE handrail.step_run SET state = 'done' WHERE step = 'two'") == "HR001"


def test_a_decision_nearer_to_the_step_takes_nothing_from_the_checkpoint(staff: Target) -> None:
    """One more before a step that cannot be undone is asked of the checkpoint, whatever is decided after it."""
    plan = GATED.replace('lasts = "1h"', "irreversible = 1").replace(
        'title = "Two"', 'title = "Two"\nirreversible = true'
    )
    plan += '\n[[decision]]\nid = "late"\ntitle = "Late"\nbefore = "two"\nroles = ["product owner"]\n'
    number = waiting(staff, plan)
    all_signed(staff, number)
    with as_login(staff, "oncall1").session() as session:
        answering.answer(session, number, journey.plan_of(journey.found(session, number)), "late", {})
    signed(staff, "owner1", number, "late")
    assert "cannot be undone, and wants 1 more to sign" in onward(staff, number)


def test_a_checkpoint_is_not_answered(gated: Target) -> None:
    """Evidence that nobody measured, in the name of a decision that there is not."""
    for version in (1, 2, 2147483647):
        forged = (
            f"INSERT INTO handrail.answer (run_id, decision, version, answers) VALUES (1, 'fine', {version}, '{{}}')"
        )
        assert refused(gated, "dba1", forged) == REFUSED
    assert (
        refused(gated, "dba1", "INSERT INTO handrail.evidence (run_id, gate, measurement) VALUES (1, 'fine', 2)")
        == "23502 ".strip()
    )
    assert status(gated, 1).measurement == 1


NUMBERED = """\
id = "one"
kind = "sql"
sql = "CREATE TABLE one AS SELECT {{n}} AS n"
undo = "DROP TABLE one"

[[decision]]
id = "how-many"
title = "How many"
roles = ["security"]

[[decision.field]]
id = "n"
kind = "number"
title = "How many"
default = 7
"""


@pytest.mark.parametrize("answer", ['"5); CREATE TABLE pwned AS SELECT 1; --"', "[1]", "true", '{"a": 1}'])
def test_an_answer_that_went_past_the_form_becomes_no_sql(staff: Target, answer: str) -> None:
    number = drive(as_login(staff, "oncall1"), lambda here: journey.begin(here, tiny(NUMBERED)))
    with psql(staff, "dba1") as approver:
        approver.execute(
            f"INSERT INTO handrail.answer (run_id, decision, version, answers) VALUES ({number}, 'how-many', 1, '{{\"n\": {answer}}}')".encode()
        )
        approver.execute(
            f"INSERT INTO handrail.evidence (run_id, gate, measurement) VALUES ({number}, 'how-many', 1)".encode()
        )
    signed(staff, "sec1", number, "how-many")
    with pytest.raises(HandrailError, match="how-many: n: it is a number"):
        onward(staff, number)
    assert ask(staff, "SELECT to_regclass('pwned')") is None


def test_an_administrator_does_not_come_to_sign(gated: Target) -> None:
    """By way of their group, by an unclaimed login of their own, by another name of themselves."""
    for group in ("approver", "engineer"):
        for role in ("handrail_admin", "admin1"):
            assert refused(gated, "admin1", f"SELECT handrail.admit('{role}', '{group}')") in (REFUSED, "22023")
    ask(
        gated,
        "DO $$ BEGIN CREATE ROLE admin2 LOGIN IN ROLE handrail_admin; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    )
    assert refused(gated, "admin2", "INSERT INTO handrail.operator (login, person) VALUES ('admin2', 'sam')") == REFUSED


def test_giving_a_group_is_in_the_journal(gated: Target) -> None:
    with as_login(gated, "admin1").session() as session:
        operators.add(session, "owner1", "petra", groups=["approver"])
    with psycopg.connect(gated.url) as connection:
        found = connection.execute(
            "SELECT by_login, detail FROM handrail.event WHERE kind = 'group given' ORDER BY id DESC LIMIT 1"
        )
        assert found.fetchone() == ("admin1", {"login": "owner1", "group": "approver"})


@pytest.mark.parametrize("login", ["dba1", "admin1"])
def test_who_does_not_run_says_nothing_of_the_run(gated: Target, login: str) -> None:
    """Else one event could make every verification fail for ever, or a console."""
    said = "INSERT INTO handrail.event (run_id, step, kind, detail) VALUES (1, 'fine', 'checkpoint passed', '{\"digest\": \"x\"}')"
    assert refused(gated, login, said) == REFUSED
    assert refused(gated, "oncall1", "INSERT INTO handrail.event (kind, detail) VALUES ('x', '[1]')").startswith(
        "23514"
    )


def test_who_asked_is_a_person_that_is_known(staff: Target) -> None:
    """By their login too, which is not their name."""
    with pytest.raises(UnknownOperator, match="Nobody here is called 'sem'"):
        waiting(staff, asked_by="sem")
    number = waiting(staff, asked_by="sec1")
    assert look(staff, number).asked_by == "sam"


def test_a_person_who_is_named_later_is_the_one_who_began(staff: Target) -> None:
    """The run was begun by a login that was nobody's then."""
    ask(
        staff,
        "DO $$ BEGIN CREATE ROLE unnamed LOGIN IN ROLE handrail_engineer; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    )
    ask(staff, "GRANT oncall1 TO unnamed")
    unnamed = as_login(staff, "unnamed")
    number = drive(unnamed, lambda here: journey.begin(here, tiny(GATED)))
    with pytest.raises(GateClosed):
        drive(as_login(staff, "oncall1"), lambda here: journey.forward(here, number))
    with staff.session() as session:
        operators.add(session, "unnamed", "sam")
    with pytest.raises(HandrailError, match="does not sign it"):
        signed(staff, "sec1", number)


def test_a_snapshot_from_before_a_reject_begins_no_step(gated: Target) -> None:
    """FM-C9, in a transaction that does not see what others commit."""
    all_signed(gated, 1)
    with psql(gated, "oncall1") as engineer:
        engineer.autocommit = False
        engineer.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        engineer.execute("SELECT 1")
        signed(gated, "sec1", 1, word="reject", reason="wait")
        with pytest.raises(psycopg.Error) as caught:
            engineer.execute("UPDATE handrail.step_run SET state = 'running', attempts = 1 WHERE step = 'two'")
        assert caught.value.sqlstate == "HR001"


def test_answers_written_past_the_form_are_refused_by_name(staff: Target) -> None:
    number = drive(as_login(staff, "oncall1"), lambda here: journey.begin(here, tiny(NUMBERED)))
    with as_login(staff, "oncall1").session() as session, pytest.raises(AnswersRefused, match="n: it is a number"):
        answering.answer(session, number, tiny(NUMBERED), "how-many", {"n": float("inf")})
