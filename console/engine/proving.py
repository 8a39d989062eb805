"""Whether what was undone is as it was before: the database beside its fingerprint from then (FM-H3).

One is taken when a run begins, and one of the schema alone at each checkpoint that passes.
"""

from __future__ import annotations

import json
from contextlib import suppress

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from console.engine.errors import NotAsBefore
from console.engine.executor import Executor
from console.engine.plan import Item, Plan
from console.engine.retrying import retried
from db import fingerprint
from db.errors import StatementFailed
from db.fingerprint import Fingerprint
from db.models import Run
from db.queries import runs

PATIENCE = 2.0  # seconds for a lock on a table that only the fingerprint wants
NAMED = 50

FORGET = text("DELETE FROM handrail.landmark WHERE run_id = :run AND position = :position")
KEEP = text("INSERT INTO handrail.landmark (run_id, position, schema) VALUES (:run, :position, CAST(:schema AS jsonb))")
KEPT = text("SELECT schema FROM handrail.landmark WHERE run_id = :run AND position = :position")


def take(executor: Executor, *, content: bool = True) -> Fingerprint:
    """Of the whole database, between two steps; what others lock or drop meanwhile is waited for."""

    def once(patience: float) -> Fingerprint:
        with executor.hold.transaction(patience) as session:
            return fingerprint.take(session.connection(), content=content)

    return retried(once, PATIENCE, lambda seconds: executor.stop.rest(seconds, lambda: False), lambda again: None)


def forget(executor: Executor, run: int, checkpoint: Item) -> None:
    """Before a checkpoint is measured: wherever that ends, nothing older is compared with."""
    with executor.transaction() as session:
        session.execute(FORGET, {"run": run, "position": checkpoint.position})


def keep(executor: Executor, run: int, checkpoint: Item) -> None:
    """Keeps how the schema stands at a checkpoint; where an object of it is locked just now, nothing is kept."""
    with suppress(DBAPIError, StatementFailed), executor.hold.transaction(PATIENCE) as session:
        schema = fingerprint.take(session.connection(), content=False)
        place = {"run": run, "position": checkpoint.position}
        session.execute(KEEP, {**place, "schema": json.dumps(schema.stored())})


def end(executor: Executor, run: int) -> None:
    """Ends a rollback to the start. The schema must be equal; content differs by what was kept."""
    after = take(executor)
    with executor.transaction() as session:
        before = Fingerprint.restored(session.get_one(Run, run).fingerprint)
        aside = runs.set_aside(session, run)
    differs = fingerprint.differences(before, after)
    content = fingerprint.content_differences(before, after)
    executor.turn(run, "rolled back", "run rolled back", schema="differs" if differs else "as before",
                  differs=differs[:NAMED], content=content, set_aside=aside)  # fmt: skip
    _require_none(differs, run, "Everything is undone", "before")


def end_part(executor: Executor, run: int, plan: Plan, undone: Item) -> None:
    """Ends a rollback whose last was `undone`. Where the run stands at a checkpoint, the schema must be as it was then.

    So it does before the first step after a checkpoint, and at one that was undone itself: measuring changes nothing.
    """
    near = (undone, *(item for item in plan.items if item.position == undone.position - 1))
    with executor.transaction() as session:
        kept = [(item.id, then) for item in near if (then := _kept(session, run, item))]
    if not kept:
        executor.turn(run, "paused", "run paused", before=undone.id)
        return
    checkpoint, then = kept[0]
    differs = fingerprint.differences(then, take(executor, content=False))
    said = {"schema": f"differs from {checkpoint}", "differs": differs[:NAMED]}
    executor.turn(run, "paused", "run paused", before=undone.id,
                  **said if differs else {"schema": f"as at {checkpoint}"})  # fmt: skip
    _require_none(differs, run, f"Undone down to {undone.id}", f"at checkpoint {checkpoint}")


def _kept(session: Session, run: int, item: Item) -> Fingerprint | None:
    found = session.scalar(KEPT, {"run": run, "position": item.position}) if item.kind == "checkpoint" else None
    return Fingerprint.restored(found) if found else None


def _require_none(differs: list[str], run: int, done: str, then: str) -> None:
    if differs:
        raise NotAsBefore(
            f"{done}, but {len(differs)} objects differ from {then}: {', '.join(differs[:5])}.",
            f"handrail status {run} names them; somebody else may have changed them.",
        )
