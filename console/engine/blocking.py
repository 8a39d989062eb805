"""What a person may do about a session that is in a run's way: cancel its statement, or end it; journalled first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy.orm import Session

from console.engine.errors import RunRefused
from console.engine.hold import APPLICATION
from console.engine.journey import found
from db import journal
from db.models import Event, Run, StepRun
from db.queries import activity, blocking, runs
from db.queries.blocking import Blocker, Waiting

How = Literal["cancel", "terminate"]
BEGAN = tuple(journal.UNDER_WAY.values())
RECENT = 50  # events
SAID = {"cancel": "blocker cancelled", "terminate": "blocker terminated"}


def in_the_way(session: Session, run: Run, events: Sequence[Event]) -> list[Blocker]:
    """The sessions for which the run's step waits, or waited at its last try; `events` are the run's newest."""
    step = _driven(session, run)
    if step is None or step.pid is None:
        return []
    # since the step began; a later wish to pause, or the end of another blocker, does not change who was met
    tried = next((e for e in reversed(events) if e.step == step.step and e.kind in ("tried again", *BEGAN)), None)
    if tried is not None and tried.kind == "tried again":
        return blocking.blockers(session, step.pid, [met["pid"] for met in tried.detail["blockers"]], tried.at)
    return blocking.blockers(session, step.pid)


def made_to_wait(session: Session, run: Run) -> Waiting:
    """The sessions that the run's step makes wait now."""
    step = _driven(session, run)
    return blocking.waiting(session, step.pid) if step and step.pid is not None else Waiting(0, 0.0)


def _driven(session: Session, run: Run) -> StepRun | None:
    """The step that is under way in the session that drives; the pid that a dead one left may be somebody else's."""
    driver = activity.driver(session)
    return next((step for step in run.steps if driver is not None and step.pid == driver.pid), None)


def end(session: Session, run: int, how: How, blocker: Blocker) -> Event:
    """Raises RunRefused where the session is no longer the one that was seen, or is not in the way any more."""
    row = found(session, run)
    now = in_the_way(session, row, runs.events(session, run, RECENT))
    if blocker.pid == 0:
        raise RunRefused(
            f"{blocker.application} is a prepared transaction, which has no session.",
            "End it with COMMIT PREPARED or ROLLBACK PREPARED.",
        )
    if (blocker.pid, blocker.started) not in [(other.pid, other.started) for other in now]:
        raise RunRefused(f"Session {blocker.pid} is not in the way any more.", "Nothing was done to it.")
    if blocker.application == APPLICATION:
        raise RunRefused("That session is an executor of handrail.", "Take the run over instead.")
    event = journal.record(
        session, SAID[how], run, pid=blocker.pid, login=blocker.login, application=blocker.application
    )  # fmt: skip
    if not blocking.end(session, how, blocker):
        raise RunRefused(f"Session {blocker.pid} is gone already.", "Nothing was done to it.")
    return event
