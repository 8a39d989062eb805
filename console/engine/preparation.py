"""Giving a database what handrail needs: its schema, its tables, and the name of the target that it is."""

from __future__ import annotations

import re

from sqlalchemy import text

from console.engine.errors import WrongTarget
from db import revisions
from db.session import Target

NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")


def prepare(target: Target, name: str) -> None:
    """Creates or updates the schema `handrail`; safe to call again. A database keeps the name it has."""
    if not NAME.fullmatch(name):
        raise WrongTarget(f"{name!r} is no name for a target.", "Small letters, digits and dashes, from a letter on.")
    with target.executor_connection("handrail: prepare") as connection, connection.begin():
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS handrail"))
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
