"""What is shown of a client beside the search: its fields, its records, and tables found by their foreign key."""

from __future__ import annotations

import psycopg

from console.engine.clients import following
from console.engine.clients.described import Description, Mask, Part

MOST = 40

COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
# tables whose one-column foreign key leads to a source
RELATED = """
SELECT n.nspname || '.' || c.relname, a.attname
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND strpos(n.nspname, '.') = 0
  AND n.nspname NOT IN ('handrail', 'handrail_search')
  AND k.conparentid = 0 AND EXISTS (
      SELECT FROM unnest(%s::text[], %s::text[]) AS source (name, key) JOIN pg_catalog.pg_attribute i
      ON i.attrelid = to_regclass(source.name) AND i.attname = source.key
      WHERE k.confrelid = i.attrelid AND k.confkey[1] = i.attnum)
ORDER BY 1, 2
"""
PLAIN_TYPES = ("uuid", "boolean", "date", "integer", "bigint", "smallint", "numeric", "real", "double precision",
               "timestamp", "time")  # fmt: skip


def describe(connection: psycopg.Connection, described: Description, sources: dict[str, str]) -> list[str]:
    """Fields and parts; the tables of the parts that are no sources."""
    for position, one in enumerate(described.field, 1):
        connection.execute(
            "INSERT INTO handrail_search.field VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (position, one.name, one.title, one.code, one.kind, one.anywhere, one.masked, one.history),
        )
    related = list[str]()
    parts = [(one.part, True) for one in described.source if one.table in sources]
    parts += [(one, False) for one in described.part]
    named = {part.table for part, _ in parts}
    keys = [one.id for name in sources for one in described.source if one.table == name]
    for name, key in connection.execute(RELATED, ([quoted(name) for name in sources], keys)).fetchall():
        if name not in named and len(parts) < MOST:
            named.add(name)
            parts.append((_found(connection, name, key), False))
    for position, (part, is_source) in enumerate(parts, 1):
        columns: dict[str, str] = dict(connection.execute(COLUMNS, (quoted(part.table),)).fetchall())
        if part.key not in columns:
            continue  # not there yet, or any more
        shown = [column for column in part.shows if column in columns]
        masks = [part.masks.get(column, "") for column in shown]
        newest = part.newest if part.newest in columns else None
        connection.execute(
            "INSERT INTO handrail_search.part"
            " VALUES (%s, %s, format('%%I.%%I', %s::text, %s::text), %s, %s, %s, %s, %s, %s)",
            (position, part.title, *part.table.split(".", 1), part.key, columns[part.key], shown, masks, newest,
             is_source),
        )  # fmt: skip
        if not is_source:
            related.append(part.table)
    return related


def quoted(name: str) -> str:
    return following.table(name).as_string()


def _found(connection: psycopg.Connection, name: str, key: str) -> Part:
    """A table that no description names: what may hold text about a person is masked."""
    columns: list[tuple[str, str]] = connection.execute(COLUMNS, (quoted(name),)).fetchall()
    masks: dict[str, Mask] = {column: "text" for column, kind in columns if not kind.startswith(PLAIN_TYPES)}
    title = name.split(".")[1].replace("_", " ").capitalize()[:40]
    # a name that a description could not say is left alone
    return Part.model_construct(
        title=title, table=name, key=key, shows=tuple(c for c, _ in columns[:12]), masks=masks, newest=None
    )
