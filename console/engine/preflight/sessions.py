"""Who holds what now: transactions that last, prepared ones, and vacuums that do not give way."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.sql import Literal as Quoted

from console.engine.doctor import Finding
from console.engine.preflight.wording import cut
from db.queries import health
from db.wording import lasting

LONG_SECONDS = 300.0
WRAPAROUND = "(to prevent wraparound)"


def of_sessions(sessions: Sequence[health.SessionRow]) -> list[Finding]:
    """Transactions that hold back locks, snapshots or index builds; autovacuum that does not give way (FM-B9, B10)."""
    long, forced = [], []
    for one in sessions:
        if WRAPAROUND in one.query and one.kind == "autovacuum worker":
            table = one.query.removesuffix(WRAPAROUND).split()[-1]
            found = f"pid {one.pid} vacuums {table} for {lasting(one.seconds)}"
            hint = "It does not give way to a lock as other vacuums do: wait until it has ended"
            forced.append(Finding("warning", "vacuum to prevent wraparound", found, hint))
        elif one.kind == "client backend" and one.seconds > LONG_SECONDS:
            whom = " ".join(filter(None, [one.login, f"({one.application})" if one.application else ""]))
            found = f"pid {one.pid} {whom} {one.state} for {lasting(one.seconds)}"
            hint = f"Wait until it has ended, or end it: SELECT pg_terminate_backend({one.pid})"
            long.append(Finding("warning", "long transaction", found, hint))
    return [*forced, *cut(long)]


def of_prepared(prepared: Sequence[health.PreparedTransaction]) -> list[Finding]:
    """It holds its locks for as long as nobody ends it, over restarts too (FM-B9)."""
    found = []
    for one in prepared:
        gid = Quoted(one.gid).as_string().strip()
        hint = f"End it: COMMIT PREPARED {gid} or ROLLBACK PREPARED {gid}"
        what = f"{one.gid} of {one.owner}, {lasting(one.seconds)} old"
        found.append(Finding("warning", "prepared transaction", what, hint))
    return cut(found)
