"""What works on this machine and on a target, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from console.engine import leaks
from console.engine.audit import marks
from console.engine.clients import health
from db import postgres
from db.errors import HandrailError, NotPrepared, RightMissing
from db.own import readable
from db.queries import activity, people, runs
from db.queries.people import Me
from db.session import Target

ENOUGH_BYTES = 1_000_000_000
REFUSED = 6

RIGHTS = text(
    """
    SELECT quote_ident(r.rolname) AS rolname, quote_ident(current_database()) AS database,
           r.rolcreatedb OR r.rolsuper AS creates_databases,
           r.rolbypassrls OR r.rolsuper AS sees_all_rows,
           n.oid IS NOT NULL OR has_database_privilege(current_database(), 'CREATE') AS creates_schemas,
           has_schema_privilege('public', 'CREATE') AS creates_tables,
           has_schema_privilege(n.oid, 'USAGE') AS enters_journal,
           (SELECT bool_and(has_table_privilege(c.oid, 'SELECT')
                            AND (c.relname NOT IN ('run', 'step_run', 'verdict', 'event', 'evidence', 'gate')
                                 OR has_any_column_privilege(c.oid, 'INSERT'))
                            AND (c.relname NOT IN ('run', 'step_run', 'fence')
                                 OR has_any_column_privilege(c.oid, 'UPDATE')))
            FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r') AS runs_steps,
           EXISTS (SELECT FROM pg_roles g WHERE g.rolname = 'handrail_engineer'
                   AND has_schema_privilege(g.oid, n.oid, 'USAGE')) AS has_groups,
           pg_has_role('pg_read_all_stats', 'USAGE') AS sees_activity
    FROM pg_roles r LEFT JOIN pg_namespace n ON n.nspname = 'handrail' WHERE r.rolname = current_user
    """
)


# Whoever owns the tables, or may become who does (F67), is bound by nothing that the tables say.
OWNS = text(
    """
    SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('handrail')
                   AND pg_has_role(session_user, relowner, 'MEMBER'))
    """
)
BEYOND = "keep anchors where it cannot reach: handrail audit verify --anchor FILE"

LEAK = "leak"

State = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Finding:
    state: State
    about: str
    found: str
    hint: str = ""
    exit_code: int = 2


def about_machine() -> list[Finding]:
    home = postgres.home()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    return [
        Finding("ok", "python", platform.python_version()),
        Finding("ok", "home", str(home))
        if there.is_dir() and os.access(there, os.W_OK)
        else Finding("wrong", "home", f"{home} cannot be written.", "Set HANDRAIL_HOME to a folder that can."),
        Finding("ok", "disk", f"{free / 1e9:.0f} GB free")
        if free > ENOUGH_BYTES
        else Finding("warning", "disk", f"{free / 1e6:.0f} MB free", "A backup needs room for a dump."),
        _embedded(),
    ]


def _embedded() -> Finding:
    try:
        server = postgres.running()
    except HandrailError as error:
        return Finding("warning", "embedded server", error.message, error.hint)
    return Finding("ok", "embedded server", f"runs, PostgreSQL {server.version}" if server else "not running")


def about_target(target: Target) -> list[Finding]:
    """Raises ConnectionFailed where nobody answers."""
    with target.session() as session:
        findings = [Finding("ok", "target", f"{target.label}, PostgreSQL {activity.server_version(session)}")]
        findings += rights(session.connection())
        major = int(activity.server_version(session).split(".")[0])
        owns = session.scalar(OWNS)
        leaking = _leaks(session.connection())
        searched = _searched(session)
    findings.append(_dump_program(major))
    findings += _prepared(target)
    findings += searched
    findings += leaking
    if owns:
        findings.append(Finding("warning", "journal", "this login could rewrite it, sign-offs and all", BEYOND))
    return findings


def rights(connection: Connection) -> list[Finding]:
    """What this login may do on the target, and the statement that would let it."""
    login = connection.execute(RIGHTS).one()
    name, database = login.rolname, login.database
    in_public = f"plans that make tables there: GRANT CREATE ON SCHEMA public TO {name}"
    engineer = f"GRANT handrail_engineer TO {name}"
    enters = engineer if login.has_groups else f"GRANT USAGE ON SCHEMA handrail TO {name}"
    # a target without groups, as init --no-roles leaves it
    writes = engineer if login.has_groups else (
        f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA handrail TO {name};"
        f" GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA handrail TO {name}"
    )  # fmt: skip
    wanted: list[tuple[bool | None, State, str, str]] = [
        (login.creates_schemas, "wrong", "schemas", f"GRANT CREATE ON DATABASE {database} TO {name}"),
        (login.creates_tables, "warning", "tables in public", in_public),
        (login.enters_journal, "wrong", "schema handrail", enters),
        (login.runs_steps, "wrong", "run plans", writes),
        (login.creates_databases, "warning", "scratch database", f"for backups: ALTER ROLE {name} CREATEDB"),
        (login.sees_all_rows, "warning", "row security", "under FORCE, give this login a policy USING (true)"),
        (login.sees_activity, "warning", "activity", f"to see blockers: GRANT pg_read_all_stats TO {name}"),
    ]  # fmt: skip
    return [
        Finding("ok", f"right: {about}", "yes") if has else Finding(state, f"right: {about}", "no", hint, REFUSED)
        for has, state, about, hint in wanted
        if has is not None
    ]


def _searched(session: Session) -> list[Finding]:
    """Whether the index of clients follows the target; nothing where there is none."""
    name = runs.target_name(session) if readable(session, "handrail", "target") else None
    found = health.look(session, name) if name else []
    return [Finding("ok" if well else "warning", "clients index", told, hint) for well, told, hint in found]


def _leaks(connection: Connection) -> list[Finding]:
    """What lets rows through: wrong in handrail's own schemas, worth a look in the target's."""
    ours, theirs = leaks.look(connection), leaks.elsewhere(connection)
    if not ours and not theirs:
        return [Finding("ok", LEAK, "none found")]
    return [
        *(Finding("wrong", f"{LEAK}: {one.kind}", one.sentence, one.hint, REFUSED) for one in ours),
        *(Finding("warning", f"{LEAK}: {one.kind}", one.sentence, one.hint) for one in theirs),
    ]


def _dump_program(major: int) -> Finding:
    try:
        return Finding("ok", "pg_dump", str(postgres.binary("pg_dump", major)))
    except HandrailError as error:
        return Finding("warning", "pg_dump", error.message, error.hint)


def _prepared(target: Target) -> list[Finding]:
    try:
        with target.session() as session:
            name = runs.target_name(session)
            me = people.me(session)
    except NotPrepared as error:
        return [Finding("wrong", "prepared", "no", error.hint)]
    except RightMissing as error:
        return [Finding("warning", "prepared", error.message, "See the rights above.", error.exit_code)]
    return [Finding("ok", "prepared", f"as target {name}"), _operator(me), *_restored(target)]


def _restored(target: Target) -> list[Finding]:
    """Whether the journal is older than this machine has seen it (FM-I6)."""
    with target.session() as session:
        readable_here = readable(session, "handrail", "target", "event", "head")
        how = marks.behind(session) if readable_here else ""
    return [Finding("wrong", "journal", f"older than it was: {how}", marks.ACCEPT, REFUSED)] if how else []


def _operator(me: Me) -> Finding:
    """Whose this login is: a sign-off needs to know."""
    does = ", ".join(me.groups) or "no group"
    if me.person == me.login and not me.roles:
        hint = f"to sign: handrail operator add {me.login} --person ID --name NAME --role ROLE --group approver"
        return Finding("ok", "operator", f"{me.login} is nobody's here; {does}", hint)
    signs = "shared, signs nothing" if me.shared else f"signs as {', '.join(me.roles)}" if me.roles else "signs nothing"
    return Finding("ok", "operator", f"{me.login} is {me.name}; {does}; {signs}")
