"""A step that a person mended, undid or left out by hand: recorded with the reason, after it was looked at."""

from __future__ import annotations

from typing import Literal

from console.engine import captures, drift, proving
from console.engine.errors import NotMended, RunRefused
from console.engine.executor import Executor
from console.engine.journey import found, plan_of, upcoming
from console.engine.plan import Item, Plan
from console.engine.rollback import to_undo
from console.engine.steps import Finish, Observe, Step
from db import journal
from db.models import Run, StepRun
from db.queries import runs

How = Literal["done", "undone", "skipped"]


def resolve(executor: Executor, run: int, step: str, how: How, reason: str) -> None:
    """Raises RunRefused where that cannot be said of the step now, NotMended where the database says otherwise."""
    if not reason.strip():
        raise RunRefused("A reason is needed.", "Say what was done by hand: --reason TEXT")
    with executor.transaction() as session:
        row = found(session, run)
        plan = plan_of(row)
        item = plan.item(step)
        mended = _require(plan, row, item, how)
    work = executor.given(run, plan, item, mended)
    with executor.transaction():
        stands = mended.stands(work, back=how == "undone")
    if stands is False and how != "skipped":
        asked = "its done_when" if mended.done_when else f"its kind, {item.kind},"
        raise NotMended(
            f"{step} does not look {how}: {asked} says that it is not.", "Mend it first; nothing was recorded."
        )
    with executor.transaction() as session:
        row = found(session, run)
        _require(plan, row, item, how)
        proving.forget(session, run, item.position)
        # who did it by hand neither carried what others wrote nor began to keep it
        if how == "undone":
            captures.around(work, plan.captures(item, back=True), dict)
        else:
            captures.begun_with(work, plan.captures(item), dict)
        if row.state != "rolling back":
            journal.turn(session, row, "paused")
        if how == "undone":
            journal.stand(session, row, None, None)
        else:
            drift.keep(session, row, item.position)
        one = session.get_one(StepRun, (run, item.position))
        said = journal.end(
            session, one, how, "step resolved", resolved=how, reason=reason, looked_at=stands is not None
        )
    if how != "undone":
        proving.keep(executor, run, item.position)
    executor.tell(said)


def _require(plan: Plan, run: Run, item: Item, how: How) -> Step:
    """The step, where it is its turn: the next one forwards, the last one backwards."""
    if not isinstance(item.what, Step):
        raise RunRefused(f"{item.id} is a checkpoint; it is measured, not resolved.", "Mend the data and resume.")
    if isinstance(item.what, Finish):
        raise RunRefused(f"{item.id} is passed, not resolved.", f"To pass it: handrail finish {run.id}")
    if run.state in runs.OVER:
        raise RunRefused(f"Run {run.id} is {run.state}.", "See: handrail status")
    if how == "done" and isinstance(item.what, Observe) and item.what.gate:
        raise RunRefused(
            f"{item.id} is shortened by sign-off alone.", f"To sign it: handrail sign {run.id} {item.id} --approve"
        )
    if how == "skipped" and not item.what.may_skip:
        raise RunRefused(
            f"The plan does not allow that {item.id} is skipped.", "Only a step with may_skip = true may be."
        )
    if how == "undone":
        last = next(iter(to_undo(plan, run, None)), None)
        if last is None or last[0].id != item.id:
            turn = f"the last one that was begun is {last[0].id}" if last else "no step was begun"
            raise RunRefused(f"{item.id} cannot be undone now: {turn}.", "See: handrail status")
    elif run.state == "rolling back":
        raise RunRefused(f"Run {run.id} is being rolled back.", "Only --undone can be said of its steps now.")
    elif (turn_of := upcoming(plan, run)) is None or turn_of.id != item.id:
        raise RunRefused(
            f"It is not the turn of {item.id}: next is {turn_of.id if turn_of else 'the end'}.", "See: handrail status"
        )
    return item.what
