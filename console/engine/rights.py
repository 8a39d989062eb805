"""Group roles, and what each may do in the schema `handrail`: as little as its work needs (design.md section 6).

A role without login owns everything; columns that say who and when are nobody's to write. Sent again, the script
changes nothing: rights are taken away first and given anew in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from db.queries.people import GROUPS

OWNER = "handrail_owner"
# Whoever turns somebody's row into json runs what its owner has given its types as a cast: with these rights alone.
WITNESS = "handrail_witness"
WITNESSED = (
    "USAGE ON SCHEMA handrail",
    "SELECT, INSERT, UPDATE ON handrail.captured",
)
FUNCTIONS = ("me()", "person_of(text)", "part(text)", "digest_of(text)", "basis(bigint, text, timestamptz)",
             "content(bigint, text, integer)", "canonical(handrail.event)")  # fmt: skip

SAY = "INSERT (run_id, step, kind, detail) ON handrail.event"
ANSWER = ("INSERT (run_id, decision, version, answers) ON handrail.answer",
          "INSERT (run_id, gate, measurement) ON handrail.evidence")  # fmt: skip
ALL = "SELECT ON ALL TABLES IN SCHEMA handrail"
# what others wrote is the application's: whoever does not run a migration sees how much it is, not what
VALUES = {
    "handrail.captured": "run_id, capture, key, born, whole, gone",
    "handrail.set_aside": "id, run_id, step, source, at",
}

GIVEN: dict[str, tuple[str, ...]] = {
    "engineer": (
        ALL, SAY, *ANSWER,
        "INSERT (plan, title, plan_text, sources, digest, parameters, goal, fingerprint, objects, objects_after, "
        "asked_by, ended_at) ON handrail.run",
        "UPDATE (state, goal, pause_requested, ended_at, objects, objects_after) ON handrail.run",
        "INSERT (run_id, position, step, phase, kind, title, estimate, irreversible, pid, began_at, ended_at, seconds, "
        "error) ON handrail.step_run",
        "UPDATE (state, stands, attempts, pid, began_at, ended_at, seconds, progress, error) ON handrail.step_run",
        "INSERT (run_id, checkpoint, measurement, position, check_id, title, kind, passed, expected, found, rows, "
        "query, seconds) ON handrail.verdict",
        "INSERT ON handrail.gate",
        "INSERT (run_id, step, source, row) ON handrail.set_aside",
        "INSERT (run_id, capture, source, key), DELETE ON handrail.capture",
        "UPDATE (wrote), DELETE ON handrail.captured",
        "INSERT, UPDATE, DELETE ON handrail.gauge",
        "INSERT (run_id, position, schema), DELETE ON handrail.landmark",
        "EXECUTE ON FUNCTION handrail.capture(), handrail.refuse_truncate()",
        "INSERT (run_id, gate, measurement, reason, why_not_wait) ON handrail.break_glass",
        "UPDATE ON handrail.fence",
    ),
    "approver": (
        ALL, SAY, *ANSWER,
        "INSERT (run_id, gate, measurement, digest, passed, starter, asked_by, sealer, person, role, decision, reason) "
        "ON handrail.sign_off",
    ),
    "support": (
        "SELECT ON handrail.target, handrail.fence, handrail.step_run, handrail.operator, handrail.person, "
        "handrail.sign_off_role, handrail.gate_status, handrail.break_glass, handrail.acknowledgement",
        "SELECT (id, plan, title, digest, parameters, state, goal, pause_requested, objects_after, started_by, "
        "starter, asked_by, started_at, ended_at) ON handrail.run",
    ),
    "auditor": (ALL,),
    "admin": (
        ALL, SAY,
        "INSERT (id, name) ON handrail.person",
        "INSERT (login, person, shared) ON handrail.operator",
        "UPDATE (shared, removed_at) ON handrail.operator",
        "INSERT (person, role) ON handrail.sign_off_role",
        "UPDATE (removed_at) ON handrail.sign_off_role",
        "INSERT (break_glass_id, breaker, note) ON handrail.acknowledgement",
        "EXECUTE ON FUNCTION handrail.admit(text, text), handrail.dismiss(text, text)",
    ),
}  # fmt: skip

# Groups are given by a function, so that an administrator needs no right over roles, nor over their own.
ADMIT = """\
CREATE OR REPLACE FUNCTION handrail.{name}(login text, wanted text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF wanted NOT IN ({groups}) THEN
        RAISE EXCEPTION 'there is no group %', wanted USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login AND rolcanlogin) THEN
        RAISE EXCEPTION '% is no login', login USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- themselves, or a role through which it would come back to them
    IF pg_has_role(session_user, login, 'MEMBER') AND NOT pg_has_role(session_user, '{owner}', 'MEMBER') THEN
        RAISE EXCEPTION 'nobody changes their own groups' USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('{verb} %I {word} %I', 'handrail_' || wanted, login);
    INSERT INTO handrail.event (kind, detail)
        VALUES ('{event}', jsonb_build_object('login', login, 'group', wanted));
END $$"""

OWN = f"""\
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT c.oid::regclass AS name, CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind
               FROM pg_class c WHERE c.relnamespace = 'handrail'::regnamespace AND c.relkind IN ('r', 'v')
               AND c.relowner <> '{OWNER}'::regrole LOOP
        EXECUTE format('ALTER %s %s OWNER TO {OWNER}', one.kind, one.name);
    END LOOP;
    FOR one IN SELECT oid::regprocedure AS name FROM pg_proc
               WHERE pronamespace = 'handrail'::regnamespace AND proowner <> '{OWNER}'::regrole
               AND oid <> 'handrail.capture()'::regprocedure LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO {OWNER}', one.name);
    END LOOP;
    IF (SELECT proowner FROM pg_proc WHERE oid = 'handrail.capture()'::regprocedure) <> '{WITNESS}'::regrole THEN
        GRANT CREATE ON SCHEMA handrail TO {WITNESS};
        ALTER FUNCTION handrail.capture() OWNER TO {WITNESS};
        REVOKE CREATE ON SCHEMA handrail FROM {WITNESS};
    END IF;
END $$"""


def script() -> list[str]:
    """What gives the schema its owner and the groups their rights, statement by statement."""
    return [*_roles(), *_admission(), "ALTER SCHEMA handrail OWNER TO " + OWNER, OWN, *_rights()]


def may_make_roles(connection: Connection) -> bool:
    """Whether this login could send the script."""
    found = connection.execute(text("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = session_user"))
    return bool(found.scalar_one())


def give(connection: Connection) -> None:
    """Sends the script, in the caller's transaction."""
    for statement in script():
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def missing(connection: Connection) -> list[str]:
    """The group roles that there are not."""
    wanted = [OWNER, WITNESS, *(f"handrail_{group}" for group in GROUPS)]
    there = set(
        connection.scalars(text("SELECT rolname FROM pg_roles WHERE rolname = ANY (:wanted)"), {"wanted": wanted})
    )
    return [role for role in wanted if role not in there]


def _roles() -> Iterator[str]:
    for role in (OWNER, WITNESS, *(f"handrail_{group}" for group in GROUPS)):
        yield (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') "
            f"THEN CREATE ROLE {role} NOLOGIN; END IF; END $$"
        )
    # a login that may only make roles must be a member to give things to the owner; doctor says that it is
    yield (
        "DO $$ BEGIN IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN "
        f"EXECUTE format('GRANT {OWNER}, {WITNESS} TO %I', session_user); END IF; END $$"
    )
    for group in GROUPS:
        yield f"GRANT handrail_{group} TO {OWNER} WITH ADMIN OPTION"


def _admission() -> Iterator[str]:
    groups = ", ".join(f"'{group}'" for group in GROUPS)
    for name, verb, word, event in (
        ("admit", "GRANT", "TO", "group given"),
        ("dismiss", "REVOKE", "FROM", "group taken"),
    ):
        yield ADMIT.format(name=name, verb=verb, word=word, event=event, groups=groups, owner=OWNER)
        yield f"REVOKE EXECUTE ON FUNCTION handrail.{name}(text, text) FROM PUBLIC"


def _rights() -> Iterator[str]:
    everybody = ", ".join([WITNESS, *(f"handrail_{group}" for group in GROUPS)])
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA handrail FROM PUBLIC, {everybody}"
    yield f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA handrail FROM PUBLIC, {everybody}"
    yield "GRANT EXECUTE ON FUNCTION handrail.is_other() TO PUBLIC"  # a WHEN is asked as whoever writes
    yield f"GRANT USAGE ON SCHEMA handrail TO {everybody}"
    for right in WITNESSED:
        yield f"GRANT {right} TO {WITNESS}"
    yield f"GRANT SELECT ON handrail.alembic_version TO {everybody}"
    yield f"GRANT EXECUTE ON FUNCTION {', '.join(f'handrail.{one}' for one in FUNCTIONS)} TO {everybody}"
    for group, rights in GIVEN.items():
        for right in rights:
            yield f"GRANT {right} TO handrail_{group}"
        if ALL in rights and group != "engineer":
            for table, columns in VALUES.items():
                yield f"REVOKE SELECT ON {table} FROM handrail_{group}"
                yield f"GRANT SELECT ({columns}) ON {table} TO handrail_{group}"
