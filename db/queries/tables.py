"""Tables as a run would meet them: what this login may do there, how large they are, what was left over on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

# By its name alone where FROM would find it so, or with its schema. No function here takes a lock on a table, or the
# question would wait behind the very transactions that it should name.
TABLES = text(
    """
    WITH RECURSIVE found AS (
        SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p')
          AND (n.nspname = 'handrail' OR n.nspname || '.' || c.relname = ANY(:names)
               OR (c.relname = ANY(:names) AND pg_table_is_visible(c.oid)))
    ), part AS (
        SELECT oid AS root, oid FROM found
        UNION ALL SELECT part.root, i.inhrelid FROM part JOIN pg_inherits i ON i.inhparent = part.oid
    )
    SELECT CASE WHEN pg_table_is_visible(f.oid) THEN f.relname END AS name,
           f.nspname || '.' || f.relname AS plain_name, format('%I.%I', f.nspname, f.relname) AS full_name,
           quote_ident(f.nspname) AS schema, f.nspname = 'handrail' AS ours,
           EXISTS (SELECT FROM part JOIN pg_class c USING (oid)
                   WHERE root = f.oid AND c.relpersistence = 'u') AS unlogged,
           has_schema_privilege(f.relnamespace, 'USAGE') AS enters,
           array(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) p
                 WHERE has_any_column_privilege(f.oid, p)) AS rights,
           array(SELECT oid::bigint FROM part WHERE root = f.oid) AS parts
    FROM found f ORDER BY 3
    """
)

SIZES = text(
    """
    SELECT max(bytes)::bigint
    FROM (SELECT sum(pg_total_relation_size(part::oid)) AS bytes
          FROM unnest(CAST(:roots AS int[]), CAST(:parts AS bigint[])) t(root, part) GROUP BY root) sizes
    """
)

# A build that this login may not see in full has no relid: then it may be of any table.
INDEXES = text(
    """
    SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relname ~ '_cc(new|old)[0-9]*$' AS of_reindex
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'i' AND (NOT i.indisvalid OR c.relname ~ '_cc(new|old)[0-9]*$')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_temp%'
      AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p
                      WHERE p.datname = current_database() AND coalesce(p.relid, i.indrelid) = i.indrelid)
    ORDER BY 1
    """
)

# 18 knows constraints that are not enforced, on purpose: older servers have no such column.
CONSTRAINTS = text(
    """
    SELECT format('%I.%I', n.nspname, c.relname), quote_ident(k.conname)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT k.convalidated AND k.conparentid = 0 AND to_jsonb(k)->>'conenforced' IS DISTINCT FROM 'false'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1, 2
    """
)


@dataclass(frozen=True)
class Table:
    """`name` (None where the search path does not find it) and `plain_name` are the catalog's, the others quoted.

    `rights` are this login's, on the table or on some of its columns; `parts` are the oids of all that holds its rows.
    """

    name: str | None
    plain_name: str
    full_name: str
    schema: str
    ours: bool
    unlogged: bool
    enters: bool
    rights: list[str]
    parts: list[int]


@dataclass(frozen=True)
class LeftIndex:
    name: str
    of_reindex: bool


def named(connection: Connection, names: Sequence[str]) -> list[Table]:
    """Those of the names that exist, and handrail's own."""
    return [Table(*row) for row in connection.execute(TABLES, {"names": list(names)})]


def largest(connection: Connection, tables: Sequence[Table]) -> int | None:
    """Bytes of the largest, with its indexes; None where one is locked, for which nobody waits here."""
    pairs = [(number, part) for number, table in enumerate(tables) for part in table.parts]
    apart = connection.begin_nested()
    try:
        connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
        roots, parts = [root for root, _ in pairs], [part for _, part in pairs]
        return int(connection.execute(SIZES, {"roots": roots, "parts": parts}).scalar() or 0)
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            return None
        raise
    finally:
        if not connection.invalidated:
            apart.rollback()  # the setting and the locks go with it


def left_indexes(connection: Connection) -> list[LeftIndex]:
    return [LeftIndex(*row) for row in connection.execute(INDEXES)]


def unvalidated(connection: Connection) -> list[tuple[str, str]]:
    """Table and constraint, quoted, of those that old rows may break."""
    return [(table, name) for table, name in connection.execute(CONSTRAINTS)]
