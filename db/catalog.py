"""The objects of a database as its catalogs hold them, row by row: for telling whether somebody has changed one.

Unlike the fingerprint nothing is deparsed, so no lock is taken on anything, and an object that is dropped meanwhile
does no harm. The digests hold object numbers: they compare one database with itself, not with another.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from db.fingerprint import digest
from db.own import POLICIES_APART, RELATION_RIGHTS, SCHEMA_RIGHTS, SCHEMAS_APART, TRIGGERS_APART

ROWS = f"""
WITH ours AS (
    SELECT oid, nspname, {SCHEMA_RIGHTS} AS nspacl
    FROM pg_namespace
    WHERE {SCHEMAS_APART}
), relation AS (
    SELECT c.*, n.nspname || '.' || c.relname AS name FROM pg_class c JOIN ours n ON n.oid = c.relnamespace
)
SELECT 'schema ' || nspname AS name, coalesce(nspacl, '') AS held FROM ours
UNION ALL
SELECT CASE relkind WHEN 'i' THEN 'index ' WHEN 'I' THEN 'index ' WHEN 'v' THEN 'view ' WHEN 'S' THEN 'sequence '
                    WHEN 'm' THEN 'materialized view ' WHEN 'c' THEN 'type ' ELSE 'table ' END || name,
       concat_ws(' ', oid, relkind, relpersistence, relowner, {RELATION_RIGHTS}, reloptions,
                 relrowsecurity, relforcerowsecurity,
                 relreplident, reltablespace, relispartition, relpartbound,
                 (SELECT concat_ws(' ', i.indrelid, i.indkey, i.indclass, i.indcollation, i.indoption, i.indexprs,
                                   i.indpred, i.indisunique, i.indisvalid, i.indisready, i.indisclustered,
                                   i.indisreplident)
                  FROM pg_index i WHERE i.indexrelid = relation.oid),
                 (SELECT concat_ws(' ', s.seqtypid, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache,
                                   s.seqcycle)
                  FROM pg_sequence s WHERE s.seqrelid = relation.oid),
                 (SELECT string_agg(concat_ws(' ', h.inhparent, h.inhseqno), ',' ORDER BY h.inhparent)
                  FROM pg_inherits h WHERE h.inhrelid = relation.oid))
FROM relation
UNION ALL
SELECT 'column ' || r.name || '.' || a.attname,
       concat_ws(' ', a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, a.attcollation,
                 a.attstorage, a.attacl, a.attoptions, d.adbin)
FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind NOT IN ('i', 'I')
UNION ALL
SELECT 'constraint ' || coalesce(r.name, n.nspname || '.' || t.typname) || '.' || k.conname,
       concat_ws(' ', k.contype, k.conkey, k.confrelid, k.confkey, k.confupdtype, k.confdeltype, k.conbin,
                 k.convalidated, k.condeferrable, k.condeferred,
                 (SELECT string_agg(t.tgenabled::text, '' ORDER BY t.oid) FROM pg_trigger t
                  WHERE t.tgconstraint = k.oid))
FROM pg_constraint k LEFT JOIN relation r ON r.oid = k.conrelid
     LEFT JOIN pg_type t ON t.oid = k.contypid AND k.conrelid = 0 LEFT JOIN ours n ON n.oid = t.typnamespace
WHERE coalesce(r.oid, n.oid) IS NOT NULL
UNION ALL
SELECT 'trigger ' || r.name || '.' || t.tgname,
       concat_ws(' ', t.tgfoid, t.tgtype, t.tgenabled, t.tgqual, t.tgattr, encode(t.tgargs, 'hex'))
FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal AND {TRIGGERS_APART}
UNION ALL
SELECT 'rule ' || r.name || '.' || w.rulename, concat_ws(' ', w.ev_type, w.ev_enabled, w.ev_qual, w.ev_action)
FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class
UNION ALL
SELECT 'policy ' || r.name || '.' || p.polname,
       concat_ws(' ', p.polcmd, p.polpermissive, p.polroles, p.polqual, p.polwithcheck)
FROM pg_policy p JOIN relation r ON r.oid = p.polrelid WHERE {POLICIES_APART}
UNION ALL
SELECT 'function ' || n.nspname || '.' || p.proname || '(' || p.proargtypes::text || ')', p::text
FROM pg_proc p JOIN ours n ON n.oid = p.pronamespace
UNION ALL
SELECT 'type ' || n.nspname || '.' || t.typname,
       concat_ws(' ', t.typtype, t.typowner, t.typacl, t.typnotnull, t.typdefault, t.typbasetype, t.typtypmod,
                 (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
FROM pg_type t JOIN ours n ON n.oid = t.typnamespace WHERE t.typtype IN ('e', 'd', 'r', 'm')
"""


def objects(connection: Connection) -> dict[str, str]:
    """Each object's name, and the digest of its catalog rows."""
    return {name: digest(held) for name, held in connection.execute(text(ROWS))}
