"""Who is in the way of the backend that runs steps, and who waits for it: asked from any other session (I-8)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

# Between two tries our backend waits for nobody: those that it met last are shown while their transaction lasts.
BLOCKERS = text(
    r"""
    WITH found AS (
        SELECT a.pid, coalesce(a.usename, '') AS login, coalesce(a.application_name, '') AS application,
               coalesce(a.state, 'not known') AS state, coalesce(a.xact_start, a.backend_start) AS since,
               coalesce(a.query, '') AS query, a.backend_start
        FROM pg_stat_activity a
        WHERE a.pid = ANY (pg_blocking_pids(:pid))
           OR (a.pid = ANY (CAST(:met AS integer[])) AND a.xact_start < CAST(:at AS timestamptz))
    )
    SELECT f.*, coalesce((
        SELECT string_agg(mode || ' on ' || regexp_replace(relation::regclass::text, '^public\.', ''), ', ')
        FROM (SELECT DISTINCT replace(l.mode, 'Lock', '') AS mode, l.relation FROM pg_locks l
              JOIN pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384
              WHERE l.pid = f.pid AND l.granted AND l.locktype = 'relation' AND l.database = (
                  SELECT oid FROM pg_database WHERE datname = current_database())
              ORDER BY mode, l.relation LIMIT 3) held), '') AS holds
    FROM found f ORDER BY f.since, f.pid
    """
)

# pg_blocking_pids answers 0 for a prepared transaction: it has no session that could be ended
PREPARED = text(
    """
    SELECT gid, owner, prepared FROM pg_prepared_xacts
    WHERE database = current_database() AND 0 = ANY (pg_blocking_pids(:pid)) ORDER BY prepared
    """
)

WAITING = text(
    """
    SELECT count(DISTINCT w.pid) AS sessions,
           extract(epoch FROM max(clock_timestamp() - w.waitstart))::float8 AS seconds
    FROM pg_locks w WHERE NOT w.granted AND w.pid <> :pid AND :pid = ANY (pg_blocking_pids(w.pid))
    """
)

# Another session that has the pid by now is left alone. Hidden from a login that may not end it, the beginning is null.
SEEN = "FROM pg_stat_activity WHERE pid = :pid AND backend_start IS NOT DISTINCT FROM :started"
END = {
    "cancel": text("SELECT pg_cancel_backend(pid) " + SEEN),
    "terminate": text("SELECT pg_terminate_backend(pid) " + SEEN),
}


# Short transactions come and go on a busy table: their end says nothing about the next try.
GONE = text(
    """
    SELECT count(*) > 0 AND count(a.pid) = 0
    FROM unnest(CAST(:pids AS integer[]), CAST(:sinces AS timestamptz[])) AS met (pid, since)
         LEFT JOIN pg_stat_activity a ON a.pid = met.pid AND a.xact_start = met.since
    WHERE met.since < clock_timestamp() - interval '2 seconds'
    """
)


@dataclass(frozen=True)
class Blocker:
    """A session in our way. `since` is when its transaction began, `started` when the session did.

    A prepared transaction has pid 0 and no `started`; its name is in `application`.
    """

    pid: int
    login: str
    application: str
    state: str
    since: datetime.datetime | None
    query: str
    started: datetime.datetime | None
    holds: str


@dataclass(frozen=True)
class Waiting:
    """How many sessions wait for ours, and the longest of these waits so far, in seconds."""

    sessions: int
    seconds: float


def blockers(session: Session, pid: int, met: Sequence[int] = (), at: datetime.datetime | None = None) -> list[Blocker]:
    """For whom `pid` waits now, the oldest transaction first; and those that it `met` at `at` and that still go on."""
    found = [Blocker(*row) for row in session.execute(BLOCKERS, {"pid": pid, "met": list(met), "at": at})]
    prepared = session.execute(PREPARED, {"pid": pid}).all()
    return found + [
        Blocker(0, row.owner, row.gid, "prepared transaction", row.prepared, "", None, "") for row in prepared
    ]


def gone(session: Session, met: Sequence[Mapping[str, Any]]) -> bool:
    """Whether those who were met in long transactions have all ended them; False where there was none such."""
    values = {"pids": [one["pid"] for one in met], "sinces": [one["since"] for one in met]}
    return bool(session.scalar(GONE, values))


def waiting(session: Session, pid: int) -> Waiting:
    sessions, seconds = session.execute(WAITING, {"pid": pid}).one()
    return Waiting(sessions, seconds or 0.0)


def end(session: Session, how: str, blocker: Blocker) -> bool:
    """Cancels the statement of a session or terminates it; False where it is gone already."""
    return bool(session.scalar(END[how], {"pid": blocker.pid, "started": blocker.started}))
