"""Gates, what is signed at them, and who signed."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import FetchedValue, ForeignKey, Interval
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import TEXTS, Model
from db.models.journal import Run


class Gate(Model):
    """What stands after `position` waits for sign-offs: `needed` of `roles`, each good for `lasts`.

    `more` people more before a step that cannot be undone. `follows`, `within` and `returns_to` are a consultation's:
    which one is before it, how long after that one it is due, and where a reject sends the work back to.
    """

    __tablename__ = "gate"

    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id), primary_key=True)
    gate: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    title: Mapped[str]
    position: Mapped[int]
    roles: Mapped[list[str]] = mapped_column(TEXTS)
    needed: Mapped[int]
    more: Mapped[int]
    lasts: Mapped[datetime.timedelta] = mapped_column(Interval)
    follows: Mapped[str | None]
    within: Mapped[datetime.timedelta | None] = mapped_column(Interval)
    returns_to: Mapped[str | None]


class Answer(Model):
    """One version of the answers to a decision."""

    __tablename__ = "answer"

    run_id: Mapped[int] = mapped_column(primary_key=True)
    decision: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    answers: Mapped[dict[str, Any]]
    answered_by: Mapped[str] = mapped_column(server_default=FetchedValue())
    answered_at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())


class Evidence(Model):
    """What a sign-off is about: one measurement of a checkpoint, or one version of answers, with its digest.

    All but the key is the database's own word. `sealer` is the person who measured or answered, and does not sign.
    """

    __tablename__ = "evidence"

    run_id: Mapped[int] = mapped_column(primary_key=True)
    gate: Mapped[str] = mapped_column(primary_key=True)
    measurement: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(server_default=FetchedValue())
    basis: Mapped[str] = mapped_column(server_default=FetchedValue())
    passed: Mapped[bool] = mapped_column(server_default=FetchedValue())
    plan_digest: Mapped[str] = mapped_column(server_default=FetchedValue())
    starter: Mapped[str] = mapped_column(server_default=FetchedValue())
    asked_by: Mapped[str] = mapped_column(server_default=FetchedValue())
    sealer: Mapped[str] = mapped_column(server_default=FetchedValue())
    sealed_at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())


class SignOff(Model):
    """One person's word on one piece of evidence; the columns before `login` are that evidence's, and must be."""

    __tablename__ = "sign_off"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int]
    gate: Mapped[str]
    measurement: Mapped[int]
    digest: Mapped[str]
    passed: Mapped[bool]
    starter: Mapped[str]
    asked_by: Mapped[str]
    sealer: Mapped[str]
    login: Mapped[str] = mapped_column(server_default=FetchedValue())
    person: Mapped[str]
    role: Mapped[str]
    decision: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())


class BreakGlass(Model):
    """A gate that was opened without its sign-offs, and the two reasons for it."""

    __tablename__ = "break_glass"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int]
    gate: Mapped[str]
    measurement: Mapped[int]
    login: Mapped[str] = mapped_column(server_default=FetchedValue())
    person: Mapped[str] = mapped_column(server_default=FetchedValue())
    reason: Mapped[str]
    why_not_wait: Mapped[str]
    at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())


class Acknowledgement(Model):
    """An administrator has seen that a gate was broken open."""

    __tablename__ = "acknowledgement"

    break_glass_id: Mapped[int] = mapped_column(primary_key=True)
    breaker: Mapped[str]
    person: Mapped[str] = mapped_column(server_default=FetchedValue())
    note: Mapped[str]
    at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())


class GateStatus(Model):
    """The view: how a gate stands now. `state` is one of: not measured, waits, signed, expired, void, rejected,
    returned, glass broken. `signed` are roles, `people` and `fresh_people` are counted, `until` is when the first of
    the sign-offs ends."""

    __tablename__ = "gate_status"

    run_id: Mapped[int] = mapped_column(primary_key=True)
    gate: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    title: Mapped[str]
    position: Mapped[int]
    roles: Mapped[list[str]] = mapped_column(TEXTS)
    needed: Mapped[int]
    more: Mapped[int]
    lasts: Mapped[datetime.timedelta] = mapped_column(Interval)
    follows: Mapped[str | None]
    returns_to: Mapped[str | None]
    measurement: Mapped[int | None]
    digest: Mapped[str | None]
    sealer: Mapped[str | None]
    sealed_at: Mapped[datetime.datetime | None]
    passed: Mapped[bool | None]
    signed: Mapped[list[str]] = mapped_column(TEXTS)
    people: Mapped[int]
    fresh_people: Mapped[int]
    until: Mapped[datetime.datetime | None]
    rejected_by: Mapped[str | None]
    due_at: Mapped[datetime.datetime | None]
    state: Mapped[str]

    @property
    def open(self) -> bool:
        """Whether steps after it may begin."""
        return self.state in ("signed", "glass broken")
