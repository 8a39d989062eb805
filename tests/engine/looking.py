"""What preflight says of a target, for tests to compare."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from console.engine import preflight, reading
from console.engine.doctor import Finding
from console.engine.plan import Plan
from db.session import Target
from tests.driving import ONE_STEP, ask, tiny

FILL = """
id = "fill"
kind = "backfill"
table = "person"
key = "id"
set = "email = lower(r.email)"
where = "r.email <> lower(r.email)"
undo = "-- nothing to undo: case"
"""
COPY = """
id = "copy"
kind = "backfill"
table = "person"
key = "id"
into = "copied"
columns = { id = "r.id", email = "r.email" }
undo = "TRUNCATE copied"
"""
BACKUP = '\nid = "dump"\nkind = "backup"\n'
SQL = '\nid = "one"\nkind = "sql"\nsql = "ALTER TABLE person ADD COLUMN a int"\nundo = "-- none"\n'


def looked(target: Target, plan: Plan | None = None) -> list[Finding]:
    with target.executor_connection("test") as connection, connection.begin():
        return preflight.findings(connection, target, plan or tiny(FILL))


def about(target: Target, about: str, plan: Plan | None = None) -> list[tuple[str, str, str]]:
    return [(one.state, one.found, one.hint) for one in looked(target, plan) if one.about == about]


def told(target: Target, plan: Plan | None = None) -> str:
    return "\n".join(preflight.told(looked(target, plan)))


def wanting(*extensions: str) -> Plan:
    plan = ONE_STEP.replace('title = "Tiny"', f'title = "Tiny"\nextensions = {json.dumps(extensions)}') + FILL
    return reading.parse(plan, "tiny.toml", lambda name: "")


@contextmanager
def as_login(target: Target, name: str) -> Iterator[Target]:
    """The target, reached with a login that may do nothing yet."""
    ask(target, f"CREATE ROLE {name} LOGIN")
    other = Target(target.url.replace("postgres@", f"{name}@"))
    try:
        yield other
    finally:
        ask(target, f"DROP OWNED BY {name}")
        ask(target, f"DROP ROLE {name}")
