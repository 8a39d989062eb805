"""Taking the search index away: nothing of it is left on the target's tables, and its schema goes last."""

from __future__ import annotations

from psycopg.sql import SQL

from console.engine.clients import following
from console.engine.clients.indexing import APPLICATION, on_table
from db.session import EXECUTOR_SETTINGS, Target
from db.translation import translated

MARKED = """
SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'handrail_search' AND (
    EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'handrail_search_read')
    OR EXISTS (SELECT FROM pg_catalog.pg_trigger t
               WHERE t.tgrelid = c.oid AND t.tgname LIKE 'handrail\\_search\\_%'))
"""
TRIGGERS = """
SELECT tgname FROM pg_catalog.pg_trigger WHERE tgrelid = to_regclass(%s) AND tgname LIKE 'handrail\\_search\\_%%'
"""


def remove(target: Target) -> list[str]:
    """The tables that it was taken off; saved searches and who sees which tenants go with it."""
    with target.connect(EXECUTOR_SETTINGS, APPLICATION) as connection, translated():
        connection.autocommit = True
        tables = [row[0] for row in connection.execute(MARKED).fetchall()]
        for name in tables:
            triggers = [row[0] for row in connection.execute(TRIGGERS, (following.table(name).as_string(),)).fetchall()]
            on_table(connection, name, following.away(name, triggers))
        connection.execute(SQL("DROP SCHEMA IF EXISTS handrail_search CASCADE"))
    return tables
