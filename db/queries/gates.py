"""How the gates of a run stand, and who signed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from db.models import Acknowledgement, Answer, BreakGlass, Evidence, GateStatus, Run, SignOff
from db.queries.runs import OVER


def of_run(session: Session, run: int) -> list[GateStatus]:
    """In the order in which the run meets them."""
    found = select(GateStatus).where(GateStatus.run_id == run).order_by(GateStatus.position, GateStatus.gate)
    return list(session.scalars(found.execution_options(populate_existing=True)))


def one(session: Session, run: int, gate: str) -> GateStatus | None:
    return next((status for status in of_run(session, run) if status.gate == gate), None)


def of_open_runs(session: Session) -> list[GateStatus]:
    """The gates of every run that is not over."""
    running = select(Run.id).where(Run.state.not_in(OVER))
    found = select(GateStatus).where(GateStatus.run_id.in_(running)).order_by(GateStatus.position, GateStatus.gate)
    return list(session.scalars(found.execution_options(populate_existing=True)))


def evidence(session: Session, run: int, gate: str, measurement: int) -> Evidence | None:
    return session.get(Evidence, (run, gate, measurement))


def sign_offs(session: Session, run: int, gate: str | None = None) -> list[SignOff]:
    """Oldest first; of one gate where it is named."""
    found = select(SignOff).where(SignOff.run_id == run).order_by(SignOff.id)
    return list(session.scalars(found if gate is None else found.where(SignOff.gate == gate)))


def answers(session: Session, run: int) -> dict[str, Answer]:
    """The newest answers to each decision of a run."""
    newest = (
        select(Answer)
        .where(Answer.run_id == run)
        .ext(distinct_on(Answer.decision))
        .order_by(Answer.decision, Answer.version.desc())
    )
    return {answer.decision: answer for answer in session.scalars(newest)}


def unacknowledged(session: Session) -> list[BreakGlass]:
    """Gates that were broken open, and that no administrator has acknowledged yet."""
    seen = select(Acknowledgement.break_glass_id)
    return list(session.scalars(select(BreakGlass).where(BreakGlass.id.not_in(seen)).order_by(BreakGlass.id)))
