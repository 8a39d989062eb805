"""What anybody may ask of a run that somebody drives: to pause, and to stop."""

from __future__ import annotations

from sqlalchemy.orm import Session

from console.engine.errors import RunRefused
from console.engine.journey import found
from db import journal
from db.models import Event, Run
from db.queries import activity, runs


def ask_pause(session: Session, run: int) -> Event:
    """Asks whoever runs it to pause after the step or batch that is under way."""
    return journal.ask_pause(session, _going(session, run))


def ask_stop(session: Session, run: int) -> Event:
    """Cancels the statement that runs now, in whatever session it does, and asks for a pause, lest another begins."""
    row = _going(session, run)
    event = journal.ask_pause(session, row, "stop asked")
    if driver := activity.driver(session):
        activity.cancel(session, driver)
    return event


def _going(session: Session, run: int) -> Run:
    row = found(session, run)
    if row.state not in ("running", "rolling back"):
        onward = "See: handrail status" if row.state in runs.OVER else "Go on with: handrail resume"
        raise RunRefused(f"Run {run} is {row.state}; nothing is under way.", onward)
    return row
