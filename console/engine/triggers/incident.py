"""An incident: from the moment a trigger fired until the run is rolled back, or goes on. Derived from the journal."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from console.engine.errors import StillOver, UnknownTrigger
from console.engine.executor import Executor
from console.engine.plan import Plan
from console.engine.triggers.declared import Looking, Restore, Sample, Sampled
from console.engine.triggers.second import Second
from db import journal, wording
from db.models import Event, Run
from db.queries import activity, gauges
from db.session import Target
from db.text import one_line


@dataclass(frozen=True)
class Incident:
    """`since` is by the server's clock; `within` are the seconds that the plan gives it, None where it gives none."""

    trigger: str
    do: str
    told: str
    since: datetime
    within: float | None

    def lasts(self, at: datetime) -> float:
        return max((at - self.since).total_seconds(), 0.0)

    def overdue(self, at: datetime) -> bool:
        return self.within is not None and self.lasts(at) > self.within

    def line(self, at: datetime) -> str:
        """stopped by trigger lag, open for 4 min: 12 s, at most 5 s"""
        late = f"; OVERDUE, it was to be over within {wording.period(self.within)}" if self.overdue(at) else ""  # type: ignore[arg-type]
        return f"stopped by trigger {self.trigger}, open for {wording.period(self.lasts(at))}{late}: {self.told}"

    def document(self, at: datetime) -> dict[str, Any]:
        return {"trigger": self.trigger, "since": self.since.isoformat(), "seconds": round(self.lasts(at), 1),
                "overdue": self.overdue(at), "told": self.told}  # fmt: skip


def open_of(session: Session, run: int) -> Incident | None:
    """The incident that is open on a run."""
    event = gauges.last_incident(session, run)
    if event is None or event.kind != gauges.FIRED:
        return None
    said = event.detail
    return Incident(said["trigger"], said["do"], said["told"], event.at, said.get("within"))


def within(plan: Plan) -> float | None:
    """How many seconds the plan gives an incident; the shortest, where it says it twice."""
    return min((one.within for one in plan.written.trigger if isinstance(one, Restore)), default=None)


def still_over(target: Target, plan: Plan, run: int) -> dict[str, Sample]:
    """The triggers that are over their limit now, looked at once each; not those that a resting run cannot mend."""
    second = Second(target)
    looking = Looking(target, second, run, threading.Event())
    try:
        looked = {
            one.id: one.sample(looking) for one in plan.written.trigger if isinstance(one, Sampled) and not one.stays
        }
    finally:
        second.close()
    return {id: sample for id, sample in looked.items() if sample.over}


def words_of(target: Target, plan: Plan, run: int) -> dict[str, str]:
    """What is over now, by trigger, in words."""
    return {id: told(plan, id, one.value, one.said) for id, one in still_over(target, plan, run).items()}


def require_over(target: Target, plan: Plan, run: int, despite: Sequence[str]) -> None:
    """Before a run goes on: raises StillOver for a trigger that is over, unless it goes on `despite` that one."""
    known = {one.id for one in plan.written.trigger}
    for id in despite:
        if id not in known:
            raise UnknownTrigger(f"Plan {plan.id} has no trigger {id!r}.", f"It has: {', '.join(sorted(known))}")
    left = {id: words for id, words in words_of(target, plan, run).items() if id not in despite}
    if left:
        what = ", ".join(f"{id} ({words})" for id, words in left.items())
        onward = " ".join(f"--despite {id}" for id in [*despite, *left])
        raise StillOver(f"Still over: {what}.", f"Mend it, or go on all the same: handrail resume {run} {onward}")


def settle(executor: Executor, run: int, plan: Plan, stopped: Incident, despite: Sequence[str]) -> None:
    """Turns a run to going forward again, and says so, once nothing is over any more."""
    require_over(executor.target, plan, run, despite)
    with executor.transaction() as session:
        lasted = (activity.now(session) - stopped.since).total_seconds()
        journal.aim(session, session.get_one(Run, run), "running", None)
        said = journal.record(
            session, gauges.CLOSED, run, trigger=stopped.trigger, seconds=round(lasted, 1), despite=list(despite)
        )
    executor.tell(said)


def told(plan: Plan, id: str, value: float | None, said: str) -> str:
    """12 s, at most 5 s, 1 replica"""
    trigger = next((one for one in plan.written.trigger if one.id == id), None)
    measured = [trigger.told(value)] if isinstance(trigger, Sampled) and value is not None else []
    limit = [f"at most {trigger.told(trigger.limit)}"] if isinstance(trigger, Sampled) else []
    return ", ".join([*measured, *limit, *([said] if said else [])])


def body(session: Session, event: Event, target: str) -> str:
    """What goes out: one line that says what happened, and the short report."""
    from console.engine.report import incident_text  # which looks at runs through journey

    said = event.detail
    first = f"handrail: trigger {said['trigger']} stopped run {event.run_id} on {target}: {said['told']}"
    return f"{one_line(first)}\nNext: {said['next']}.\n\n{incident_text(session, int(event.run_id or 0))}"
