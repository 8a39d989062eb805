"""Whether what was undone is as it was before: the database beside its fingerprint from then (FM-H3).

One is taken when a run begins, and one of the schema alone after each item: wherever a rollback ends, something is
compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from console.engine.errors import NotAsBefore
from console.engine.executor import Executor
from console.engine.plan import Item, Plan
from console.engine.retrying import known_error, retried
from console.engine.steps import Step
from db import fingerprint
from db.errors import LockNotGranted, StatementFailed
from db.fingerprint import Fingerprint
from db.models import Run
from db.queries import runs

PATIENCE = 2.0  # seconds for a lock on a table that only the fingerprint wants
NAMED = 50

OF_NOBODY = text("SELECT set_config('search_path', 'public', true)")
FORGET = text("DELETE FROM handrail.landmark WHERE run_id = :run AND position = :position")
KEEP = text("INSERT INTO handrail.landmark (run_id, position, schema) VALUES (:run, :position, CAST(:schema AS jsonb))")
KEPT = text("SELECT schema FROM handrail.landmark WHERE run_id = :run AND position = :position")


def take(executor: Executor, *, content: bool = True) -> Fingerprint:
    """Of the whole database, between two steps; what others lock or drop meanwhile is waited for."""

    def once(patience: float) -> Fingerprint:
        with executor.hold.transaction(patience) as session:
            return _seen(session, content=content)

    return retried(once, PATIENCE, lambda seconds: executor.stop.rest(seconds, lambda: False), lambda again: None)


def _seen(session: Session, *, content: bool) -> Fingerprint:
    """As every login writes it: whose schema bears its own name would leave that out of definitions."""
    session.execute(OF_NOBODY)
    return fingerprint.take(session.connection(), content=content)


def forget(session: Session, run: int, position: int) -> None:
    """Before an item is done: wherever that ends, nothing older is compared with."""
    session.execute(FORGET, {"run": run, "position": position})


def keep(executor: Executor, run: int, position: int) -> None:
    """Keeps how the schema stands after an item; where an object of it is locked just now, nothing is kept."""
    try:
        with executor.hold.transaction(PATIENCE) as session:
            schema = _seen(session, content=False)
            forget(session, run, position)
            session.execute(KEEP, {"run": run, "position": position, "schema": json.dumps(schema.stored())})
    except (DBAPIError, StatementFailed) as error:
        if not isinstance(known_error(error), StatementFailed):
            raise  # a session that was lost is not gone on without


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
    """Ends a rollback whose last was `undone`: the schema must be as it was before that was done.

    A checkpoint that was undone changed nothing: as it stood then is as good. What a person undoes is not undone yet.
    """
    by_hand = isinstance(undone.what, Step) and undone.what.waits_for_person
    with executor.transaction() as session:
        kept = next(((then, schema) for then, schema in _stood(session, run, plan, undone) if schema), None)
    after = _now(executor) if kept and not by_hand else None
    if kept is None or after is None:
        executor.turn(run, "paused", "run paused", before=undone.id, schema="not known")
        return
    then, before = kept
    differs = fingerprint.differences(Fingerprint.restored(before), after)
    said = {"schema": f"differs from {then}", "differs": differs[:NAMED]} if differs else {"schema": f"as {then}"}
    executor.turn(run, "paused", "run paused", before=undone.id, **said)
    _require_none(differs, run, f"Undone down to {undone.id}", then)


def _now(executor: Executor) -> Fingerprint | None:
    """Of the schema; None where others do not let go of an object."""
    try:
        return take(executor, content=False)
    except LockNotGranted:
        return None


def _stood(session: Session, run: int, plan: Plan, undone: Item) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """When the schema stood as it does before `undone`, in words; and how it stood, where that was kept."""
    for item in (undone, *(one for one in plan.items if one.position == undone.position - 1)):
        if item.kind == "checkpoint":
            yield f"at {item.id}", session.scalar(KEPT, {"run": run, "position": item.position})
        elif item is not undone:
            yield f"after {item.id}", session.scalar(KEPT, {"run": run, "position": item.position})
    if undone.position == 1:
        yield "before", session.get_one(Run, run).fingerprint


def _require_none(differs: list[str], run: int, done: str, then: str) -> None:
    if differs:
        more = f" and {len(differs) - 5} more" if len(differs) > 5 else ""
        raise NotAsBefore(
            f"{done}, but the schema is not as {then}: {', '.join(differs[:5])}{more}.",
            f"handrail status {run} names them; somebody else may have changed them.",
        )
