"""What must hold of a plan's captures and of its finish, without a database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from console.engine.captures.declared import Capture
from console.engine.errors import PlanError
from console.engine.plan import Checkpoint, Item, Plan
from console.engine.statements import statements_of
from console.engine.steps import Finish, Step

At = Callable[[tuple[str | int, ...]], AbstractContextManager[None]]


def require_captured(plan: Plan, at: At) -> None:
    """Raises PlanError at what is wrong; `at` puts file and line in front of it."""
    ids = [one.id for one in plan.written.capture]
    tables = [one.table.lower() for one in plan.written.capture]
    for place, capture in enumerate(plan.written.capture):
        with at(("capture", place)):
            if ids.count(capture.id) > 1:
                raise PlanError(f"the id {capture.id!r} stands twice.", "Rename one.")
            if tables.count(capture.table.lower()) > 1:
                raise PlanError(f"table: {capture.table} is captured twice.", "One capture keeps all that is written.")
            _require_begun(plan, capture)
            _require_expressions(capture)
    finishes = [item for item in plan.items if isinstance(item.what, Finish)]
    with at(_loc(plan, finishes[0]) if finishes else ("capture", 0)):
        _require_finish(plan, finishes)


def _require_begun(plan: Plan, capture: Capture) -> None:
    found = next((item.what for item in plan.items if item.id == capture.since), None)
    if not isinstance(found, Step):
        steps = ", ".join(item.id for item in plan.items if isinstance(item.what, Step))
        raise PlanError(f"since: there is no step {capture.since!r}.", f"There are: {steps}")
    if not found.undone_at_once or isinstance(found, Finish):
        raise PlanError(
            f"since: {capture.since} is not undone in one transaction.", "Name the step that changes the table's rows."
        )


def _require_expressions(capture: Capture) -> None:
    for name, expression in capture.columns.items():
        if len(statements_of(f"SELECT {expression}")) != 1:
            raise PlanError(f"columns.{name}: this is one expression over the row r.", "For example: lower(r.email)")


def _require_finish(plan: Plan, finishes: list[Item]) -> None:
    if not finishes:
        if plan.written.capture:
            raise PlanError(
                "what is captured needs an end: a step of kind finish.",
                "Put it last, behind a checkpoint with a gate; without it the table would be captured for ever.",
            )
        return
    before = plan.items[finishes[0].position - 2] if finishes[0].position > 1 else None
    if len(finishes) > 1 or finishes[0].position != len(plan.items):
        raise PlanError("a finish stands once, as the last thing of the plan.", "What comes after it is another plan.")
    if before is None or not isinstance(before.what, Checkpoint) or before.what.gate is None:
        raise PlanError(
            "before a finish stands a checkpoint with a gate.", "Nothing is final that nobody has signed for."
        )


def _loc(plan: Plan, wanted: Item) -> tuple[str | int, ...]:
    for p, phase in enumerate(plan.written.phase):
        for s, step in enumerate(phase.step):
            if step.id == wanted.id:
                return ("phase", p, "step", s)
    return ()
