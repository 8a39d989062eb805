"""What works on this machine and on a target, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from db import postgres
from db.errors import HandrailError, NotPrepared
from db.queries import activity, runs
from db.session import Target

ENOUGH_BYTES = 1_000_000_000

RIGHTS = text(
    """
    SELECT r.rolname, r.rolsuper, r.rolcreatedb OR r.rolsuper AS creates_databases,
           r.rolbypassrls OR r.rolsuper AS sees_all_rows,
           has_database_privilege(current_database(), 'CREATE') AS creates_schemas,
           pg_has_role('pg_read_all_stats', 'USAGE') AS sees_activity
    FROM pg_roles r WHERE r.rolname = current_user
    """
)


@dataclass(frozen=True)
class Finding:
    state: Literal["ok", "warning", "wrong"]
    about: str
    found: str
    hint: str = ""
    exit_code: int = 2


def about_machine() -> list[Finding]:
    home = postgres.home()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    server = postgres.running()
    return [
        Finding("ok", "python", platform.python_version()),
        Finding("ok", "home", str(home))
        if os.access(there, os.W_OK)
        else Finding("wrong", "home", f"{home} cannot be written.", "Set HANDRAIL_HOME to a folder that can."),
        Finding("ok", "disk", f"{free / 1e9:.0f} GB free")
        if free > ENOUGH_BYTES
        else Finding("warning", "disk", f"{free / 1e6:.0f} MB free", "A backup needs room for a dump."),
        Finding("ok", "embedded server", f"runs, PostgreSQL {server.version}" if server else "not running"),
    ]


def about_target(target: Target) -> list[Finding]:
    """Raises ConnectionFailed where nobody answers."""
    with target.session() as session:
        findings = [Finding("ok", "target", f"{target.label}, PostgreSQL {activity.server_version(session)}")]
        findings += _rights(session)
        major = int(activity.server_version(session).split(".")[0])
    findings.append(_dump_program(major))
    findings.append(_prepared(target))
    return findings


def _rights(session: Session) -> list[Finding]:
    login = session.execute(RIGHTS).one()
    wanted = [
        (login.creates_schemas, "wrong", "schemas", f"GRANT CREATE ON DATABASE ... TO {login.rolname}"),
        (login.creates_databases, "warning", "scratch database", f"for backups: ALTER ROLE {login.rolname} CREATEDB"),
        (login.sees_all_rows, "warning", "row security", "under FORCE, give this login a policy USING (true)"),
        (login.sees_activity, "warning", "activity", f"to see blockers: GRANT pg_read_all_stats TO {login.rolname}"),
    ]  # fmt: skip
    return [
        Finding("ok", f"right: {about}", "yes") if has else Finding(state, f"right: {about}", "no", hint, 6)  # type: ignore[arg-type]
        for has, state, about, hint in wanted
    ]


def _dump_program(major: int) -> Finding:
    try:
        return Finding("ok", "pg_dump", str(postgres.binary("pg_dump", major)))
    except HandrailError as error:
        return Finding("warning", "pg_dump", error.message, error.hint)


def _prepared(target: Target) -> Finding:
    try:
        with target.session() as session:
            name = runs.target_name(session)
    except NotPrepared as error:
        return Finding("wrong", "prepared", "no", error.hint)
    return Finding("ok", "prepared", f"as target {name}")
