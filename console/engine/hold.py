"""The hold on a target: one backend, the lock that it holds, the epoch that it raised (I-4).

Every transaction of an executor is one of `Hold.transaction`: it takes the epoch FOR SHARE first, so that it commits
only while nobody else has taken the target, whatever became of the advisory lock (F68), of this process (SIGSTOP, a
laptop's lid) or of the connection.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from console.engine import taking
from console.engine.errors import TakenOver
from console.engine.pooler import require_own_backend
from console.engine.retrying import known_error
from console.engine.statements import send
from console.engine.watch import Watch, Watched
from db.errors import (
    CommitInDoubt,
    ConnectionFailed,
    HandrailError,
    LockNotGranted,
    NotPrepared,
    SessionEnded,
    StatementCancelled,
)
from db.queries.activity import LOCK_KEY, Driver
from db.session import EXECUTOR_SETTINGS, Target, known, transaction
from db.translation import translated

Told = dict[str, Any]

APPLICATION = "handrail: executor"
RETURN_SECONDS = 60.0
# what a step may leave in a session, beside settings and the role
LEAVE_NOTHING = (
    "RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL", "CLOSE ALL", "UNLISTEN *", "DEALLOCATE ALL",
    "DISCARD TEMP",
)  # fmt: skip
TAKEOVER_SECONDS = 2.0  # from the end of our session to the epoch of who ended it

FENCE = text("SELECT epoch, login, taken_at FROM handrail.fence")

ENTER = text(
    """
    SELECT epoch, login, taken_at, pg_current_xact_id()::text AS xid,
           set_config('lock_timeout', coalesce(:lock_timeout, current_setting('lock_timeout')), true),
           pg_try_advisory_xact_lock(:key)  -- which no function that a step calls can let go
    FROM handrail.fence FOR SHARE
    """
)
OUTCOME = text("SELECT pg_xact_status(CAST(CAST(:xid AS text) AS xid8))")
# transaction_isolation and its kin are the transaction's, not the session's
SETTINGS = text(
    "SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session' AND name NOT LIKE 'transaction\\_%'"
)
SET = text(
    """
    SELECT count(set_config(name, value, false))
    FROM unnest(CAST(:names AS text[]), CAST(:values AS text[])) AS wanted (name, value)
    """
)
STANDS = text(
    """
    SELECT current_user = session_user AS same_role,
           EXISTS (SELECT 1 FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
                   AND classid = 0 AND objid = :key AND objsubid = 1) AS locked
    """
)


class Hold:
    """`first` are the tables that a step's last tries waited for, with their modes: the next try locks them first.

    A transaction of the application that holds one table and wants the next waits for us where we hold the next: by
    and by we lock in its order, and no longer meet it half way.

    `connection` and `driver` (the same, as psycopg knows it) are others after `regain`; so is `epoch`."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.watch = Watch(target)
        self._stack = ExitStack()
        self._settings: dict[str, str] = {}
        self.connection: Connection
        self.driver: Any
        self.epoch = 0
        self.pid = 0
        self.first: dict[str, str] = {}

    def take(self, over: Driver | None = None) -> Told:
        """Connects and takes the target, from `over` where that is given; what should be journalled of it."""
        require_own_backend(self.target)
        self._connect()
        with transaction(self.connection) as session:
            self.target.name = taking.require_ready(session)
        if over is not None:
            taking.end_session(self.connection, over)
        taking.lock(self.connection, self.target.name)
        self.epoch, moved = taking.raise_epoch(self.connection, self.target.name)
        return moved

    def come_back(
        self, lost: ConnectionFailed, last_event: int | None, wait: Callable[[float], bool]
    ) -> tuple[str, Told]:
        """A new connection after `lost`. What became of a COMMIT in doubt (committed, aborted or ''), and, where the
        server is another than before, from what to what.

        Raises `lost` where the server stays away for RETURN_SECONDS, or `wait` says that it is of no use any more;
        TakenOver where somebody else took the target meanwhile, and JournalBehind where the server does not know the
        last event that it had acknowledged: a failover to a replica that had not received it (FM-B2).
        """
        deadline, pause = time.monotonic() + RETURN_SECONDS, 0.05
        while True:
            try:
                with translated():
                    return self._regain(lost.xid if isinstance(lost, CommitInDoubt) else "", last_event)
            except ConnectionFailed:
                if time.monotonic() > deadline or wait(pause * random.uniform(0.5, 1.5)):
                    raise lost from None
                pause = min(2.0, 2 * pause)

    def _regain(self, xid: str, last_event: int | None) -> tuple[str, Told]:
        self._stack.close()
        self._connect()
        with transaction(self.connection) as session:
            taking.require_ready(session)
        taking.lock(self.connection, self.target.name)
        self.epoch, moved = taking.raise_epoch(self.connection, self.target.name, still=self.epoch)
        with transaction(self.connection) as session:
            # the lock is ours, so the backend that had it is gone, and its transaction has an end
            outcome = session.scalar(OUTCOME, {"xid": xid}) if xid else ""
            known = text("SELECT EXISTS (SELECT 1 FROM handrail.event WHERE id = :id)")
            if last_event is not None and not session.scalar(known, {"id": last_event}):
                raise taking.behind(f"event {last_event}")
        return str(outcome or ""), moved

    @contextmanager
    def transaction(self, patience: float | None = None, others: float | None = None) -> Iterator[Session]:
        """One transaction, fenced. Raises TakenOver before it does anything for an epoch that is over.

        With `patience`, locks are waited for no longer than that, in seconds. With `others`, nobody waits for the
        transaction longer than that: it is cancelled, and LockNotGranted says so (I-8).
        """
        xid = ""
        with self.watch.over(self.pid, others) as watched:
            try:
                with transaction(self.connection) as session:
                    xid = self._enter(session, patience)
                    for table, mode in self.first.items() if others is not None else ():
                        send(session.connection(), f"LOCK TABLE {table} IN {mode} MODE")
                    yield session
            except CommitInDoubt as error:
                error.xid = xid
                raise
            except Exception as error:
                if watched.wanted is not None:
                    self.first = {watched.wanted[0]: watched.wanted[1], **self.first}
                raise _named(error, watched) from error

    def ended(self, error: SessionEnded) -> SessionEnded | TakenOver:
        """Why somebody ended our session: TakenOver where another console raises the epoch soon after."""
        deadline = time.monotonic() + TAKEOVER_SECONDS
        with suppress(HandrailError):
            while time.monotonic() < deadline:
                with self.target.session() as session:
                    fence = session.execute(FENCE).one()
                if fence.epoch != self.epoch:
                    return taking.taken_over(fence)
                time.sleep(0.1)
        return error

    def restore(self) -> list[str]:
        """Puts the session back as it was before a step; the settings that had been changed (FM-D5)."""
        with transaction(self.connection) as session:
            stands = session.execute(STANDS, {"key": LOCK_KEY}).one()
            left = taking.let_go_of_others(session)
            found = _settings(session)
            for sent in LEAVE_NOTHING:
                session.execute(text(sent))
            settings = known(EXECUTOR_SETTINGS, self.driver.info.server_version // 10000)
            session.execute(SET, {"names": list(settings), "values": list(settings.values())})
        if not stands.locked:
            taking.lock(self.connection, self.target.name)
        names = {name for name in found.keys() | self._settings.keys() if found.get(name) != self._settings.get(name)}
        others = {"role": not stands.same_role, "lock": not stands.locked, "advisory locks": left}
        return sorted(names | {name for name, changed in others.items() if changed})

    def let_go(self) -> None:
        """At once, where the connection still can; else with the backend, which notices that it is alone."""
        connection = self.connection
        if not connection.closed and not connection.invalidated and not connection.in_transaction():
            with suppress(DBAPIError), transaction(connection) as session:
                session.execute(taking.LEAVE, {"epoch": self.epoch})
                session.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})

    def close(self) -> None:
        self.watch.close()
        self._stack.close()

    def _connect(self) -> None:
        self._stack = ExitStack()
        self.connection = self._stack.enter_context(self.target.executor_connection(APPLICATION))
        self.driver = self.connection.connection.driver_connection
        with transaction(self.connection) as session:
            self._settings = _settings(session)
        self.pid = int(self.driver.info.backend_pid)

    def _enter(self, session: Session, patience: float | None) -> str:
        lock_timeout = f"{max(1, round(patience * 1000))}ms" if patience is not None else None
        fence = session.execute(ENTER, {"lock_timeout": lock_timeout, "key": LOCK_KEY}).one_or_none()
        if fence is None:
            raise NotPrepared(
                "handrail's fence is gone from this database.", "Put it back with: handrail init --name TARGET"
            )
        if fence.epoch != self.epoch:
            raise taking.taken_over(fence)
        return str(fence.xid)


def _settings(session: Session) -> dict[str, str]:
    return {name: setting for name, setting in session.execute(SETTINGS)}  # noqa: C416 - mypy knows a Row's parts only so


def _named(error: Exception, watched: Watched) -> Exception:
    """A cancel that we sent ourselves, so that others need not wait, is a lock that was not granted."""
    if watched.gave_way and isinstance(known_error(error), StatementCancelled):
        return LockNotGranted(
            watched.gave_way,
            "Split the step, or let the plan say how long others may wait: downtime.",
            sqlstate="55P03",
        )
    return error
