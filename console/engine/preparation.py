"""Giving a database what handrail needs: its schema, its tables, and the name of the target that it is."""

from __future__ import annotations

import re

from sqlalchemy import text

from console.engine import rights
from console.engine.errors import WrongTarget
from db import revisions
from db.errors import RightMissing
from db.session import Target

SCHEMA = "CREATE SCHEMA IF NOT EXISTS handrail"
STAMP = "CREATE TABLE handrail.alembic_version"
NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")


def prepare(target: Target, name: str) -> None:
    """Creates or updates the schema `handrail`; safe to call again. A database keeps the name it has."""
    _require_name(name)
    with target.executor_connection("handrail: prepare") as connection, connection.begin():
        connection.execute(text(SCHEMA))
        revisions.upgrade_all(connection, revisions.OWN)
        connection.execute(
            text("INSERT INTO handrail.fence (epoch) SELECT 0 WHERE NOT EXISTS (SELECT FROM handrail.fence)")
        )
        known = connection.execute(text("SELECT name FROM handrail.target")).scalar()
        if known is None:
            connection.execute(text("INSERT INTO handrail.target (name) VALUES (:name)"), {"name": name})
        elif known != name:
            raise WrongTarget(
                f"This database is prepared as target {known}, not {name}.",
                f"Say --name {known}.",
            )
    target.name = name


def arrange(target: Target, name: str, *, roles: bool = True) -> str:
    """prepare(), and the groups with their rights; what could not be done of it, and why, or nothing."""
    prepare(target, name)
    if not roles:
        return ""
    with target.executor_connection("handrail: prepare") as connection, connection.begin():
        if not rights.may_make_roles(connection):
            there = "are not brought up to date" if not rights.missing(connection) else "are not made"
            return f"The groups {there}: this login may not make roles. Have one that may send: handrail init --print"
    try:
        with target.executor_connection("handrail: prepare") as connection, connection.begin():
            rights.give(connection)
    except RightMissing as missing:
        return f"The groups have not got their rights. {missing.message} Have one that may send: handrail init --print"
    return ""


def script(target: Target, name: str, *, roles: bool = True) -> list[str]:
    """What arrange() would send to this database, statement by statement, for people to read."""
    _require_name(name)
    with target.executor_connection("handrail: prepare") as connection, connection.begin():
        there = connection.scalar(text("SELECT to_regclass('handrail.alembic_version') IS NOT NULL"))
        here = revisions.current(connection, revisions.OWN) if there else None
    pending = [revision for revision in revisions.known(revisions.OWN) if here is None or revision > here]
    sent = [] if there else [SCHEMA, f"{STAMP} (version_num varchar(32) PRIMARY KEY)"]
    for revision in pending:
        sent.append(f"-- revision {revision}\n{revisions.rendered(revisions.OWN, revision)}")
    if pending:
        sent.append(
            f"DELETE FROM handrail.alembic_version;\nINSERT INTO handrail.alembic_version VALUES ('{pending[-1]}')"
        )
    sent.append(f"INSERT INTO handrail.target (name) SELECT '{name}' WHERE NOT EXISTS (SELECT FROM handrail.target)")
    return [*sent, *(rights.script() if roles else [])]


def _require_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise WrongTarget(f"{name!r} is no name for a target.", "Small letters, digits and dashes, from a letter on.")
