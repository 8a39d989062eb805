"""The kinds of objects that every fingerprint holds, those of old journals included.

A definition here never changes: its digests lie in journals, and a run is compared with them when it is taken back.
What is seen besides is a kind of its own, in relations.py and surroundings.py.
"""

from __future__ import annotations

from db.own import POLICIES_APART, RELATION_RIGHTS, SCHEMA_RIGHTS, SCHEMAS_APART, TRIGGERS_APART

KINDS = frozenset(
    {
        "schema", "table", "view", "materialized view", "sequence", "column", "index", "constraint", "trigger", "rule",
        "policy", "function", "type",
    }
)  # fmt: skip

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
