"""What one user of a pool leaves on a connection does not reach the next (FM-P5).

SQLAlchemy's own reset is a ROLLBACK: what was SET, a role, locks, channels and temporary tables would stay (F31).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine, event

# What DISCARD ALL does, which would want a round trip of its own. RESET ALL brings back what the owner of the database
# has set: from there to our own search_path nothing is looked up, and no timeout of theirs may cut the rest short.
CLEAN = """\
SET statement_timeout = 0;
CLOSE ALL;
RESET SESSION AUTHORIZATION;
RESET ROLE;
RESET ALL;
SET statement_timeout = 0;
SELECT pg_catalog.pg_advisory_unlock_all();
UNLISTEN *;
DEALLOCATE ALL;
DISCARD PLANS;
DISCARD SEQUENCES;
DISCARD TEMP"""


def cleaned(engine: Engine, settings: Mapping[str, str]) -> Engine:
    """The engine, made with pool_reset_on_return=None: a connection that comes back is as `settings` made it.

    In one round trip; a connection of which that cannot be said is closed, and the pool makes another.
    """
    ours = SQL("; ").join(
        SQL("SET {} = {}").format(Identifier(name), SQL(value) if name == "search_path" else value)
        for name, value in settings.items()
    )
    script = CLEAN.encode() + b";\n" + ours.as_bytes()

    @event.listens_for(engine, "reset")
    def reset(connection: psycopg.Connection[Any], record: Any, _state: object) -> None:
        try:
            _clean(connection, script)
        except psycopg.Error as error:
            record.invalidate(error)

    return engine


def _clean(connection: psycopg.Connection[Any], script: bytes) -> None:
    if connection.info.transaction_status != TransactionStatus.IDLE:
        script = b"ROLLBACK;\n" + script  # before which the driver sends no BEGIN
        connection.execute(script)
        return
    connection.autocommit = True
    connection.execute(script)
    connection.autocommit = False
