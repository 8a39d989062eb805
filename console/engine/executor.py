"""The executor: one backend per target takes the lock, runs the items of a run and journals each of them.

Crash rules. The attempt is committed before a step begins. A transactional step commits together with the word
`done` (I-1), so after a crash the journal is right as it stands: `running` with no backend means that nothing
happened. Any other step looks at what it finds before it acts (I-2, I-3), so it is simply applied again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from console.engine.checks import Asking, measured
from console.engine.errors import CheckFailed, RunDriven, StepFailed, StepStopped
from console.engine.plan import Checkpoint, Item, Plan
from console.engine.retrying import known_error, retried
from console.engine.steps import Step
from console.engine.work import Work
from db import journal
from db.errors import ConnectionFailed, NotPrepared, StatementCancelled
from db.models import Event, Run, StepRun
from db.queries import activity, runs
from db.session import Target, transaction

PATIENCE = 3.0  # seconds

Tell = Callable[[Event], None]
TellProgress = Callable[[dict[str, Any]], None]


class Executor:
    """Runs items on one connection. `tell` hears each event after its commit, `tell_progress` each batch."""

    def __init__(self, connection: Connection, target: Target, tell: Tell, tell_progress: TellProgress) -> None:
        self.connection = connection
        self.target = target
        self.tell = tell
        self.tell_progress = tell_progress
        self.stopping = threading.Event()
        self._driver: Any = connection.connection.driver_connection

    def cancel(self) -> None:
        """Stops what runs now; called from another thread, and again until the executor has come to rest."""
        self.stopping.set()
        with suppress(psycopg.Error):  # the connection has just ended, and with it what should be cancelled
            self._driver.cancel_safe()

    def transaction(self) -> AbstractContextManager[Session]:
        return transaction(self.connection)

    def turn(self, run: int, state: str, event: str, **detail: Any) -> None:
        """Moves the run to another state, and says so."""
        with self.transaction() as session:
            said = journal.turn(session, session.get_one(Run, run), state, event, **detail)
        if said:
            self.tell(said)

    def apply(self, run: int, plan: Plan, item: Item) -> None:
        """Does one item: a step is applied, a checkpoint measured."""
        self._begin(run, item, "running")
        with self._journalled(run, item, "step"):
            if isinstance(item.what, Checkpoint):
                self._measure(run, plan, item, item.what)
            else:
                self._work(run, plan, item, item.what, item.what.apply, ("done", "step done"))

    def take_back(self, run: int, plan: Plan, item: Item, state: str) -> None:
        """Undoes one item that stands in `state`. What a crash left undone by itself is only written down."""
        self._begin(run, item, "undoing")
        with self._journalled(run, item, "undo"):
            if isinstance(item.what, Checkpoint) or (item.what.transactional and state not in ("done", "undoing")):
                self._end(run, item, "undone", "step undone")
            else:
                self._work(run, plan, item, item.what, item.what.take_back, ("undone", "step undone"))

    def _begin(self, run: int, item: Item, state: str) -> None:
        with self.transaction() as session:
            step = session.get_one(StepRun, (run, item.position))
            said = journal.begin(session, step, state, journal.backend_pid(session))
        self.tell(said)

    def _end(self, run: int, item: Item, state: str, event: str, **detail: Any) -> None:
        with self.transaction() as session:
            said = journal.end(session, session.get_one(StepRun, (run, item.position)), state, event, **detail)
        self.tell(said)

    def _work(
        self,
        run: int,
        plan: Plan,
        item: Item,
        step: Step,
        do: Callable[[Work], dict[str, Any]],
        end: tuple[str, str],
    ) -> None:
        if not step.transactional:
            found = do(self._given(run, plan, item, self._parameters(run)))
            self._end(run, item, *end, **found)
            return
        parameters = self._parameters(run)

        def once() -> Event:
            with self.transaction() as session:
                found = do(self._given(run, plan, item, parameters))
                # what a deferred constraint has to say, it says before the word `done` is written (FM-B7)
                session.connection().execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                return journal.end(session, session.get_one(StepRun, (run, item.position)), *end, **found)

        self.tell(retried(once, self.stopping.wait, lambda why: self._say_again(run, item, why)))

    def _say_again(self, run: int, item: Item, why: str) -> None:
        """Journals that a transaction is tried again."""
        self._stop_if_wanted()
        with self.transaction() as session:
            said = journal.record(session, "tried again", run, item.id, error=why)
        self.tell(said)

    def _measure(self, run: int, plan: Plan, item: Item, checkpoint: Checkpoint) -> None:
        parameters = self._parameters(run)
        with self.transaction() as session:
            kept = {step.step: step.progress for step in (runs.one(session, run) or Run()).steps}
        verdicts = []
        for position, check in enumerate(checkpoint.check, 1):
            self._stop_if_wanted()
            verdicts.append(measured(check, position, Asking(self.connection, parameters, kept)))
        failed = [verdict.check for verdict in verdicts if not verdict.passed]
        with self.transaction() as session:
            number = journal.measurement(session, run, item.id)
            for verdict in verdicts:
                verdict.run_id, verdict.checkpoint, verdict.measurement = run, item.id, number
            journal.keep(session, verdicts)
            step = session.get_one(StepRun, (run, item.position))
            passed = f"{len(verdicts) - len(failed)} of {len(verdicts)}"
            if failed:
                said = journal.end(session, step, "failed", "checkpoint failed", passed=passed, failed=failed)
                journal.turn(session, session.get_one(Run, run), "failed")
            else:
                said = journal.end(session, step, "done", "checkpoint passed", passed=passed)
        self.tell(said)
        if failed:
            raise CheckFailed(
                f"Checkpoint {item.id}: {len(failed)} of {len(verdicts)} checks failed: {', '.join(failed)}.",
                "Look at the rows, mend them and resume; or roll back.",
            )

    @contextmanager
    def _journalled(self, run: int, item: Item, what: str) -> Iterator[None]:
        """Writes down how an item ended that did not end well, and says it in handrail's own words."""
        try:
            yield
        except (CheckFailed, ConnectionFailed):
            raise
        except StepStopped as stop:
            self._ended_badly(run, item, "stopped", f"{what} stopped", "paused", stop.message)
            raise
        except Exception as error:
            known = known_error(error)
            if isinstance(known, ConnectionFailed):
                raise known from error
            if isinstance(known, StatementCancelled) and self.stopping.is_set():
                self._ended_badly(run, item, "stopped", f"{what} stopped", "paused", known.message)
                raise StepStopped(f"{item.id} was stopped.", "Go on with: handrail resume") from error
            message = known.message if known else f"{type(error).__name__}: {error}"
            self._ended_badly(run, item, "failed", f"{what} failed", "failed", message)
            if known is None:
                raise
            raise StepFailed(
                f"{item.id} failed: {message}", known.hint or "Mend it and resume, or roll back."
            ) from error

    def _ended_badly(self, run: int, item: Item, state: str, event: str, run_state: str, error: str) -> None:
        with self.transaction() as session:
            row = session.get_one(Run, run)
            # a rollback that was stopped goes on as a rollback
            journal.turn(session, row, row.state if row.state == "rolling back" else run_state)
            said = journal.end(session, session.get_one(StepRun, (run, item.position)), state, event, error=error)
        self.tell(said)

    def _given(self, run: int, plan: Plan, item: Item, parameters: dict[str, str]) -> Work:
        return Work(
            self.connection, self.target, run, item.position, item.id, parameters, plan.sources,
            self.tell_progress, self.stopping, lambda why: self._say_again(run, item, why),
        )  # fmt: skip

    def _parameters(self, run: int) -> dict[str, str]:
        with self.transaction() as session:
            return {**session.get_one(Run, run).parameters, "run_id": str(run)}

    def _stop_if_wanted(self) -> None:
        if self.stopping.is_set():
            raise StepStopped("Stopped between two checks.", "Go on with: handrail resume")


@contextmanager
def at(
    target: Target, tell: Tell = lambda event: None, tell_progress: TellProgress = lambda kept: None
) -> Iterator[Executor]:
    """The target's executor: connected, and holding the target's lock until the end."""
    with target.executor_connection("handrail: executor") as connection:
        with transaction(connection) as session:
            name = runs.target_name(session)
        if name is None:
            raise NotPrepared("This database has never been prepared.", "Prepare it with: handrail init")
        _take_lock(connection, name)
        target.name = name
        try:
            yield Executor(connection, target, tell, tell_progress)
        finally:
            _let_go(connection)


def _take_lock(connection: Connection, name: str) -> None:
    """Tries, and tries again; a session that waits in the lock function would deadlock an index build (FM-C3).

    A console that was killed leaves a backend that notices within client_connection_check_interval (FM-A5), so a
    little patience tells a dead driver from a living one.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        with transaction(connection) as session:
            if session.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": activity.LOCK_KEY}).scalar():
                return
            driver = activity.driver(session)
        if time.monotonic() > deadline:
            whom = f": {driver.login}, pid {driver.pid}, since {driver.since:%H:%M:%S} UTC" if driver else ""
            raise RunDriven(
                f"Another session runs steps on {name} now{whom}.",
                "Watch it with: handrail status; ask it to pause with: handrail pause",
            )
        time.sleep(0.1)


def _let_go(connection: Connection) -> None:
    """At once, where the connection still can; else with the backend, which notices that it is alone."""
    if not connection.closed and not connection.invalidated and not connection.in_transaction():
        with suppress(DBAPIError), transaction(connection) as session:
            session.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": activity.LOCK_KEY})
