"""What waits for people: gates to sign, decisions to answer, and what was broken open; the oldest deadline first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy.orm import Session

from console.engine.gates import missing
from db.models import BreakGlass, GateStatus, Run
from db.queries import activity, gates, people, runs
from db.queries.people import Me

FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Waiting:
    """One thing that waits; `mine` where the person who asks can do it."""

    run: Run
    status: GateStatus
    what: Literal["sign", "answer", "measure"]
    mine: bool

    def overdue(self, now: datetime) -> bool:
        return self.status.due_at is not None and self.status.due_at < now


@dataclass(frozen=True)
class Inbox:
    me: Me
    now: datetime
    waiting: Sequence[Waiting]
    broken: Sequence[BreakGlass]

    @property
    def mine(self) -> list[Waiting]:
        return [one for one in self.waiting if one.mine]


def look(session: Session) -> Inbox:
    me = people.me(session)
    statuses = gates.of_open_runs(session)
    open_gates = {(status.run_id, status.gate) for status in statuses if status.open}
    observed = runs.observations(session)
    waiting = []
    for status in statuses:
        if status.open or (status.follows and (status.run_id, status.follows) not in open_gates):
            continue
        run = session.get_one(Run, status.run_id)
        if status.kind == "checkpoint" and status.state == "not measured":
            continue  # the run has not come to it yet
        if (step := observed.get((status.run_id, status.gate))) and (
            step not in ("running", "stopped") or status.state != "waits"
        ):
            continue  # a sign-off would shorten nothing
        what = _what(status)
        waiting.append(Waiting(run, status, what, _mine(session, status, run, what, me)))
    waiting.sort(key=lambda one: (one.status.due_at or FAR, one.status.sealed_at or FAR))
    return Inbox(me, activity.now(session), waiting, gates.unacknowledged(session))


def _what(status: GateStatus) -> Literal["sign", "answer", "measure"]:
    if status.state == "waits":
        return "sign"
    return "answer" if status.kind == "decision" else "measure"


def _mine(session: Session, status: GateStatus, run: Run, what: str, me: Me) -> bool:
    """Whether I can do it; the database has the last word."""
    if what == "sign":
        if me.shared or not set(missing(status)) & set(me.roles):
            return False
        if me.person in (run.starter, run.asked_by, status.sealer):
            return False
        signed = gates.sign_offs(session, run.id, status.gate)
        return me.person not in [one.person for one in signed if one.measurement == status.measurement]
    if what == "answer":
        return bool({"engineer", "approver"} & set(me.groups)) or me.person == run.starter
    return "engineer" in me.groups or me.person == run.starter
