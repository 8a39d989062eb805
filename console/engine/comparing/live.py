"""A database as it is now: one connection, one snapshot that reads only, and no lock that is waited for long."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, text

from console.engine.comparing.head import Head, Held
from console.engine.retrying import retried
from db import fingerprint
from db.fingerprint import content as held
from db.fingerprint.content import Row, Table
from db.session import Target

PATIENCE = 2.0  # seconds for a lock
APPLICATION = "handrail: fingerprint"

SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
# a row that a policy hides is an error here, not a row less
SETTINGS = text(
    """
    SELECT pg_catalog.set_config('lock_timeout', CAST(:lock_timeout AS text), true),
           pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
           pg_catalog.set_config('idle_in_transaction_session_timeout', '0', true),
           pg_catalog.set_config('row_security', 'off', true)
    """
)
SERVER = text(
    """
    SELECT current_setting('server_version') AS server, current_database() AS database,
           to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS taken_at
    """
)


class Live:
    """`head` says what was seen; rows are read from the same snapshot, as they are wanted."""

    knows_rows = True

    def __init__(self, connection: Connection, head: Head, tables: dict[str, Table]) -> None:
        self.head = head
        self._connection = connection
        self._tables = tables

    def rows(self, table: str, buckets: Sequence[int] | None = None) -> Iterator[Row]:
        return held.rows(self._connection, self._tables[table], buckets)


@contextmanager
def live(target: Target, *, content: bool = True) -> Iterator[Live]:
    """The snapshot lasts until the end. Raises RightMissing for a table that this login may not read whole."""
    with target.executor_connection(APPLICATION) as connection:
        yield retried(
            lambda patience: _looked(connection, patience, content=content), PATIENCE, time.sleep, lambda again: None
        )


def _looked(connection: Connection, patience: float, *, content: bool) -> Live:
    begun = connection.begin()
    try:
        connection.execute(SNAPSHOT)
        connection.execute(SETTINGS, {"lock_timeout": f"{int(patience * 1000)}ms"})
        server = connection.execute(SERVER).one()
        seen = fingerprint.take(connection, content=False, server=True)
        tables = {table.title: table for table in held.listed(connection)} if content else {}
        kept = {title: _held(connection, table) for title, table in tables.items()} if content else None
    except BaseException:
        begun.rollback()
        raise
    head = Head(**server._asdict(), kinds=sorted(seen.kinds), objects=seen.objects, content=kept)
    return Live(connection, head, tables)


def _held(connection: Connection, table: Table) -> Held:
    (rows, total), buckets = held.bucketed(connection, table)
    return Held(rows=rows, hash=total, columns=list(table.columns), key=list(table.key), buckets=buckets)
