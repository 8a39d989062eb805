"""What a new run is made of: the frozen plan, its waiting steps and its gates; and what must hold before it begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.engine import outside
from console.engine.errors import RunRefused, UnknownOperator
from console.engine.plan import Checkpoint, Item, Plan
from console.engine.steps import Backup, Observe, Revision, Step
from console.engine.triggers import Probe
from db import revisions
from db.fingerprint import Fingerprint
from db.models import Gate, Run, StepRun
from db.queries import people, runs


def frozen_run(plan: Plan, before: Fingerprint, asked_by: str | None) -> Run:
    """Whoever sends it began it; `asked_by` is the person who wanted it, the same one where it is not said."""
    return Run(
        plan=plan.id,
        title=plan.title,
        plan_text=plan.text,
        sources=dict(plan.sources),
        digest=plan.digest,
        parameters={"run_date": f"{datetime.now(UTC):%Y%m%d}"},
        fingerprint=before.stored(),
        **({"asked_by": asked_by} if asked_by else {}),
    )


def person_of(session: Session, asked_by: str | None) -> str | None:
    """Who asked for the run: a person's id, or a login of theirs."""
    if asked_by is None:
        return None
    person = people.person_of(session, asked_by)
    if person is None:
        raise UnknownOperator(f"Nobody here is called {asked_by!r}.", "handrail operator list shows the people.")
    return person


def require_as_planned(session: Session, run: Run, plan: Plan) -> None:
    """The run's steps and gates are the plan's: none was left out, added or weakened by hand (I-5)."""
    steps = [(step.position, step.step, step.kind, step.irreversible) for step in run.steps]
    wanted = [waiting_step(item) for item in plan.items]
    gates = {_law(gate) for gate in session.scalars(select(Gate).where(Gate.run_id == run.id))}
    if steps != [(one.position, one.step, one.kind, one.irreversible) for one in wanted] or gates != {
        _law(gate) for gate in gates_of(plan)
    }:
        raise RunRefused(
            f"The steps or gates kept for run {run.id} are not those of its plan: somebody edited the journal.",
            "Find out who: handrail audit verify. Nothing of it is run.",
        )


def _law(gate: Gate) -> tuple[object, ...]:
    return (gate.gate, gate.kind, gate.position, tuple(gate.roles), gate.needed, gate.more, gate.lasts, gate.within,
            gate.follows, gate.returns_to)  # fmt: skip


def waiting_step(item: Item) -> StepRun:
    return StepRun(
        position=item.position, step=item.id, phase=item.phase, kind=item.kind, title=item.what.title,
        estimate=item.estimate, irreversible=isinstance(item.what, Step) and item.what.irreversible,
    )  # fmt: skip


def gates_of(plan: Plan) -> Iterator[Gate]:
    """What the run waits for; a consultation after the one that it names."""
    for decision in plan.written.decision:
        yield Gate(
            gate=decision.id, kind="decision", title=decision.title, position=plan.decided_before(decision),
            roles=decision.roles, needed=decision.wanted, more=decision.irreversible,
            lasts=timedelta(seconds=decision.lasts), within=_lasting(decision.within), follows=decision.follows,
            returns_to=decision.returns_to,
        )  # fmt: skip
    for item in plan.items:
        if isinstance(item.what, Checkpoint | Observe) and (gate := item.what.gate):
            # nothing waits for who may shorten an observation
            last = item.position if isinstance(item.what, Checkpoint) else len(plan.items)
            yield Gate(
                gate=item.id, kind="checkpoint", title=item.what.title, position=last, roles=gate.roles,
                needed=gate.wanted, more=gate.irreversible, lasts=timedelta(seconds=gate.lasts),
                within=_lasting(gate.within),
            )  # fmt: skip


def _lasting(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def require_commands(run: Run, plan: Plan) -> None:
    """Before the run goes on, and not when it comes to the step: whoever goes on with it allows what it starts."""
    done = {step.position for step in run.steps if step.state in ("done", "skipped")}
    for item in plan.items:
        if item.position not in done and isinstance(item.what, Backup) and item.what.command:
            outside.require_allowed(item.id)
    for trigger in plan.written.trigger:
        if isinstance(trigger, Probe) and trigger.command:
            outside.require_allowed(f"Trigger {trigger.id}")


def require_free(session: Session, plan: Plan) -> None:
    if other := runs.open_one(session):
        raise RunRefused(
            f"Run {other.id} of {other.plan} is {other.state} on this target.",
            f"Finish it with: handrail resume {other.id}; or take it back with: handrail rollback {other.id}",
        )
    if done := runs.done_of_plan(session, plan.id):
        finished = any(step.kind == "finish" and step.stands for step in done.steps)
        raise RunRefused(
            f"Plan {plan.id} is done here already, as run {done.id}.",
            "It is finished, and is not taken back: what comes next is another plan."
            if finished
            else f"To run it again, first take it back: handrail rollback {done.id}",
        )


def require_revisions_in_turn(session: Session, plan: Plan) -> None:
    """Every revision of the plan must follow the one before it, and the first one the database."""
    here = revisions.current(session.connection(), plan.target)
    for item in plan.items:
        if isinstance(item.what, Revision):
            revisions.require_next(plan.target, item.what.revision, here)
            here = item.what.revision
