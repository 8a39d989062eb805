"""What a rollback would undo and keep, said before anything is undone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from console.engine.captures.counting import written
from console.engine.decisions import answering
from console.engine.plan import Item, Plan
from console.engine.reading import frozen
from console.engine.statements import filled, send
from console.engine.steps import Step
from db.models import Run, StepRun

UNTOUCHED = ("waiting", "undone")


@dataclass(frozen=True)
class Counted:
    """What others wrote since the run began, how many rows, and what becomes of them."""

    title: str
    rows: int
    rule: str

    def told(self) -> dict[str, object]:
        return {"title": self.title, "rows": self.rows, "rule": self.rule}


@dataclass(frozen=True)
class Preview:
    """`undone` in the order in which it happens; `seconds` is the sum of what the steps took forwards."""

    run: int
    plan: str
    undone: list[Item]
    kept: list[Counted]
    seconds: float


def preview(session: Session, run: Run, to: str | None = None) -> Preview:
    plan = frozen(run.plan_text, run.sources)
    items = [item for item, _ in to_undo(plan, run, to)]
    took = {step.position: step.seconds or 0.0 for step in run.steps}
    # the plan's own questions name tables as its steps do
    session.execute(text('SET LOCAL search_path = "$user", public'))
    kept = captured(session, plan, run, items)
    if to is None or plan.item(to).position == 1:
        kept += counted(session, plan, run)
    return Preview(run.id, run.plan, items, kept, sum(took[item.position] for item in items))


def to_undo(plan: Plan, run: Run, to: str | None, *, one: bool = False) -> list[tuple[Item, bool]]:
    """The items to undo, last first, down to and including `to`; with each, whether it may have left anything."""
    lowest = plan.item(to).position if to else 1
    steps = {step.position: step for step in run.steps}
    begun = [
        (item, _left(item, steps[item.position]))
        for item in reversed(plan.items)
        if item.position >= lowest and steps[item.position].state not in UNTOUCHED
    ]
    return begun[:1] if one else begun


def _left(item: Item, step: StepRun) -> bool:
    """A transaction stands or it does not, however its undo ended; anything else may have stopped half way."""
    if not isinstance(item.what, Step) or step.state == "skipped":
        return False
    return step.stands if item.what.transactional else True


def captured(session: Session, plan: Plan, run: Run, items: list[Item]) -> list[Counted]:
    """What others wrote to the captured tables that the undo of these items meets."""
    met = {one.id: one for item in items for one in plan.captures(item, back=True)}
    found = [(one, written(session, run.id, one)) for one in met.values()]
    return [
        Counted(f"{one.title} ({rows.told()})" if rows.rows else one.title, rows.rows,
                "carried back, or set aside where there is no place" if one.rule == "carried back" else one.rule)
        for one, rows in found if rows is not None
    ]  # fmt: skip


def counted(session: Session, plan: Plan, run: Run) -> list[Counted]:
    """The plan's own count of what was written since, where the step that it counts from is done."""
    done = {step.step for step in run.steps if step.state == "done"}
    parameters = answering.parameters_of(session, run, plan)
    return [
        Counted(kept.title, int(send(session.connection(), filled(kept.count, parameters)).scalar_one()), kept.rule)
        for kept in plan.written.kept
        if kept.since in done
    ]
