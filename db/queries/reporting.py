"""What a report of a run asks of the journal beyond what the screens ask. No value of a row at fault leaves it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from db.models import Acknowledgement, BreakGlass, Event, Evidence, Operator, Person, Verdict


class Measured(NamedTuple):
    """A verdict of the newest measurement of a checkpoint; `rows` counts those at fault that it keeps."""

    checkpoint: str
    measurement: int
    check: str
    title: str
    passed: bool
    expected: str
    found: str
    rows: int
    measured_at: datetime.datetime


@dataclass(frozen=True)
class Names:
    """Who is behind a login, and how people write their names; of removed logins too."""

    persons: dict[str, str]
    logins: dict[str, str]

    def of_person(self, id: str) -> str:
        """Dina Berg (dina)"""
        name = self.persons.get(id, id)
        return name if name == id else f"{name} ({id})"

    def of_login(self, login: str) -> str:
        """Olu Adeyemi (oncall1)"""
        name = self.persons.get(self.logins.get(login, ""), login)
        return name if name == login else f"{name} ({login})"


def events(session: Session, run: int) -> list[Event]:
    """All of a run's, in order."""
    return list(session.scalars(select(Event).where(Event.run_id == run).order_by(Event.id)))


def verdicts(session: Session, run: int) -> list[Measured]:
    """Of the newest measurement of each checkpoint, in the plan's order within it."""
    newest = (
        select(Verdict.checkpoint, func.max(Verdict.measurement).label("newest"))
        .where(Verdict.run_id == run)
        .group_by(Verdict.checkpoint)
        .subquery()
    )
    rows = case((func.jsonb_typeof(Verdict.rows) == "array", func.jsonb_array_length(Verdict.rows)), else_=0)
    found = (
        select(Verdict.checkpoint, Verdict.measurement, Verdict.check, Verdict.title, Verdict.passed, Verdict.expected,
               Verdict.found, rows, Verdict.measured_at)
        .join(newest, (newest.c.checkpoint == Verdict.checkpoint) & (newest.c.newest == Verdict.measurement))
        .where(Verdict.run_id == run)
        .order_by(Verdict.checkpoint, Verdict.position, Verdict.id)
    )  # fmt: skip
    return [Measured._make(row) for row in session.execute(found)]


def evidence(session: Session, run: int) -> dict[tuple[str, int], Evidence]:
    """By gate and measurement."""
    found = session.scalars(select(Evidence).where(Evidence.run_id == run))
    return {(one.gate, one.measurement): one for one in found}


def broken(session: Session, run: int) -> list[tuple[BreakGlass, Acknowledgement | None]]:
    """Each break-glass of a run, and who has looked into it."""
    found = (
        select(BreakGlass, Acknowledgement)
        .outerjoin(Acknowledgement, Acknowledgement.break_glass_id == BreakGlass.id)
        .where(BreakGlass.run_id == run)
        .order_by(BreakGlass.id)
    )
    return [(glass, seen) for glass, seen in session.execute(found)]


def names(session: Session) -> Names:
    persons = {person.id: person.name for person in session.scalars(select(Person))}
    return Names(persons, {one.login: one.person for one in session.scalars(select(Operator))})


def database(session: Session) -> str:
    return str(session.scalar(text("SELECT current_database()")))
