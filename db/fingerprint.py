"""What a database looks like: every object of its schemas, and its content by count and hash.

Two fingerprints are equal exactly when the catalogs say the same, INVALID indexes and FORCE flags included, which
pg_dump leaves out (F50). Content is summed, not xored, since xor lets pairs cancel (F51). Sequences' positions are
left out: they never go back (FM-H6). So is what the search index puts on a table: it follows the target.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from psycopg.sql import Identifier
from sqlalchemy import Connection, text

from db.own import POLICIES_APART, RELATION_RIGHTS, SCHEMA_RIGHTS, SCHEMAS_APART, TRIGGERS_APART

OBJECTS = f"""
WITH ours AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE {SCHEMAS_APART}
), relation AS (
    SELECT c.*, n.nspname FROM pg_class c JOIN ours n ON n.oid = c.relnamespace
)
SELECT 'schema ' || nspname, coalesce((SELECT {SCHEMA_RIGHTS}
    FROM pg_namespace p WHERE p.oid = ours.oid), '') FROM ours
UNION ALL
SELECT CASE relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence '
                    ELSE 'table ' END || nspname || '.' || relname,
       concat_ws(' ', relkind, relpersistence, pg_get_userbyid(relowner), {RELATION_RIGHTS}, reloptions::text,
                 CASE WHEN relrowsecurity THEN 'row security' END,
                 CASE WHEN relforcerowsecurity THEN 'forced' END,
                 CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END, obj_description(oid, 'pg_class'))
FROM relation WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
UNION ALL
SELECT 'column ' || r.nspname || '.' || r.relname || '.' || a.attname,
       concat_ws(' ', row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum),
                 format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
                 a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), a.attacl::text,
                 col_description(a.attrelid, a.attnum))
FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT 'index ' || r.nspname || '.' || r.relname,
       concat_ws(' ', pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indisvalid THEN 'INVALID' END,
                 CASE WHEN NOT i.indisready THEN 'not ready' END)
FROM pg_index i JOIN relation r ON r.oid = i.indexrelid
UNION ALL
SELECT 'constraint ' || r.nspname || '.' || r.relname || '.' || k.conname,
       concat_ws(' ', pg_get_constraintdef(k.oid), CASE WHEN NOT k.convalidated THEN 'not validated' END)
FROM pg_constraint k JOIN relation r ON r.oid = k.conrelid
UNION ALL
SELECT 'trigger ' || r.nspname || '.' || r.relname || '.' || t.tgname,
       pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal AND {TRIGGERS_APART}
UNION ALL
SELECT 'rule ' || r.nspname || '.' || r.relname || '.' || w.rulename, pg_get_ruledef(w.oid)
FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
UNION ALL
SELECT 'policy ' || r.nspname || '.' || r.relname || '.' || p.polname,
       concat_ws(' ', p.polcmd, CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
                 (SELECT string_agg(CASE WHEN o = 0 THEN 'public' ELSE pg_get_userbyid(o) END, ',' ORDER BY o)
                  FROM unnest(p.polroles) o),
                 pg_get_expr(p.polqual, p.polrelid), '|', pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN relation r ON r.oid = p.polrelid WHERE {POLICIES_APART}
UNION ALL
SELECT 'function ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
       concat_ws(' ', CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) ELSE p.prokind::text END,
                 p.proacl::text, obj_description(p.oid, 'pg_proc'))
FROM pg_proc p JOIN ours n ON n.oid = p.pronamespace
UNION ALL
SELECT 'type ' || n.nspname || '.' || t.typname,
       concat_ws(' ', t.typtype, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder)
                                  FROM pg_enum e WHERE e.enumtypid = t.oid),
                 CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END)
FROM pg_type t JOIN ours n ON n.oid = t.typnamespace
WHERE t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND EXISTS (
      SELECT 1 FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
"""

TABLES = """
SELECT n.nspname, c.relname,
       NOT EXISTS (SELECT 1 FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                     AND t.typname IN ('json', 'xml', 'point', 'box', 'vector', 'tsvector', 'tsquery', 'halfvec',
                                       'sparsevec', 'line', 'lseg', 'path', 'polygon', 'circle'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('handrail', 'handrail_search') AND n.nspname <> 'information_schema'
  AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Fingerprint:
    """`objects` maps an object's name to the digest of its definition, `content` a table to [rows, hash]."""

    objects: dict[str, str]
    content: dict[str, list[Any]]

    @property
    def digest(self) -> str:
        return digest(json.dumps(self.objects, sort_keys=True))

    def stored(self) -> dict[str, Any]:
        return {"objects": self.objects, "content": self.content}

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> Fingerprint:
        return cls(stored["objects"], stored["content"])


def take(connection: Connection, *, content: bool = True) -> Fingerprint:
    """The fingerprint of the whole database but handrail's own schema, in the transaction of `connection`."""
    objects = {name: digest(definition) for name, definition in connection.execute(text(OBJECTS))}
    return Fingerprint(objects, tables(connection) if content else {})


def tables(connection: Connection) -> dict[str, list[Any]]:
    """[rows, hash] of each table; the hash does not depend on the order of rows."""
    return {
        f"{schema}.{table}": summed(connection, schema, table, quick=quick)
        for schema, table, quick in list(connection.execute(text(TABLES)))
    }


def summed(connection: Connection, schema: str, table: str, *, quick: bool) -> list[Any]:
    # hash_record_extended ignores the session's text settings and is ten times faster, but some types lack it (F52)
    # ROW(t.*) and not t, which a column of that name would hide
    one = "hash_record_extended(ROW(t.*), 0)" if quick else "hashtextextended(ROW(t.*)::text, 0)"
    summing = f"SELECT count(*), coalesce(sum({one}::numeric), 0)::text FROM {Identifier(schema, table).as_string()} t"
    # sent as it is: a name with : or % in it would hold a parameter for text()
    return list(connection.exec_driver_sql(summing, execution_options={"no_parameters": True}).one())


def differences(before: Fingerprint, after: Fingerprint) -> list[str]:
    """Each object that is new, gone or changed, by name; empty means equal."""
    return [
        *(f"new: {name}" for name in sorted(after.objects.keys() - before.objects.keys())),
        *(f"gone: {name}" for name in sorted(before.objects.keys() - after.objects.keys())),
        *(
            f"changed: {name}"
            for name in sorted(before.objects.keys() & after.objects.keys())
            if before.objects[name] != after.objects[name]
        ),
    ]


def content_differences(before: Fingerprint, after: Fingerprint) -> dict[str, list[int]]:
    """[rows before, rows after] of each table whose content is not the same."""
    return {
        table: [before.content[table][0], after.content[table][0]]
        for table in sorted(before.content.keys() & after.content.keys())
        if before.content[table] != after.content[table]
    }


def digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:16]
