"""The tables that a plan works on, and what interrupted work left on any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.engine import locks
from console.engine.doctor import REFUSED, Finding
from console.engine.plan import Checkpoint, Plan
from console.engine.preflight.wording import listed
from console.engine.steps import Backfill
from db.queries.tables import LeftIndex, Table


def of_tables(tables: Sequence[Table], needed: dict[str, set[str]], login: str) -> Iterator[Finding]:
    """A crash empties what is unlogged (FM-B8); a batch needs its rights on the tables that are there already."""
    for table in tables:
        wanted = needed.get(table.plain_name, set()) | needed.get(table.name or "", set())
        if table.unlogged and (table.ours or wanted):
            hint = f"ALTER TABLE {table.full_name} SET LOGGED"
            found = f"{table.full_name} is emptied by a crash of the server"
            yield Finding("wrong" if table.ours else "warning", "unlogged table", found, hint, REFUSED)
        missing = ", ".join(sorted(wanted - set(table.rights)))
        if missing:
            hint = f"GRANT {missing} ON {table.full_name} TO {login}"
            yield Finding("wrong", f"right: {table.full_name}", f"no {missing}", hint, REFUSED)
        if wanted and not table.enters:
            hint = f"GRANT USAGE ON SCHEMA {table.schema} TO {login}"
            yield Finding("wrong", f"right: schema {table.schema}", "no USAGE", hint, REFUSED)


def of_left_over(indexes: Sequence[LeftIndex], constraints: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """What interrupted work left: pg_dump does not show it (FM-H3), and IF NOT EXISTS takes it for done (F5)."""
    if names := [one.name for one in indexes if not one.of_reindex]:
        hint = f"DROP INDEX CONCURRENTLY {names[0]}, then build it anew"
        yield Finding("warning", "INVALID index", listed(names), hint)
    if names := [one.name for one in indexes if one.of_reindex]:
        hint = f"DROP INDEX CONCURRENTLY {names[0]}; the index beside it stands"
        yield Finding("warning", "left by REINDEX", listed(names), hint)
    if constraints:
        table, name = constraints[0]
        hint = f"Old rows may break it: ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
        yield Finding("warning", "NOT VALID constraint", listed([".".join(one) for one in constraints]), hint)


def needed_by(plan: Plan) -> dict[str, set[str]]:
    """The rights that backfills need on their tables: what they copy from they lock FOR SHARE, which is UPDATE's."""
    needed: dict[str, set[str]] = {}
    for step in (item.what for item in plan.items if isinstance(item.what, Backfill)):
        needed.setdefault(step.table.lower(), set()).update(("SELECT", "UPDATE"))
        if step.into:
            needed.setdefault(step.into.lower(), set()).update(("SELECT", "INSERT"))
    return needed


def locked_by(plan: Plan) -> set[str]:
    """The tables that the plan's SQL writes or alters, as far as SQL tells."""
    steps = [item.what for item in plan.items if not isinstance(item.what, Checkpoint)]
    return {lock.table for step in steps for lock in locks.of(step.script(plan.target, plan.sources))}
