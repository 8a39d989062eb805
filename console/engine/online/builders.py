"""Who else works on a table's indexes now."""

from __future__ import annotations

from sqlalchemy import Connection, text

# The progress view hides the index from a login without pg_read_all_stats; pg_locks hides nothing. An autovacuum
# worker holds the same lock and belongs to no login.
BUILDERS = text(
    """
    SELECT pid, true AS builds FROM pg_stat_progress_create_index
    WHERE index_relid = ANY(:indexes) AND pid <> pg_backend_pid()
    UNION ALL
    SELECT l.pid, false FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'relation' AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND l.relation = :table
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL
    ORDER BY builds DESC, pid LIMIT 1
    """
)


def on(connection: Connection, table: int, indexes: list[int]) -> str:
    """Who builds one of the indexes or holds their table for it, in words; empty where nobody does."""
    found = connection.execute(BUILDERS, {"table": table, "indexes": indexes}).first()
    if found is None:
        return ""
    return f"pid {found.pid} builds it" if found.builds else f"pid {found.pid} works on its table"
