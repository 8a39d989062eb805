"""The journal's only writers. Each takes the session whose transaction holds the work that it records (I-1)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from db.models import Event, Evidence, Gate, Run, StepRun, Verdict

STANDS = {"done": True, "undone": False, "skipped": False}
UNDER_WAY = {"running": "step began", "undoing": "undo began"}


def record(session: Session, kind: str, run: int | None = None, step: str | None = None, **detail: Any) -> Event:
    """Appends what happened; who and when are the database's own words."""
    event = Event(run_id=run, step=step, kind=kind, detail=detail)
    session.add(event)
    session.flush()
    session.refresh(event)
    return event


def open_run(session: Session, run: Run, steps: list[StepRun], gates: list[Gate]) -> Event:
    """Writes a new run with its waiting steps and its gates. A unique index refuses a second open run."""
    session.add(run)
    session.flush()
    for step in steps:
        step.run_id = run.id
    session.add_all(steps)
    for gate in gates:  # one by one: a consultation names the one before it
        gate.run_id = run.id
        session.add(gate)
        session.flush()
    session.refresh(run)
    return record(session, "run began", run.id, plan=run.plan, digest=run.digest)


def begin(session: Session, step: StepRun, state: str, pid: int) -> Event:
    """Says that a step is under way, before it is: others see the attempt while it works (I-4)."""
    again = state == "running" and step.state not in ("failed", "stopped", "running")
    _change(
        session,
        step,
        state=state,
        pid=pid,
        attempts=StepRun.attempts + 1,
        began_at=func.clock_timestamp(),
        ended_at=None,
        error=None,
        **({"progress": {}, "seconds": None} if again else {}),
    )
    return record(session, UNDER_WAY[state], step.run_id, step.step, pid=pid, attempt=step.attempts)


def end(session: Session, step: StepRun, state: str, event: str, **detail: Any) -> Event:
    """Says how a step ended: done, failed, stopped or undone; `error` in detail is kept on the step too.

    The step keeps how long it took forwards; how long the way back took stands in the event.
    """
    took = session.scalar(select(func.extract("epoch", func.clock_timestamp() - step.began_at)))
    forwards: dict[str, Any] = {} if state == "undone" else {"seconds": took}
    if state in STANDS:
        forwards["stands"] = STANDS[state]
    _change(
        session, step, state=state, pid=None, ended_at=func.clock_timestamp(), error=detail.get("error"), **forwards
    )
    return record(session, event, step.run_id, step.step, seconds=round(float(took or 0), 3), **detail)


def progress(session: Session, step: StepRun, **news: Any) -> None:
    """Keeps a long step's cursor and counts; commits with the batch that they describe (I-3)."""
    _change(session, step, progress={**step.progress, **news})


def turn(session: Session, run: Run, state: str, event: str | None = None, **detail: Any) -> Event | None:
    """Moves a run to another state."""
    ended = func.clock_timestamp() if state in ("done", "rolled back") else None
    _change(session, run, state=state, ended_at=ended)
    return record(session, event, run.id, **detail) if event else None


def aim(session: Session, run: Run, state: str, goal: str | None) -> None:
    """Sets a run going in one direction, and forgets an older wish to pause."""
    _change(session, run, state=state, goal=goal, pause_requested=False, ended_at=None)


def stand(session: Session, run: Run, objects: dict[str, str] | None, after: int | None) -> None:
    """Keeps how the objects of the database stand after an item; None where that is not known any more."""
    run.objects, run.objects_after = objects, after
    session.flush()


def ask_pause(session: Session, run: Run, event: str = "pause asked") -> Event:
    _change(session, run, pause_requested=True)
    return record(session, event, run.id)


def pause_asked(session: Session, run: int, *, settled: bool = False) -> bool:
    """With `settled`, a wish that is being written now is waited for: who cancels asks for a pause as well."""
    asked = select(Run.pause_requested).where(Run.id == run)
    return bool(session.scalar(asked.with_for_update(read=True) if settled else asked))


def measurement(session: Session, run: int, checkpoint: str) -> int:
    """The number of the next measurement of a checkpoint, from 1."""
    latest = select(func.coalesce(func.max(Verdict.measurement), 0)).where(
        Verdict.run_id == run, Verdict.checkpoint == checkpoint
    )
    return (session.scalar(latest) or 0) + 1


def keep(session: Session, verdicts: list[Verdict]) -> None:
    session.add_all(verdicts)
    session.flush()


def seal(session: Session, run: int, gate: str, measurement: int) -> Evidence:
    """Closes a measurement, or a version of answers: the database digests it, and nothing is added to it any more."""
    evidence = Evidence(run_id=run, gate=gate, measurement=measurement)
    session.add(evidence)
    session.flush()
    return evidence


def backend_pid(session: Session) -> int:
    return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _change(session: Session, row: Run | StepRun, **values: Any) -> None:
    """One UPDATE; the object then shows what the database holds, clock included."""
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    session.refresh(row)
