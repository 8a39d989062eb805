"""The journal: runs, their steps, what was measured and what happened."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from sqlalchemy import Double, FetchedValue, ForeignKey
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import TEXTS, Model


class Prepared(Model):
    """The one row that says which target this database is."""

    __tablename__ = "target"

    name: Mapped[str] = mapped_column(primary_key=True)
    identity: Mapped[uuid.UUID] = mapped_column(server_default=FetchedValue())
    prepared_at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())


class Run(Model):
    """One execution of a plan. `plan_text` and `sources` are what runs, frozen; `digest` is theirs.

    `starter` is the person behind the login `started_by`, `asked_by` the one who asked for the run: neither signs.
    """

    __tablename__ = "run"

    id: Mapped[int] = mapped_column(primary_key=True)
    plan: Mapped[str]
    title: Mapped[str]
    plan_text: Mapped[str]
    sources: Mapped[dict[str, Any]]
    digest: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default=FetchedValue())
    goal: Mapped[str | None]
    pause_requested: Mapped[bool] = mapped_column(server_default=FetchedValue())
    fingerprint: Mapped[dict[str, Any]]
    objects: Mapped[dict[str, Any] | None]
    objects_after: Mapped[int | None]
    started_by: Mapped[str] = mapped_column(server_default=FetchedValue())
    starter: Mapped[str] = mapped_column(server_default=FetchedValue())
    asked_by: Mapped[str] = mapped_column(server_default=FetchedValue())
    started_at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())
    ended_at: Mapped[datetime.datetime | None]

    steps: Mapped[list[StepRun]] = relationship(back_populates="run", order_by="StepRun.position", lazy="raise")


class Fence(Model):
    """The one row that says whose turn it is to change the target (db/hold.py)."""

    __tablename__ = "fence"

    epoch: Mapped[int] = mapped_column(primary_key=True)
    pid: Mapped[int | None]
    login: Mapped[str | None]
    taken_at: Mapped[datetime.datetime | None]
    system_identifier: Mapped[int | None]
    timeline: Mapped[int | None]


class StepRun(Model):
    """One step (or checkpoint) of one run. `progress` holds a backfill's cursor and counts.

    `stands`: what it does has been done and not been undone, whatever became of an undo since.
    """

    __tablename__ = "step_run"

    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[str]
    phase: Mapped[str]
    kind: Mapped[str]
    title: Mapped[str]
    estimate: Mapped[float | None]
    irreversible: Mapped[bool] = mapped_column(server_default=FetchedValue())
    state: Mapped[str] = mapped_column(server_default=FetchedValue())
    stands: Mapped[bool] = mapped_column(server_default=FetchedValue())
    attempts: Mapped[int] = mapped_column(server_default=FetchedValue())
    pid: Mapped[int | None]
    began_at: Mapped[datetime.datetime | None]
    ended_at: Mapped[datetime.datetime | None]
    seconds: Mapped[float | None]
    progress: Mapped[dict[str, Any]] = mapped_column(server_default=FetchedValue())
    error: Mapped[str | None]

    run: Mapped[Run] = relationship(back_populates="steps", lazy="raise")


class Verdict(Model):
    """One check's answer. All measurements are kept; those of one measurement share `measurement`."""

    __tablename__ = "verdict"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id))
    checkpoint: Mapped[str]
    measurement: Mapped[int]
    position: Mapped[int]
    check: Mapped[str] = mapped_column("check_id")
    title: Mapped[str]
    kind: Mapped[str]
    passed: Mapped[bool]
    expected: Mapped[str]
    found: Mapped[str]
    rows: Mapped[list[Any]]
    query: Mapped[str]
    seconds: Mapped[float]
    measured_at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())


class Event(Model):
    """What happened, in order; written in the transaction of the state that it records, never changed.

    `id` counts without gaps and `hash` covers the event and the hash before it: both are the database's own work.
    """

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey(Run.id))
    step: Mapped[str | None]
    kind: Mapped[str]
    detail: Mapped[dict[str, Any]]
    by: Mapped[str] = mapped_column("by_login", server_default=FetchedValue())
    at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())
    hash: Mapped[bytes] = mapped_column(server_default=FetchedValue(), deferred=True)


class SetAside(Model):
    """A row that a rollback could not carry back: kept whole, reported, not lost."""

    __tablename__ = "set_aside"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id))
    step: Mapped[str]
    source: Mapped[str]
    row: Mapped[dict[str, Any]]
    at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())


class Capture(Model):
    """A table whose writes by others are captured: from the step that changes it until the run is finished."""

    __tablename__ = "capture"

    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id), primary_key=True)
    capture: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    key: Mapped[list[str]] = mapped_column(TEXTS)
    began_at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())


class Captured(Model):
    """A key that others wrote, with the last value of each column that they wrote; none where they deleted the row.

    `born`: the row was not there when the capture began. `whole`: all of its columns are here.
    """

    __tablename__ = "captured"

    run_id: Mapped[int] = mapped_column(primary_key=True)
    capture: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[list[str]] = mapped_column(TEXTS, primary_key=True)
    born: Mapped[bool]
    wrote: Mapped[dict[str, Any] | None]
    whole: Mapped[bool]


class Gauge(Model):
    """How a trigger of a run stands, as its last sample found it; `over` of its last samples were over the limit."""

    __tablename__ = "gauge"

    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id), primary_key=True)
    trigger: Mapped[str] = mapped_column(primary_key=True)
    armed: Mapped[bool]
    value: Mapped[float | None]
    at_most: Mapped[float]
    samples: Mapped[list[float]] = mapped_column(ARRAY(Double))
    over: Mapped[int]
    said: Mapped[str]
    at: Mapped[datetime.datetime] = mapped_column(server_default=FetchedValue())
