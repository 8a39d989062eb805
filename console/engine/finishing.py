"""What the point of no return would remove, said before it is passed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from console.engine import journey, rollback
from console.engine.decisions import answering
from console.engine.errors import RunRefused
from console.engine.plan import Plan
from console.engine.rollback import Counted
from console.engine.statements import filled, statements_of
from console.engine.steps import Finish
from db.models import Run

SIZE = text(
    """
    SELECT greatest(reltuples, 0)::bigint AS rows, pg_size_pretty(pg_total_relation_size(oid)) AS size
    FROM pg_class WHERE oid = to_regclass(:table) AND relkind IN ('r', 'p')
    """
)


@dataclass(frozen=True)
class Final:
    """`kept` is what a rollback could still carry back or set aside; `removed` a line for each table that goes."""

    run: int
    plan: str
    step: str
    title: str
    kept: list[Counted]
    removed: list[str]
    script: str


def preview(session: Session, run: Run) -> Final:
    """Raises RunRefused where the run is not before its finish."""
    plan = journey.plan_of(run)
    item = journey.upcoming(plan, run)
    if item is None or not isinstance(item.what, Finish):
        last = plan.items[-1]
        if not isinstance(last.what, Finish):
            raise RunRefused(f"Plan {plan.id} has no point of no return.", "It is done with its last step.")
        if item is None:
            journey.require_not_finished(run)
        before = f"It waits before {item.id}." if item else "See: handrail status"
        raise RunRefused(f"Run {run.id} is not at its finish yet.", before)
    begun = [one for one in plan.items if one.position < item.position]
    session.execute(text('SET LOCAL search_path = "$user", public'))
    return Final(
        run.id, plan.id, item.id, item.what.title, rollback.captured(session, plan, run, begun),
        list(_removed(session, plan, run, item.what)), plan.script(item),
    )  # fmt: skip


def _removed(session: Session, plan: Plan, run: Run, finish: Finish) -> Iterator[str]:
    sql = filled(finish.script(plan.target, plan.sources), answering.parameters_of(session, run, plan))
    for statement in statements_of(sql):
        if type(statement.node).__name__ != "DropStmt":
            continue
        for name in statement.node.objects:
            table = ".".join(part.sval for part in name) if isinstance(name, tuple) else ""
            if table and (found := session.execute(SIZE, {"table": table}).one_or_none()):
                yield f"table {table}: about {found.rows:,} rows, {found.size}".replace(",", " ")
