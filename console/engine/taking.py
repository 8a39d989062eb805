"""Taking a target: trying for its lock, ending the session that has it, raising the epoch (I-4)."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from console.engine.errors import JournalBehind, RunDriven, RunRefused, TakenOver
from console.engine.retrying import known_error
from db import journal, revisions
from db.errors import LockNotGranted, NotPrepared
from db.models import Event
from db.queries import activity, runs
from db.queries.activity import LOCK_KEY, Driver
from db.session import transaction

# A console that was killed leaves a backend that notices within client_connection_check_interval (FM-A5), so a little
# patience tells a dead driver from a living one.
PATIENCE = 3.0  # seconds

RAISE = text(
    """
    WITH before AS (SELECT * FROM handrail.fence FOR UPDATE)
    UPDATE handrail.fence AS f
    SET epoch = before.epoch + 1, pid = pg_backend_pid(), login = session_user, taken_at = clock_timestamp(),
        system_identifier = (SELECT system_identifier FROM pg_control_system()),
        timeline = ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer
    FROM before
    RETURNING f.epoch, before.epoch AS was, before.login, before.taken_at,
              before.system_identifier AS system_was, f.system_identifier, before.timeline AS timeline_was, f.timeline
    """
)
# every other lock of its kind that this session holds, once: it may hold one several times
UNLOCK = text(
    """
    SELECT count(*) FILTER (WHERE CASE
        WHEN objsubid = 1 AND mode = 'ShareLock' THEN pg_catalog.pg_advisory_unlock_shared(entire)
        WHEN objsubid = 1 THEN pg_catalog.pg_advisory_unlock(entire)
        WHEN mode = 'ShareLock' THEN pg_catalog.pg_advisory_unlock_shared(first, second)
        ELSE pg_catalog.pg_advisory_unlock(first, second) END)
    FROM pg_catalog.pg_locks CROSS JOIN LATERAL (
        SELECT classid::bigint << 32 | objid::bigint, classid::bigint::bit(32)::integer, objid::bigint::bit(32)::integer
    ) AS named (entire, first, second)
    WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted AND (classid, objid, objsubid) <> (0, :key, 1)
    """
)
LEAVE = text("UPDATE handrail.fence SET pid = NULL WHERE epoch = :epoch")
END = text(
    """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = :pid AND (backend_start = :since OR backend_start IS NULL)
    """
)


def require_ready(session: Session) -> str:
    """The target's name; raises where no executor may work: not prepared, by another version, or a replica."""
    name = runs.target_name(session)
    if name is None:
        raise NotPrepared("This database has never been prepared.", "Prepare it with: handrail init --name TARGET")
    here, known = revisions.current(session.connection(), revisions.OWN), revisions.known(revisions.OWN)
    if here not in known:
        raise NotPrepared(
            f"This database was prepared by a newer handrail ({here}).", "Use that version here, or a newer one."
        )
    if here != known[-1]:
        raise NotPrepared(
            "This database was prepared by an older handrail.", f"Bring it up to this one: handrail init --name {name}"
        )
    if session.scalar(text("SELECT current_setting('session_replication_role') <> 'origin'")):
        raise RunRefused(
            "Triggers and foreign keys are off for this login: session_replication_role is not origin.",
            "Find out who set it: ALTER ROLE or ALTER DATABASE ... RESET session_replication_role",
        )
    if session.scalar(text("SELECT pg_is_in_recovery()")):
        raise RunRefused("This server is a replica; nothing can be changed on it.", "Name the primary with --target.")
    if session.scalar(text("SELECT current_setting('transaction_read_only')::boolean")):
        raise RunRefused(
            "This database is set to read-only transactions.",
            "Find out who set it: ALTER ROLE or ALTER DATABASE ... RESET default_transaction_read_only",
        )
    if session.scalar(text("SELECT count(*) FROM handrail.fence")) != 1:
        raise NotPrepared("handrail's fence is gone from this database.", f"Put it back: handrail init --name {name}")
    return name


def lock(connection: Connection, name: str) -> None:
    """Tries, and tries again; a session that waits in the lock function would deadlock an index build (FM-C3)."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with transaction(connection) as session:
            if session.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}).scalar():
                return
            driver = activity.driver(session)
        if time.monotonic() > deadline:
            raise driven(name, driver)
        time.sleep(0.1)


def let_go_of_others(session: Session) -> bool:
    """Lets go of the advisory locks of a session but the target's; whether there were any."""
    found = False
    while session.execute(UNLOCK, {"key": LOCK_KEY}).scalar():
        found = True
    return found


def driven(name: str, driver: Driver | None) -> RunDriven:
    whom = f": {driver.login}, pid {driver.pid}, since {driver.since:%H:%M:%S} UTC" if driver else ""
    return RunDriven(
        f"Another session runs steps on {name} now{whom}.",
        "Watch it with: handrail status; ask it to pause: handrail pause; or take over: handrail resume --take-over",
    )


def taken_over(fence: Row[Any]) -> TakenOver:
    when = f" at {fence.taken_at:%H:%M:%S} UTC" if fence.taken_at else ""
    return TakenOver(
        f"{fence.login or 'Another session'} took this run over{when}.",
        "Nothing more is done here. Watch it with: handrail status",
    )


def behind(what: str) -> JournalBehind:
    return JournalBehind(
        f"The server does not know {what}, which it had acknowledged: its journal is behind.",
        "It may be a replica that took over too early. Compare the two servers before you resume.",
    )


def end_session(connection: Connection, driver: Driver) -> None:
    """Ends the session that drives, and no other that may have its pid by now; it need not be there any more."""
    with transaction(connection) as session:
        session.execute(END, {"pid": driver.pid, "since": driver.since})


def raise_epoch(connection: Connection, name: str, still: int | None = None) -> tuple[int, dict[str, Any]]:
    """The new epoch, and where the server is another than before, from what to what.

    Waits for no transaction of an older epoch: one that is open is a living executor without its lock (F68). Raises
    TakenOver where the epoch is not `still` what it was, JournalBehind where it is lower.
    """
    try:
        with transaction(connection) as session:
            raised = session.execute(RAISE).one()
            if still is not None and raised.was < still:
                raise behind(f"epoch {still}")
            if still is not None and raised.was != still:
                raise taken_over(raised)
    except DBAPIError as error:
        if not isinstance(known_error(error), LockNotGranted):
            raise
        with transaction(connection) as session:
            raise driven(name, activity.driver(session)) from error
    moved = {}
    if raised.system_was is not None and raised.system_was != raised.system_identifier:
        moved["system"] = [raised.system_was, raised.system_identifier]
    if raised.timeline_was is not None and raised.timeline_was != raised.timeline:
        moved["timeline"] = [raised.timeline_was, raised.timeline]
    return int(raised.epoch), moved


def journalled(session: Session, over: Driver | None, moved: dict[str, Any]) -> list[Event]:
    """Says that the target was taken over, and that its server is another than when it was last taken (FM-B2)."""
    run = runs.open_one(session)
    number = run.id if run else None
    said = []
    if over is not None:
        said.append(journal.record(session, "taken over", number, pid=over.pid, login_before=over.login,
                                   since=over.since.isoformat()))  # fmt: skip
    if moved:
        said.append(journal.record(session, "server changed", number, **moved))
    return said
