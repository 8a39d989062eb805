"""What the server is doing now: who drives the run, how far an index build is."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

# "rail" in ASCII; advisory locks are per database, so one number serves every target
LOCK_KEY = 0x7261696C

# The session that holds the lock; or, where a step has let it go (F68), the one that raised the epoch last.
DRIVER = text(
    """
    SELECT a.pid, a.usename AS login, a.application_name AS application,
           coalesce(a.backend_start, (SELECT taken_at FROM handrail.fence)) AS since
    FROM pg_stat_activity a
    WHERE a.pid IN (SELECT l.pid FROM pg_locks l
                    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = 0 AND l.objid = :key
                      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
       OR (a.pid, a.datname) IN (SELECT f.pid, current_database() FROM handrail.fence f
                                 WHERE a.backend_start <= f.taken_at)
    ORDER BY a.backend_start LIMIT 1
    """
)

INDEX_BUILD = text(
    """
    SELECT p.phase, coalesce(c.relname, '') AS index,
           CASE WHEN p.blocks_total > 0 THEN p.blocks_done::float / p.blocks_total
                WHEN p.tuples_total > 0 THEN p.tuples_done::float / p.tuples_total END AS fraction
    FROM pg_stat_progress_create_index p LEFT JOIN pg_class c ON c.oid = p.index_relid
    WHERE p.pid = :pid
    """
)


@dataclass(frozen=True)
class Driver:
    """The session that holds the target's lock and so runs the steps."""

    pid: int
    login: str
    application: str
    since: datetime.datetime


@dataclass(frozen=True)
class IndexBuild:
    """`fraction` is of the phase, 0 to 1; None in phases that only wait."""

    phase: str
    index: str
    fraction: float | None


def driver(session: Session) -> Driver | None:
    found = session.execute(DRIVER, {"key": LOCK_KEY}).first()
    return Driver(*found) if found else None


def cancel(session: Session, driver: Driver) -> None:
    """Cancels the statement of the session that drives; nothing where it is between two."""
    session.execute(
        text(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
            # hidden from a login that may not end it either, and is told so
            " WHERE pid = :pid AND (backend_start = :since OR backend_start IS NULL)"
        ),
        {"pid": driver.pid, "since": driver.since},
    )


def index_build(session: Session, pid: int) -> IndexBuild | None:
    found = session.execute(INDEX_BUILD, {"pid": pid}).first()
    return IndexBuild(*found) if found else None


def now(session: Session) -> datetime.datetime:
    """The server's clock, by which the journal's times are written."""
    told: datetime.datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return told


def server_version(session: Session) -> str:
    return str(session.execute(text("SHOW server_version")).scalar_one()).split(" ")[0]
