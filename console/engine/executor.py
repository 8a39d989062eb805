"""The executor: one backend per target runs the items of a run and journals each of them.

Crash rules. The attempt is committed before a step begins. A transactional step commits together with the word
`done` (I-1), so after a crash the journal is right as it stands: `running` with no backend means that nothing
happened. Any other step looks at what it finds before it acts (I-2, I-3), so it is simply applied again. A connection
that was lost is made anew and the item looked at in the journal: what is done there is done, the rest is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from console.engine import captures, drift, taking
from console.engine.decisions import answering
from console.engine.errors import CheckFailed, StepFailed, StepStopped, TakenOver
from console.engine.hold import Hold
from console.engine.measuring import measure
from console.engine.plan import Checkpoint, Item, Plan
from console.engine.retrying import Again, known_error, retried
from console.engine.standing import Standing, own, require_own
from console.engine.steps import Step
from console.engine.stop import GO_ON, Stop
from console.engine.triggers.notifying import Notify
from console.engine.work import PauseWanted, Work
from db import journal
from db.errors import ConnectionFailed, SessionEnded, StatementCancelled
from db.models import Event, Run, StepRun
from db.queries import blocking
from db.queries.activity import Driver
from db.session import Target
from db.translation import translated

RETURNS = 20  # how many lost connections one item survives

Tell = Callable[[Event], None]
TellProgress = Callable[[dict[str, Any]], None]


class Executor:
    """Runs items on one connection. `tell` hears each event after its commit, `tell_progress` each batch."""

    def __init__(self, hold: Hold, tell: Tell, tell_progress: TellProgress) -> None:
        self.hold = hold
        self.tell_progress = tell_progress
        self.stop = Stop()
        self.notify = Notify()
        self.last_event: int | None = None
        self._tell = tell

    @property
    def target(self) -> Target:
        return self.hold.target

    @property
    def connection(self) -> Connection:
        return self.hold.connection

    def cancel(self) -> None:
        """Stops what runs now; called from another thread, and again until the executor has come to rest."""
        self.stop.ask(self.hold.driver)

    def tell(self, event: Event) -> None:
        """Says what was journalled, once it is committed."""
        self.last_event = event.id
        self._tell(event)

    def transaction(self) -> AbstractContextManager[Session]:
        return self.hold.transaction()

    def turn(self, run: int, state: str, event: str, **detail: Any) -> None:
        """Moves the run to another state, and says so."""
        with self.transaction() as session:
            said = journal.turn(session, session.get_one(Run, run), state, event, **detail)
        if said:
            self.tell(said)

    def apply(self, run: int, plan: Plan, item: Item) -> None:
        """Does one item: a step is applied, a checkpoint measured."""

        def once() -> None:
            self._begin(run, item, "running")
            with self._journalled(run, item, "step"):
                if isinstance(item.what, Checkpoint):
                    parameters = self._parameters(run, plan)
                    with self.stop.open():
                        measure(self.hold, run, item, item.what, parameters, self.stop.require_none, self.tell)
                else:
                    self._work(run, plan, item, item.what, back=False)

        self._surviving(run, item, once, "done")

    def take_back(self, run: int, plan: Plan, item: Item, *, left: bool) -> None:
        """Undoes one item. Where nothing of it is `left` in the database, that is only written down."""

        def once() -> None:
            self._begin(run, item, "undoing")
            with self._journalled(run, item, "undo"):
                if isinstance(item.what, Step) and left:
                    self._work(run, plan, item, item.what, back=True)
                else:
                    self._end(run, item, "undone", "step undone")

        self._surviving(run, item, once, "undone")

    def _surviving(self, run: int, item: Item, do: Callable[[], None], end: str) -> None:
        """Does `do`; after a lost connection again, unless the journal has the item as `end` by then (FM-A6, FM-B1).

        A session that somebody ended on purpose is not opened again: that is for a person to decide.
        """
        lost: ConnectionFailed | None = None
        for _ in range(RETURNS):
            try:
                with translated():
                    if lost is not None and self._return(run, item, lost) == end:
                        return
                    lost = None
                    do()
                return
            except SessionEnded as ended:
                raise self.hold.ended(ended) from ended
            except ConnectionFailed as error:
                if error is lost:
                    raise
                lost = error
        raise lost or ConnectionFailed("The connection was lost again and again.", GO_ON)

    def _return(self, run: int, item: Item, lost: ConnectionFailed) -> str:
        """Comes back, and says so before and after; the item's state then. Raises `lost` where nobody answers."""
        self._tell(Event(kind="connection lost", run_id=run, step=item.id, at=datetime.now(UTC), by="",
                         detail={"error": "Trying to come back."}))  # fmt: skip
        began = time.monotonic()
        outcome, moved = self.hold.come_back(lost, self.last_event, self.stop.wanted.wait)
        with self.transaction() as session:
            step = session.get_one(StepRun, (run, item.position))
            state = step.state
            said = [journal.record(session, "connection back", run, item.id, after=round(time.monotonic() - began, 1),
                                   **({"commit": outcome} if outcome else {}))]  # fmt: skip
            if moved:
                said.append(journal.record(session, "server changed", run, **moved))
        for event in said:
            self.tell(event)
        return state

    def _begin(self, run: int, item: Item, state: str) -> None:
        self.hold.first = {}
        with self.transaction() as session:
            step = session.get_one(StepRun, (run, item.position))
            said = journal.begin(session, step, state, journal.backend_pid(session))
        self.tell(said)

    def _end(self, run: int, item: Item, state: str, event: str, **detail: Any) -> None:
        with self.transaction() as session:
            said = self._ended(session, run, item, state, event, **detail)
        self.tell(said)

    def _ended(self, session: Session, run: int, item: Item, state: str, event: str, **detail: Any) -> Event:
        """The end of an item, and how the schema stands then, in the transaction of both."""
        if state == "done":
            drift.keep(session, session.get_one(Run, run), item.position)
        return journal.end(session, session.get_one(StepRun, (run, item.position)), state, event, **detail)

    def _work(self, run: int, plan: Plan, item: Item, step: Step, *, back: bool) -> None:
        work = self.given(run, plan, item, step)
        end = ("undone", "step undone") if back else ("done", "step done")
        at_once = step.undone_at_once if back else step.transactional

        kept = plan.captures(item, back=back)

        def do() -> dict[str, Any]:
            if not back:
                return captures.begun_with(work, kept, lambda: step.apply(work))
            if not at_once:
                return step.take_back(work)
            return captures.around(work, kept, lambda: step.take_back(work))

        def once(patience: float) -> Event:
            with self.hold.transaction(patience, step.others) as session:
                connection = session.connection()
                standing, before = Standing.of(connection), own(connection)
                found = do()
                if not back:
                    captures.require_standing(connection, run, plan.captures(item, back=True))
                # what a deferred constraint or trigger has to say, it says before the word `done` is written (FM-B7)
                connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                standing.require(connection, item.id)
                require_own(connection, before, item.id)
                return self._ended(session, run, item, *end, **found)

        if at_once:
            with self.stop.open():
                said = retried(once, step.patience, work.rest, work.say_again)
            self.tell(said)
        else:
            with self.stop.open():
                found = do()
            self._end(run, item, *end, **found)
        if leaked := self.hold.restore():
            with self.transaction() as session:
                said = journal.record(session, "settings put back", run, item.id, settings=leaked)
            self.tell(said)

    def _say_again(self, run: int, item: Item, again: Again) -> None:
        """Journals that a transaction is tried again, and who was in its way."""
        self.stop.require_none()
        with self.transaction() as session:
            said = journal.record(
                session, "tried again", run, item.id, error=again.why.message, tried=again.tried, tries=again.tries,
                wait=round(again.wait, 1), blockers=self.hold.watch.blockers,
            )  # fmt: skip
        self.tell(said)

    @contextmanager
    def _journalled(self, run: int, item: Item, what: str) -> Iterator[None]:
        """Writes down how an item ended that did not end well, and says it in handrail's own words."""
        try:
            yield
        except (CheckFailed, ConnectionFailed, TakenOver):
            raise
        except StepStopped as stop:
            self._ended_badly(run, item, "stopped", f"{what} stopped", "paused", stop.message)
            raise
        except Exception as error:
            known = known_error(error)
            if isinstance(known, ConnectionFailed):
                raise known from error
            if isinstance(known, StatementCancelled) and (self.stop.wanted.is_set() or self._pause_asked(run)):
                self._ended_badly(run, item, "stopped", f"{what} stopped", "paused", known.message)
                raise StepStopped(f"{item.id} was stopped.", GO_ON) from error
            # what a bug says may quote a row, and the journal keeps it for ever (FM-E9); whoever runs it is told all
            message = known.message if known else f"{type(error).__name__}, for which there are no words yet"
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

    def _way_is_free(self, run: int) -> bool:
        """Between two tries: raises PauseWanted where that was asked for; whether who was long in the way has gone."""
        with self.transaction() as session:
            if journal.pause_asked(session, run):
                raise PauseWanted("Paused while it waited for a lock.", GO_ON)
            return blocking.gone(session, self.hold.watch.blockers)

    def _pause_asked(self, run: int) -> bool:
        with self.transaction() as session:
            return journal.pause_asked(session, run, settled=True)

    def given(self, run: int, plan: Plan, item: Item, step: Step) -> Work:
        parameters = self._parameters(run, plan)
        return Work(
            self.hold, run, item.position, item.id, parameters, plan.sources, step.patience, step.others,
            self.tell, self.tell_progress, self.stop.wanted, lambda again: self._say_again(run, item, again),
            lambda seconds: self.stop.rest(seconds, lambda: self._way_is_free(run)),
        )  # fmt: skip

    def _parameters(self, run: int, plan: Plan) -> dict[str, str]:
        with self.transaction() as session:
            return answering.parameters_of(session, session.get_one(Run, run), plan)


@contextmanager
def at(
    target: Target,
    tell: Tell = lambda event: None,
    tell_progress: TellProgress = lambda kept: None,
    over: Driver | None = None,
) -> Iterator[Executor]:
    """The target's executor: connected, and holding the target until the end; taken from `over` where that is given."""
    hold = Hold(target)
    try:
        with translated():
            moved = hold.take(over)
            executor = Executor(hold, tell, tell_progress)
            with executor.transaction() as session:
                said = taking.journalled(session, over, moved)
            for event in said:
                executor.tell(event)
            yield executor
            hold.let_go()
    finally:
        hold.close()
