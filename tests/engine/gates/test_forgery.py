"""With psql as each login: every forgery of a sign-off is refused, by the state that stands here (FM-G1 to FM-G6)."""

from __future__ import annotations

import pytest

from db.session import Target
from tests.driving import ask, kinds
from tests.staffed import DBA, SECURITY, all_signed, onward, psql, refused, signed, status, waiting

COLUMNS = "run_id, gate, measurement, digest, passed, starter, asked_by, sealer, person, role, decision, reason"
SEEN = "run_id, gate, measurement, digest, passed, starter, asked_by, sealer"
REFUSED = "42501"


def signing(person: str, role: str, **lies: str) -> str:
    """A sign-off in SQL, as the console would send it, but for what is a lie."""
    values = {name.strip(): name.strip() for name in SEEN.split(",")}
    values |= {"person": f"'{person}'", "role": f"'{role}'", "decision": "'approve'", "reason": "''"} | lies
    return f"INSERT INTO handrail.sign_off ({', '.join(values)}) SELECT {', '.join(values.values())} FROM handrail.evidence"


def test_the_honest_way_opens_the_gate(gated: Target) -> None:
    """Else the refusals below would mean nothing."""
    assert refused(gated, "dba1", signing("dina", DBA)) == ""
    assert status(gated, 1).state == "waits"
    assert refused(gated, "sec1", signing("sam", SECURITY)) == ""
    assert status(gated, 1).state == "signed"
    assert onward(gated, 1) == ""


@pytest.mark.parametrize(
    ("login", "statement", "state"),
    [
        # FM-G1: the on-call engineer began the run, and signs it with another login of theirs
        ("oncall2", signing("olu", SECURITY), "23514 sign_off_of_another"),
        # FM-G2
        ("sec1", signing("sam", SECURITY, login="'dba1'"), REFUSED),
        ("sec1", signing("sam", SECURITY, at="'2020-01-01'"), REFUSED),
        ("sec1", signing("sam", SECURITY, id="7"), "428C9"),
        ("sec1", signing("dina", DBA), "23503 sign_off_person"),
        ("oncall2", signing("sam", SECURITY), "23503 sign_off_person"),
        # FM-G3
        (
            "oncall2",
            signing("olu", SECURITY, starter="'dina'", asked_by="'dina'", sealer="'dina'"),
            REFUSED,
        ),
        ("sec1", signing("sam", SECURITY, digest="'0'"), "23503 sign_off_evidence"),
        ("sec1", signing("sam", SECURITY, passed="false"), "23514 sign_off_of_what_passed"),
        ("sec1", signing("sam", SECURITY, measurement="2"), "HR003"),
        # roles that are not held, not asked for, or nobody's
        ("sec1", signing("sam", DBA), REFUSED),
        ("owner1", signing("petra", "product owner"), REFUSED),
        ("owner1", signing("petra", SECURITY), REFUSED),
        ("nobody1", signing("nobody1", SECURITY), REFUSED),
        # FM-G5
        ("room", signing("room", SECURITY), REFUSED),
        # who may not sign at all
        ("oncall1", signing("olu", SECURITY), REFUSED),
        ("support1", signing("suri", SECURITY), REFUSED),
        ("audit1", signing("ada", SECURITY), REFUSED),
        ("admin1", signing("amir", SECURITY), REFUSED),
        # a reject that says nothing
        ("sec1", signing("sam", SECURITY, decision="'reject'"), "23514 sign_off_reason"),
        ("sec1", signing("sam", SECURITY, decision="'maybe'"), "23514 sign_off_decision_check"),
    ],
)
def test_a_sign_off_cannot_be_forged(gated: Target, login: str, statement: str, state: str) -> None:
    told = kinds(gated, 1)
    assert refused(gated, login, statement) == state
    assert ask(gated, "SELECT count(*) FROM handrail.sign_off") == 0
    assert kinds(gated, 1) == told
    assert "waits for database administrator, security" in onward(gated, 1)


def test_one_person_counts_once_whatever_their_logins_and_roles(gated: Target) -> None:
    """FM-G4: sec1 and sec2 are the same person's."""
    ask(gated, f"INSERT INTO handrail.sign_off_role (person, role) VALUES ('sam', '{DBA}')")
    assert refused(gated, "sec1", signing("sam", SECURITY)) == ""
    assert refused(gated, "sec2", signing("sam", DBA)) == "23505 sign_off_once"
    assert refused(gated, "sec2", signing("sam", SECURITY)) == "23505 sign_off_once"
    assert status(gated, 1).state == "waits"


TABLES = ("sign_off", "evidence", "event", "verdict", "gate", "answer", "break_glass", "acknowledgement", "head")
EVERYBODY = ("oncall1", "oncall2", "dba1", "sec1", "support1", "audit1", "admin1", "nobody1")


@pytest.mark.parametrize("login", EVERYBODY)
def test_nobody_rewrites_what_was_written(gated: Target, login: str) -> None:
    """FM-G6"""
    signed(gated, "dba1", 1)
    for table in TABLES:
        column = ask(
            gated, "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 2", f"handrail.{table}"
        )
        for statement in (
            f"UPDATE handrail.{table} SET {column} = {column}",
            f"DELETE FROM handrail.{table}",
            f"TRUNCATE handrail.{table}",
            f"ALTER TABLE handrail.{table} DISABLE TRIGGER ALL",
            f"DROP TABLE handrail.{table} CASCADE",
        ):
            assert refused(gated, login, statement) == REFUSED, statement


AROUND = [
    "SET session_replication_role = replica",
    "SET ROLE handrail_owner",
    "SET ROLE postgres",
    "GRANT handrail_owner TO CURRENT_USER",
    "GRANT handrail_approver TO CURRENT_USER",
    "CREATE OR REPLACE FUNCTION handrail.me() RETURNS text LANGUAGE sql AS $$ SELECT 'sam' $$",
    "CREATE FUNCTION handrail.mine() RETURNS text LANGUAGE sql AS $$ SELECT 'sam' $$",
    "CREATE TRIGGER mine BEFORE INSERT ON handrail.sign_off EXECUTE FUNCTION handrail.refuse_change()",
    "DROP SCHEMA handrail CASCADE",
]


@pytest.mark.parametrize("login", EVERYBODY)
def test_nobody_gets_around_the_law(gated: Target, login: str) -> None:
    for statement in AROUND:
        assert refused(gated, login, statement) == REFUSED, statement


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE handrail.step_run SET state = 'running', attempts = attempts + 1 WHERE step = 'two'",
        "UPDATE handrail.step_run SET state = 'done' WHERE step = 'two'",
        "UPDATE handrail.step_run SET state = 'skipped' WHERE step = 'two'",
    ],
)
def test_the_next_step_is_refused_by_the_database(gated: Target, statement: str) -> None:
    """As the engineer, who may write the journal of the steps."""
    assert refused(gated, "oncall1", statement) == "HR001"
    all_signed(gated, 1)
    assert refused(gated, "oncall1", statement) == ""


def test_the_journal_of_the_steps_is_the_engineers_alone(gated: Target) -> None:
    for login in ("dba1", "sec1", "support1", "audit1", "admin1"):
        assert refused(gated, login, "UPDATE handrail.step_run SET state = 'done'") == REFUSED
        assert refused(gated, login, "UPDATE handrail.run SET state = 'done'") == REFUSED
        assert refused(gated, login, "UPDATE handrail.fence SET epoch = epoch + 1") == REFUSED


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE handrail.run SET plan_text = ''",
        "UPDATE handrail.run SET digest = ''",
        "UPDATE handrail.run SET starter = 'dina'",
        "UPDATE handrail.step_run SET position = 1",
        "INSERT INTO handrail.run (plan, title, plan_text, sources, digest, parameters, fingerprint, starter)"
        " VALUES ('a', 'a', '', '{}', '', '{}', '{}', 'dina')",
        "INSERT INTO handrail.event (run_id, kind, by_login) VALUES (1, 'approved', 'sec1')",
        "INSERT INTO handrail.evidence (run_id, gate, measurement, digest) VALUES (1, 'fine', 2, '0')",
        "INSERT INTO handrail.operator (login, person) VALUES ('oncall1', 'sam')",
        "UPDATE handrail.operator SET removed_at = NULL",
        "INSERT INTO handrail.sign_off_role (person, role) VALUES ('olu', 'security')",
    ],
)
def test_the_engineer_writes_nothing_that_is_the_databases_or_the_administrators(gated: Target, statement: str) -> None:
    assert refused(gated, "oncall1", statement) == REFUSED


def test_evidence_is_sealed_and_digested_by_the_database(gated: Target) -> None:
    """A verdict cannot be slipped in, nor evidence be made of nothing."""
    verdict = (
        "INSERT INTO handrail.verdict (run_id, checkpoint, measurement, position, check_id, title, kind, passed, expected,"
        " found, rows, query, seconds) VALUES (1, 'fine', {}, 1, 'more', '', 'sql', true, '', '', '[]', '', 0)"
    )
    assert refused(gated, "oncall1", verdict.format(1)) == "HR004"
    assert (
        refused(gated, "oncall1", "INSERT INTO handrail.evidence (run_id, gate, measurement) VALUES (1, 'fine', 2)")
        == "23502"
    )
    for login in ("dba1", "admin1", "audit1"):
        assert refused(gated, login, verdict.format(2)) == REFUSED


@pytest.mark.parametrize("kind", ["approved", "rejected", "glass broken", "answered", "role given"])
def test_what_the_database_says_of_a_row_is_said_by_nobody_else(gated: Target, kind: str) -> None:
    """Neither at once nor by a trigger on a table of one's own."""
    forged = f"INSERT INTO handrail.event (run_id, step, kind) VALUES (1, 'fine', '{kind}')"
    for login in ("oncall1", "sec1", "admin1"):
        assert refused(gated, login, forged) == REFUSED
    with psql(gated, "oncall1") as connection:
        connection.execute("CREATE TABLE public.trap (a int)")
        connection.execute(
            f"CREATE FUNCTION public.spring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {forged}; RETURN NULL; END $$".encode()
        )
        connection.execute("CREATE TRIGGER spring AFTER INSERT ON trap FOR EACH ROW EXECUTE FUNCTION spring()")
    assert refused(gated, "oncall1", "INSERT INTO public.trap VALUES (1)") == REFUSED


def test_functions_of_the_engineers_schema_do_not_run_in_a_sign_off(gated: Target) -> None:
    """FM-P15: the owner of the application's tables lays traps under names that a sign-off uses."""
    with psql(gated, "oncall1") as connection:
        for trap in ("sha256(bytea) RETURNS bytea", "convert_to(text, name) RETURNS bytea", "me() RETURNS text",
                     "part(text) RETURNS text", "clock_timestamp() RETURNS timestamptz"):  # fmt: skip
            connection.execute(
                f"CREATE FUNCTION public.{trap} LANGUAGE plpgsql AS $$ BEGIN RAISE 'a trap'; END $$".encode()
            )
        connection.execute("CREATE TABLE public.gate (a int)")
    all_signed(gated, 1)
    assert status(gated, 1).state == "signed"


def test_who_asked_for_it_does_not_sign_and_cannot_hide_it(staff: Target) -> None:
    """FM-G1, FM-G3: Sam wanted the run, another began it; the columns of the evidence say so."""
    number = waiting(staff, asked_by="sam")
    mine = signing("sam", SECURITY) + f" WHERE run_id = {number}"
    assert refused(staff, "sec1", mine) == "23514 sign_off_of_another"
    lie = signing("sam", SECURITY, asked_by="'olu'") + f" WHERE run_id = {number}"
    assert refused(staff, "sec1", lie) == "23503 sign_off_evidence"
    assert refused(staff, "sec1", "UPDATE handrail.run SET asked_by = 'olu'") == REFUSED
