"""A run from its beginning to its end: begin, go forward, pause, go back. Screens, commands and tests call these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy.orm import Session

from console.engine import drift, gates, opening, preflight, proving
from console.engine.audit.marks import minded
from console.engine.errors import Drifted, RunRefused, UnknownRun, WrongTarget
from console.engine.executor import Executor
from console.engine.plan import Item, Plan
from console.engine.reading import frozen
from console.engine.rollback import captured, counted, to_undo
from console.engine.steps import Finish, Step
from console.engine.triggers import incident
from console.engine.triggers.firing import on_guard
from console.engine.work import PauseWanted
from db import journal
from db.errors import GateClosed, RunFinished
from db.models import Run
from db.queries import runs

Reach = Literal["one", "checkpoint", "end"]


@minded
def begin(executor: Executor, plan: Plan, asked_by: str | None = None) -> int:
    """Opens a run: the plan frozen in it, the fingerprint of the database taken. Nothing is changed yet.

    `asked_by` is the person who wants it, where that is another than who begins it: they do not sign it either.
    Raises RunRefused for the first thing of the preflight that is wrong; what else it found is journalled.
    """
    if plan.target != executor.target.name:
        raise WrongTarget(
            f"Plan {plan.id} is for target {plan.target}, and this database is {executor.target.name}.",
            "Name the right database with --target.",
        )
    with executor.transaction() as session:
        looked = preflight.looked_at(session, executor.target, plan)
    before = proving.take(executor)
    with executor.transaction() as session:
        opening.require_free(session, plan)
        opening.require_revisions_in_turn(session, plan)
        run = opening.frozen_run(plan, before, opening.person_of(session, asked_by))
        steps = [opening.waiting_step(item) for item in plan.items]
        said = [journal.open_run(session, run, steps, list(opening.gates_of(plan)))]
        number = run.id
        if warnings := preflight.told(looked):
            said.append(journal.record(session, "preflight", number, warnings=warnings))
    for event in said:
        executor.tell(event)
    return number


@minded
def forward(
    executor: Executor,
    run: int,
    reach: Reach = "end",
    *,
    until: str | None = None,
    said: bool = False,
    accepted: bool = False,
    finish: bool = False,
    despite: Sequence[str] = (),
) -> None:
    """Goes forward: one item, or to the next checkpoint, or to `until`, or to the end; the plan's triggers are armed.

    It stops for a pause that somebody asked for, before a manual step, unless `said` that it is done, and before the
    point of no return, unless a person wants to `finish`. Raises Drifted where somebody else changed the schema
    meanwhile, unless that was `accepted`; after a trigger stopped it, StillOver where one is over its limit, unless it
    goes on `despite` that one.
    """
    with executor.transaction() as session:
        row = found(session, run)
        plan = plan_of(row)
        opening.require_as_planned(session, row, plan)
        opening.require_commands(row, plan)
        last = plan.item(until).position if until else len(plan.items)
        _require_forward(row)
        stopped = incident.open_of(session, run)
        if stopped is None:
            journal.aim(session, row, "running", None)
    if stopped is not None:
        incident.settle(executor, run, plan, stopped, despite)
    with on_guard(executor, run, plan, lambda: back(executor, run)):
        _onward(executor, run, plan, last, reach, said=said, accepted=accepted, finish=finish)


def _onward(
    executor: Executor, run: int, plan: Plan, last: int, reach: Reach, *, said: bool, accepted: bool, finish: bool
) -> None:
    while True:
        with executor.transaction() as session:
            item = upcoming(plan, found(session, run))
            asked = journal.pause_asked(session, run)
        if item is None:
            executor.turn(run, "done", "run done")
            return
        if executor.stop.wanted.is_set():
            executor.turn(run, "paused", "run paused", before=item.id)
            executor.stop.require_none(f"Stopped before {item.id}.")
        if asked or item.position > last:
            executor.turn(run, "paused", "run paused", before=item.id)
            return
        if isinstance(item.what, Step) and item.what.waits_for_person and not said:
            executor.turn(run, "paused", "waits for a person", before=item.id)
            return
        if isinstance(item.what, Finish) and not finish:
            executor.turn(run, "paused", "waits for finish", before=item.id)
            return
        _require_as_left(executor, run, item, accepted=accepted)
        try:
            executor.apply(run, plan, item)
        except PauseWanted:
            return
        except GateClosed as refused:
            raise _waits(executor, run, item, refused) from refused
        proving.keep(executor, run, item.position)
        accepted = False
        if reach == "one" or (reach == "checkpoint" and item.kind == "checkpoint"):
            last = item.position if item.position < len(plan.items) else last


@minded
def back(executor: Executor, run: int, to: str | None = None, *, one: bool = False) -> None:
    """Goes back: one item, or all down to and including `to`, or everything."""
    with executor.transaction() as session:
        row = found(session, run)
        _require_last(session, row)
        require_not_finished(row)
        plan = plan_of(row)
        items = to_undo(plan, row, to, one=one)
        whole = not one and to is None
        # a rollback that was killed after its last undo has nothing left but to say so
        if row.state == "rolled back" or not (items or whole or row.state == "rolling back"):
            raise RunRefused(f"Run {run} has nothing to undo.", "See: handrail status")
        kept = captured(session, plan, row, [item for item, _ in items])
        kept += counted(session, plan, row) if whole else []
        journal.aim(session, row, "rolling back", to or (items[-1][0].id if one else None))
        journal.stand(session, row, None, None)
        event = journal.record(session, "rollback began", run, kept=[k.told() for k in kept])
    executor.tell(event)
    for item, left in items:
        with executor.transaction() as session:
            asked = journal.pause_asked(session, run)
        executor.stop.require_none(f"Stopped before {item.id} was undone.")
        if asked:
            return
        try:
            executor.take_back(run, plan, item, left=left)
        except PauseWanted:
            return
    if whole:
        proving.end(executor, run)
    elif items and all(item.kind == "checkpoint" for item, _ in items):
        executor.turn(run, "paused", "run paused", before=items[-1][0].id)
    else:  # also one that was cut off after its last undo
        proving.end_part(executor, run, plan, items[-1][0] if items else plan.item(to or plan.items[0].id))


def measure_again(executor: Executor, run: int, checkpoint: str) -> None:
    """Measures a checkpoint anew: the newest evidence alone is signed. Nothing that stands is undone for it."""
    with executor.transaction() as session:
        row = found(session, run)
        _require_forward(row)
        newest = next(iter(to_undo(plan_of(row), row, None)), None)
        waits = upcoming(plan_of(row), row)
    if waits is None or waits.id != checkpoint:
        if newest is None or newest[0].id != checkpoint:
            raise RunRefused(f"{checkpoint} is not the last thing that run {run} did.", "See: handrail status")
        back(executor, run, one=True)
    forward(executor, run, "one", until=checkpoint)


def resume(
    executor: Executor,
    run: int,
    *,
    until: str | None = None,
    said: bool = False,
    accepted: bool = False,
    despite: Sequence[str] = (),
) -> None:
    """Goes on in the direction in which the run was going."""
    with executor.transaction() as session:
        row = found(session, run)
        returning, goal = row.state == "rolling back", row.goal
    if returning:
        back(executor, run, goal)
    else:
        forward(executor, run, until=until, said=said, accepted=accepted, despite=despite)


def found(session: Session, run: int) -> Run:
    row = runs.one(session, run)
    if row is None:
        raise UnknownRun(f"There is no run {run} on this target.", "handrail status shows the newest.")
    return row


def plan_of(run: Run) -> Plan:
    """The plan as the run froze it; refused where it is no longer what was begun, and signed (I-5, FM-C10)."""
    plan = frozen(run.plan_text, run.sources)
    if plan.digest != run.digest:
        raise RunRefused(
            f"The plan kept in run {run.id} is not the one that it began with: somebody edited the journal.",
            "Find out who: handrail audit verify. Nothing of it is run.",
        )
    return plan


def upcoming(plan: Plan, run: Run) -> Item | None:
    """The first item that is not done; None at the end."""
    done = {step.position for step in run.steps if step.state in ("done", "skipped")}
    return next((item for item in plan.items if item.position not in done), None)


def require_not_finished(run: Run) -> None:
    """What the database refuses anyway (FM-H9), in more words."""
    if any(step.kind == "finish" and step.stands for step in run.steps):
        raise RunFinished(
            f"Run {run.id} is finished: what it kept for its way back was removed.", "What comes next is another plan."
        )


def _require_last(session: Session, run: Run) -> None:
    """A run that is over is taken back only where no later one stands on what it did."""
    later = runs.standing_after(session, run.id)
    if later is not None and run.state in runs.OVER:
        raise RunRefused(
            f"Run {later.id} of {later.plan} came after run {run.id}, and is {later.state}.",
            f"Take that one back first: handrail rollback {later.id}",
        )


def _require_as_left(executor: Executor, run: int, item: Item, *, accepted: bool) -> None:
    try:
        with executor.transaction() as session:
            said = drift.require_none(session, found(session, run), item, accepted=accepted)
            proving.forget(session, run, item.position)
    except Drifted:
        executor.turn(run, "paused", "drift found", before=item.id)
        raise
    if said:
        proving.keep(executor, run, item.position - 1)
        executor.tell(said)


def _waits(executor: Executor, run: int, item: Item, refused: GateClosed) -> GateClosed:
    """The database refused to begin the item: the run rests, and says who has to sign."""
    with executor.transaction() as session:
        gate, told = gates.closed(session, run, item.position, refused)
    executor.turn(run, "paused", "waits for sign-offs", before=item.id, gate=gate)
    return told


def _require_forward(run: Run) -> None:
    if run.state == "rolling back":
        raise RunRefused(f"Run {run.id} is being rolled back.", f"Let that end first: handrail resume {run.id}")
    if run.state in runs.OVER:
        raise RunRefused(f"Run {run.id} is {run.state}.", "See: handrail status")
