"""Runs, their steps, events and verdicts, as the journal holds them."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer, selectinload

from db.models import Event, Prepared, Run, SetAside, StepRun, Verdict

OVER = ("done", "rolled back")
FROZEN = (
    defer(Run.plan_text),
    defer(Run.sources),
    defer(Run.fingerprint),
    defer(Run.objects),
)  # large; read when asked for


def target_name(session: Session) -> str | None:
    """Which target this database is; raises NotPrepared where it has never been prepared."""
    return session.scalar(select(Prepared.name))


def target_identity(session: Session) -> str:
    """What tells this database from every other of its name."""
    return str(session.scalars(select(Prepared.identity)).one())


def all_runs(session: Session) -> list[Run]:
    """Every run with its steps, newest first."""
    return list(session.scalars(select(Run).options(selectinload(Run.steps), *FROZEN).order_by(Run.id.desc())))


def one(session: Session, run: int) -> Run | None:
    """A run with its steps; its plan and fingerprint are read while the session lasts, when asked for."""
    return session.scalar(select(Run).where(Run.id == run).options(selectinload(Run.steps), *FROZEN))


def latest(session: Session) -> Run | None:
    newest = session.scalar(select(func.max(Run.id)))
    return one(session, newest) if newest is not None else None


class Progress(NamedTuple):
    """How far the newest run is, for those who may see no more of it."""

    id: int
    plan: str
    state: str
    done: int
    steps: int


def progress(session: Session) -> Progress | None:
    found = session.execute(
        select(
            Run.id,
            Run.plan,
            Run.state,
            func.count(StepRun.position).filter(StepRun.state.in_(("done", "skipped"))),
            func.count(StepRun.position),
        )
        .join(StepRun, StepRun.run_id == Run.id)
        .where(Run.id == select(func.max(Run.id)).scalar_subquery())
        .group_by(Run.id, Run.plan, Run.state)
    ).one_or_none()
    return Progress._make(found) if found else None


def open_one(session: Session) -> Run | None:
    """The run that is neither done nor rolled back; there is at most one."""
    found = session.scalar(select(Run.id).where(Run.state.not_in(OVER)))
    return one(session, found) if found is not None else None


def done_of_plan(session: Session, plan: str) -> Run | None:
    """The run that did this plan and still stands."""
    done = select(Run).where(Run.plan == plan, Run.state == "done").order_by(Run.id.desc())
    return session.scalar(done.options(selectinload(Run.steps), *FROZEN))


def standing_after(session: Session, run: int) -> Run | None:
    """The newest run that began after this one and is not rolled back."""
    newest = select(func.max(Run.id)).where(Run.id > run, Run.state != "rolled back").scalar_subquery()
    return session.scalar(select(Run).where(Run.id == newest).options(*FROZEN))


def observations(session: Session) -> dict[tuple[int, str], str]:
    """The state of each step that observes, by its run and its id."""
    found = select(StepRun.run_id, StepRun.step, StepRun.state).where(StepRun.kind == "observe")
    return {(run, step): state for run, step, state in session.execute(found)}


def events(session: Session, run: int, last: int = 50) -> list[Event]:
    """The newest events of a run, oldest of them first."""
    newest = select(Event).where(Event.run_id == run).order_by(Event.id.desc()).limit(last)
    return list(reversed(list(session.scalars(newest))))


def verdicts(session: Session, run: int, checkpoint: str, measurement: int | None = None) -> list[Verdict]:
    """A measurement of a checkpoint, the newest if not said, in the plan's order; empty where it was never measured."""
    newest = (
        select(func.max(Verdict.measurement))
        .where(Verdict.run_id == run, Verdict.checkpoint == checkpoint)
        .scalar_subquery()
    )
    of_it = select(Verdict).where(
        Verdict.run_id == run,
        Verdict.checkpoint == checkpoint,
        Verdict.measurement == (newest if measurement is None else measurement),
    )
    return list(session.scalars(of_it.order_by(Verdict.position)))


def all_verdicts(session: Session, run: int) -> list[Verdict]:
    """The newest measurement of each checkpoint of a run, in the order of the run."""
    newest = (
        select(Verdict.checkpoint, func.max(Verdict.measurement).label("newest"))
        .where(Verdict.run_id == run)
        .group_by(Verdict.checkpoint)
        .subquery()
    )
    kept = (
        select(Verdict)
        .join(
            newest,
            (newest.c.checkpoint == Verdict.checkpoint) & (newest.c.newest == Verdict.measurement),
        )
        .join(StepRun, (StepRun.run_id == Verdict.run_id) & (StepRun.step == Verdict.checkpoint))
        .where(Verdict.run_id == run)
        .order_by(StepRun.position, Verdict.position)
    )
    return list(session.scalars(kept))


def set_aside(session: Session, run: int) -> dict[str, int]:
    """How many rows each table had set aside by a rollback of this run."""
    counted = select(SetAside.source, func.count()).where(SetAside.run_id == run).group_by(SetAside.source)
    return {source: number for source, number in session.execute(counted)}  # noqa: C416 - mypy knows a Row's parts only so
