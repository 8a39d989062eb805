"""What is looked at before a run begins: each finding says what was found and what to do.

`wrong` refuses the run, `warning` is shown and journalled. Nothing here changes anything, and nothing here fails for
want of a right: what a login may not see is said to be not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from console.engine.doctor import Finding, rights
from console.engine.errors import RunRefused
from console.engine.plan import Plan
from console.engine.pooler import require_own_backend
from console.engine.preflight.commands import of_commands
from console.engine.preflight.disk import of_disk
from console.engine.preflight.server import of_extensions, of_replication, of_server
from console.engine.preflight.sessions import of_prepared, of_sessions
from console.engine.preflight.signers import of_signers
from console.engine.preflight.tables import locked_by, needed_by, of_left_over, of_tables
from console.engine.steps import Backup
from db.queries import health
from db.queries.tables import largest, left_indexes, named, unvalidated
from db.session import Target
from db.text import one_line

__all__ = ["before_run", "findings", "looked_at", "told"]


def before_run(target: Target, plan: Plan) -> list[Finding]:
    """The findings on a connection as the executor has; raises RunRefused for a pooler in transaction mode."""
    require_own_backend(target)
    with target.executor_connection("handrail: preflight") as connection, connection.begin():
        return findings(connection, target, plan)


def looked_at(session: Session, target: Target, plan: Plan) -> list[Finding]:
    """The findings in a question's transaction; raises RunRefused for the first that is wrong."""
    found = findings(session.connection(), target, plan)
    if wrong := next((finding for finding in found if finding.state == "wrong"), None):
        raise RunRefused(f"{wrong.about}: {wrong.found}.", wrong.hint)
    return found


def findings(connection: Connection, target: Target, plan: Plan) -> list[Finding]:
    """Everything that there is to say; asked inside the open transaction of the executor's connection."""
    server = health.server(connection)
    needed = needed_by(plan)
    tables = named(connection, sorted({*needed, *locked_by(plan)}))
    most = largest(connection, [table for table in tables if not table.ours])
    found = [
        *of_server(server),
        *of_extensions(plan.written.extensions, health.extensions(connection)),
        *rights(connection),
        *of_tables(tables, needed, server.login),
        *of_sessions(health.sessions(connection)),
        *of_prepared(health.prepared(connection)),
        *of_left_over(left_indexes(connection), unvalidated(connection)),
        *of_replication(health.replicas(connection), health.idle_slots(connection), server),
        *of_signers(connection, plan),
        *of_commands(plan),
        *of_disk(server, most, any(isinstance(item.what, Backup) for item in plan.items)),
    ]
    return [
        replace(one, about=one_line(one.about), found=one_line(one.found), hint=one_line(one.hint)) for one in found
    ]


def told(findings: Iterable[Finding]) -> list[str]:
    """A line for each that is not ok: what it is about, what was found, what to do."""
    return [f"{one.state}: {one.about}: {one.found}. {one.hint}" for one in findings if one.state != "ok"]
