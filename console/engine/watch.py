"""The second connection: it sees for whom our backend waits and who waits for it, and lets nobody wait too long (I-8).

lock_timeout bounds each single wait for a lock (F2). A transaction that holds one lock while it waits for the next, or
while it works, may keep others waiting longer than that; this is what is cancelled here.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from db.errors import HandrailError
from db.session import Target

EVERY = 0.05  # seconds; the longest time by which others may wait too long
SECONDS_TO_CLOSE = 5.0
SETTINGS = {"statement_timeout": "5s", "lock_timeout": "1s", "idle_in_transaction_session_timeout": "10s"}

SEE = """
    SELECT coalesce((SELECT extract(epoch FROM max(clock_timestamp() - w.waitstart))
                     FROM pg_locks w WHERE NOT w.granted AND w.pid <> %(pid)s
                     AND %(pid)s = ANY (pg_blocking_pids(w.pid))), 0)::float8,
           (SELECT jsonb_build_object('table', format('%%I.%%I', n.nspname, c.relname), 'mode', l.mode)
            FROM pg_locks l JOIN pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p')
                 JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE l.pid = %(pid)s AND NOT l.granted AND l.locktype = 'relation' LIMIT 1),
           EXISTS (SELECT 1 FROM unnest(pg_blocking_pids(%(pid)s)) AS before
                   WHERE %(pid)s = ANY (pg_blocking_pids(before))),
           (SELECT coalesce(jsonb_agg(jsonb_build_object('pid', a.pid, 'login', a.usename, 'application',
                   a.application_name, 'state', a.state, 'since', a.xact_start)), '[]')
            FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids(%(pid)s)))
"""


@dataclass
class Watched:
    """One transaction under watch. `others` bounds how long somebody may wait for it.

    `wanted` is the table that it waited for, and the mode. `gave_way` says why it was cancelled; empty where it was
    not. `blockers` are those for whom it waited when last seen waiting: pid, login, application, state, since.
    """

    pid: int
    others: float | None
    began: float = field(default_factory=time.monotonic)
    gave_way: str = ""
    blockers: list[dict[str, Any]] = field(default_factory=list)
    wanted: tuple[str, str] | None = None


def words(mode: str) -> str:
    """AccessExclusiveLock -> ACCESS EXCLUSIVE, as LOCK TABLE wants it."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", mode.removesuffix("Lock")).upper()


class Watch:
    """Looks while something is under watch, from a thread of its own; asleep and unconnected otherwise."""

    def __init__(self, target: Target) -> None:
        self.blockers: list[dict[str, Any]] = []
        self._target = target
        self._connection: psycopg.Connection | None = None
        self._changed = threading.Condition()
        self._watched: Watched | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, pid: int, others: float | None) -> Iterator[Watched]:
        """Watches one transaction of the backend `pid`; nobody is watched where `others` is None."""
        watched = Watched(pid, others)
        if others is None:
            yield watched
            return
        self._set(watched)
        try:
            yield watched
        finally:
            self._set(None)
            self.blockers = watched.blockers

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(SECONDS_TO_CLOSE)

    def _set(self, watched: Watched | None) -> None:
        """When this returns, no cancel is on its way to a transaction that is not watched any more."""
        with self._changed:
            self._watched = watched
            if watched is not None and self._thread is None:
                self._thread = threading.Thread(target=self._look_on, name="watch", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _look_on(self) -> None:
        with suppress(psycopg.Error):
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or self._watched is not None)
                    if self._closed:
                        break
                    watched = self._watched
                    # most transactions are over before it is worth a look
                    self._changed.wait(EVERY)
                if watched is not None and time.monotonic() - watched.began >= EVERY:
                    self._see(watched)
        if self._connection is not None:
            self._connection.close()

    def _see(self, watched: Watched) -> None:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._target.connect(SETTINGS, "handrail: watch")
                self._connection.autocommit = True
            seen = self._connection.execute(SEE, {"pid": watched.pid}).fetchone()
        except (psycopg.Error, HandrailError):
            self._connection = None
            return  # lock_timeout still holds; another look comes
        if seen is None:
            return
        waited, wanted, each_other, blockers = seen
        with self._changed:
            if self._watched is not watched:
                return
            if blockers:
                watched.blockers = blockers
            if wanted:
                watched.wanted = wanted["table"], words(wanted["mode"])
            if each_other:
                # the server would end one of the two after a second, and as soon the application as us
                watched.gave_way = "It and another session waited for each other, so it gave way."
            elif watched.others is not None and waited > watched.others:
                watched.gave_way = f"Others had waited {waited:.1f} s for it, so it gave way."
            if watched.gave_way:
                with suppress(psycopg.Error):
                    self._connection.execute("SELECT pg_cancel_backend(%s)", (watched.pid,))
