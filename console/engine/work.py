"""What a step is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from console.engine.errors import StepStopped
from console.engine.hold import Hold
from console.engine.retrying import Again, retried
from console.engine.statements import filled
from db import journal
from db.models import Event, StepRun
from db.session import Target

T = TypeVar("T")


@dataclass(frozen=True)
class Work:
    """One step of one run, on the backend that holds the target's lock.

    A transactional step is called inside the executor's transaction and uses `connection` alone. The others open
    their own with `transaction()`, and keep in `progress` what they need to go on after a crash.
    """

    hold: Hold
    run: int
    position: int
    step: str
    parameters: Mapping[str, str]
    sources: Mapping[str, str]
    patience: float
    others: float
    tell: Callable[[Event], None]
    tell_progress: Callable[[dict[str, Any]], None]
    stopping: Flag
    say_again: Callable[[Again], None]
    rest: Callable[[float], None]

    @property
    def connection(self) -> Connection:
        return self.hold.connection

    @property
    def target(self) -> Target:
        return self.hold.target

    def filled(self, sql: str) -> str:
        return filled(sql, self.parameters)

    def stop_if_wanted(self) -> None:
        """Between two statements, where a cancel request would find nothing to cancel."""
        if self.stopping.is_set():
            raise StepStopped("Stopped.", "Go on with: handrail resume")

    @contextmanager
    def transaction(self) -> Iterator[tuple[Session, StepRun]]:
        """A transaction of a step that has several; the step's journal row is changed in it."""
        with self.hold.transaction() as session:
            yield session, session.get_one(StepRun, (self.run, self.position))

    @contextmanager
    def changing(self, patience: float) -> Iterator[tuple[Session, StepRun]]:
        """A transaction that changes what others use: `patience` seconds for each lock, and nobody waits long."""
        with self.hold.transaction(patience, self.others) as session:
            yield session, session.get_one(StepRun, (self.run, self.position))
            # what a deferred constraint has to say, it says while the batch can still be told to have failed (FM-B7)
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))

    def retried(self, do: Callable[[float], T]) -> T:
        """The answer of `do`, one of those transactions, tried again where a lock or a deadlock stands in its way."""
        return retried(do, self.patience, self.rest, self.say_again)

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """For statements that PostgreSQL refuses inside a transaction; the backend stays the same."""
        self.connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            yield self.connection
        finally:
            if not self.connection.invalidated:
                self.connection.rollback()
                self.connection.execution_options(isolation_level="READ COMMITTED")

    def keep(self, **news: Any) -> dict[str, Any]:
        """Commits progress; returns all that is kept."""
        with self.transaction() as (session, step):
            journal.progress(session, step, **news)
            kept = dict(step.progress)
        self.tell_progress(kept)
        return kept

    def kept(self) -> dict[str, Any]:
        with self.transaction() as (_, step):
            return dict(step.progress)


class PauseWanted(StepStopped):
    """Somebody asked for a pause, and a batch has just ended."""
