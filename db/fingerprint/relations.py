"""Kinds of objects in a schema beyond the first ones: what a table, a sequence, a function or a type has besides.

Each query gives (kind, name, definition). A kind that has a usual state gives nothing in it. Only an expression that
holds columns is deparsed with a lock on its table; a bound holds none, so pg_get_expr is told of no table.
"""

from __future__ import annotations

from db.own import SCHEMAS_APART

# what came with an extension is told by the extension's version
RELATIONS = f"""
WITH ours AS (
    SELECT oid, nspname, nspowner FROM pg_namespace WHERE {SCHEMAS_APART}
), relation AS (
    SELECT c.*, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
    FROM pg_class c JOIN ours n ON n.oid = c.relnamespace
), pair AS (
    SELECT indexrelid, indrelid, indisclustered, indisreplident, quote_ident(c.relname) AS name
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE indisclustered OR indisreplident
)
SELECT 'owner of schema', quote_ident(nspname), pg_get_userbyid(nspowner)::text FROM ours
UNION ALL
SELECT 'partitioning of', r.name, concat_ws(' ', p.partstrat, (
       SELECT string_agg(concat_ws(' ', coalesce(quote_ident(a.attname), 'expression'), o.opcname,
                                   nullif(part.collation_, 0)::regcollation), ', ' ORDER BY place)
       FROM ROWS FROM (unnest(p.partattrs::int2[]), unnest(p.partclass::oid[]), unnest(p.partcollation::oid[]))
            WITH ORDINALITY AS part (number, class, collation_, place)
            JOIN pg_opclass o ON o.oid = part.class
            LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = part.number AND part.number > 0),
       CASE WHEN p.partexprs IS NOT NULL THEN pg_get_expr(p.partexprs, r.oid) END)
FROM relation r JOIN pg_partitioned_table p ON p.partrelid = r.oid
UNION ALL
SELECT 'inheritance of', r.name, concat_ws(' ',
       (SELECT string_agg(concat_ws(' ', p.relnamespace::regnamespace, quote_ident(p.relname), h.inhseqno,
                                    CASE WHEN h.inhdetachpending THEN 'detaching' END), ', ' ORDER BY h.inhseqno)
        FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent WHERE h.inhrelid = r.oid),
       pg_get_expr(r.relpartbound, 0))
FROM relation r WHERE EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = r.oid)
UNION ALL
SELECT 'replica identity of', r.name, concat_ws(' ', relreplident, (SELECT name FROM pair
       WHERE indrelid = r.oid AND indisreplident))
FROM relation r WHERE relkind IN ('r', 'p', 'm') AND relreplident <> 'd'
UNION ALL
SELECT 'placement of', r.name, placed.so
FROM relation r LEFT JOIN pg_class toast ON toast.oid = r.reltoastrelid
     LEFT JOIN pg_am am ON am.oid = r.relam AND r.relkind IN ('r', 'p', 'm')
     LEFT JOIN pg_tablespace place ON place.oid = r.reltablespace
     CROSS JOIN LATERAL (SELECT concat_ws(' ',
       'in ' || quote_ident(place.spcname), 'as ' || nullif(am.amname, 'heap'), 'toast ' || toast.reloptions::text,
       'of ' || nullif(r.reloftype, 0)::regtype, CASE WHEN NOT r.relispopulated THEN 'not populated' END,
       (SELECT 'clustered on ' || name FROM pair WHERE indrelid = r.oid AND indisclustered))) AS placed (so)
WHERE r.relkind IN ('r', 'p', 'm', 'i', 'I') AND placed.so <> ''
UNION ALL
SELECT 'storage of column', r.name || '.' || quote_ident(a.attname), concat_ws(' ', a.attstorage,
       nullif(a.attcompression, ''), CASE WHEN a.attcollation <> t.typcollation THEN (
           SELECT 'collation ' || k.collnamespace::regnamespace || '.' || quote_ident(k.collname)
           FROM pg_collation k WHERE k.oid = a.attcollation) END,
       'statistics ' || nullif(coalesce(a.attstattarget, -1), -1), a.attoptions::text, a.attfdwoptions::text)
FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
     JOIN pg_type t ON t.oid = a.atttypid
WHERE r.relkind IN ('r', 'p', 'm', 'f', 'i', 'I')
  AND (coalesce(a.attstattarget, -1) <> -1 OR a.attoptions IS NOT NULL OR a.attfdwoptions IS NOT NULL
       OR r.relkind IN ('r', 'p', 'm', 'f')
          AND (a.attstorage <> t.typstorage OR a.attcompression <> '' OR a.attcollation <> t.typcollation))
UNION ALL
SELECT 'enforcement of', r.name || '.' || quote_ident(k.conname),
       string_agg(concat_ws(' ', t.tgrelid::regclass, t.tgtype, t.tgenabled), ', '
                  ORDER BY t.tgrelid::regclass::text, t.tgtype)
FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint JOIN relation r ON r.oid = k.conrelid
WHERE t.tgisinternal GROUP BY r.name, k.oid, k.conname HAVING bool_or(t.tgenabled <> 'O')
UNION ALL
SELECT 'state of rule', r.name || '.' || quote_ident(w.rulename), w.ev_enabled::text
FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class WHERE w.ev_enabled <> 'O'
UNION ALL
SELECT 'options of sequence', r.name, concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement,
       s.seqmax, s.seqmin, s.seqcache, s.seqcycle, (
           SELECT 'owned by ' || c.relnamespace::regnamespace || '.' || quote_ident(c.relname) || '.'
                  || quote_ident(a.attname)
           FROM pg_depend d JOIN pg_class c ON c.oid = d.refobjid
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
           WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
             AND d.deptype IN ('a', 'i')))
FROM pg_sequence s JOIN relation r ON r.oid = s.seqrelid
UNION ALL
SELECT 'statistics', quote_ident(n.nspname) || '.' || quote_ident(s.stxname), concat_ws(' ',
       s.stxrelid::regclass, s.stxkind::text, (
           SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
           WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys)),
       CASE WHEN s.stxexprs IS NOT NULL THEN pg_get_expr(s.stxexprs, s.stxrelid) END,
       pg_get_userbyid(s.stxowner), nullif(coalesce(s.stxstattarget, -1), -1))
FROM pg_statistic_ext s JOIN ours n ON n.oid = s.stxnamespace
"""

ROUTINES = f"""
WITH ours AS (
    SELECT oid, nspname FROM pg_namespace WHERE {SCHEMAS_APART}
), member AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), routine AS (
    SELECT p.*, quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '('
           || pg_get_function_identity_arguments(p.oid) || ')' AS name
    FROM pg_proc p JOIN ours n ON n.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM member WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
), kind AS (
    SELECT t.*, quote_ident(n.nspname) || '.' || quote_ident(t.typname) AS name
    FROM pg_type t JOIN ours n ON n.oid = t.typnamespace
    WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND EXISTS (
           SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
      AND NOT EXISTS (SELECT FROM member WHERE classid = 'pg_type'::regclass AND objid = t.oid)
)
SELECT 'owner of function', name, pg_get_userbyid(proowner)::text FROM routine
UNION ALL
SELECT 'aggregate', r.name, concat_ws(' ', aggkind, aggnumdirectargs, aggtransfn, aggfinalfn, aggcombinefn,
       aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn, aggmfinalfn, aggfinalextra, aggmfinalextra,
       aggfinalmodify, aggmfinalmodify, nullif(aggsortop, 0)::regoperator, format_type(aggtranstype, NULL),
       aggtransspace, CASE WHEN aggmtranstype <> 0 THEN format_type(aggmtranstype, NULL) END, aggmtransspace,
       'from ' || quote_nullable(agginitval), 'and ' || quote_nullable(aggminitval), r.proparallel,
       format_type(r.prorettype, NULL))
FROM pg_aggregate a JOIN routine r ON r.oid = a.aggfnoid
UNION ALL
SELECT 'owner of type', name, concat_ws(' ', pg_get_userbyid(typowner), typacl::text) FROM kind
UNION ALL
SELECT 'domain', t.name, concat_ws(' ', CASE WHEN typnotnull THEN 'not null' END,
       'default ' || coalesce(pg_get_expr(typdefaultbin, 0), typdefault), 'collation ' || (
           SELECT k.collnamespace::regnamespace || '.' || quote_ident(k.collname)
           FROM pg_collation k WHERE k.oid = t.typcollation))
FROM kind t WHERE typtype = 'd'
UNION ALL
SELECT 'check of domain', t.name || '.' || quote_ident(k.conname),
       concat_ws(' ', pg_get_constraintdef(k.oid), CASE WHEN NOT k.convalidated THEN 'not validated' END)
FROM pg_constraint k JOIN kind t ON t.oid = k.contypid AND k.conrelid = 0
UNION ALL
SELECT 'attributes of type', t.name, (SELECT string_agg(concat_ws(' ', quote_ident(a.attname),
       format_type(a.atttypid, a.atttypmod), nullif(a.attcollation, 0)::regcollation), ', ' ORDER BY a.attnum)
       FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
FROM kind t WHERE typtype = 'c'
UNION ALL
SELECT 'range of type', t.name, concat_ws(' ', format_type(g.rngsubtype, NULL), nullif(g.rngcollation, 0)::regcollation,
       (SELECT o.opcname FROM pg_opclass o WHERE o.oid = g.rngsubopc), g.rngcanonical, g.rngsubdiff,
       format_type(g.rngmultitypid, NULL))
FROM pg_range g JOIN kind t ON t.oid = g.rngtypid
UNION ALL
SELECT 'operator', quote_ident(n.nspname) || '.' || o.oprname || '(' || format_type(o.oprleft, NULL) || ', '
       || format_type(o.oprright, NULL) || ')',
       concat_ws(' ', pg_get_userbyid(o.oprowner), o.oprcode, format_type(o.oprresult, NULL),
                 nullif(o.oprcom, 0)::regoperator, nullif(o.oprnegate, 0)::regoperator, o.oprrest, o.oprjoin,
                 o.oprcanmerge, o.oprcanhash)
FROM pg_operator o JOIN ours n ON n.oid = o.oprnamespace
WHERE NOT EXISTS (SELECT FROM member WHERE classid = 'pg_operator'::regclass AND objid = o.oid)
UNION ALL
SELECT 'collation', quote_ident(n.nspname) || '.' || quote_ident(k.collname),
       (to_jsonb(k) - ARRAY['oid', 'collnamespace', 'collowner'])::text || ' ' || pg_get_userbyid(k.collowner)
FROM pg_collation k JOIN ours n ON n.oid = k.collnamespace
"""
KINDS = frozenset(
    {
        "owner of schema", "partitioning of", "inheritance of", "replica identity of", "placement of",
        "storage of column", "enforcement of", "state of rule", "options of sequence", "statistics",
        "owner of function", "aggregate", "owner of type", "domain", "check of domain", "attributes of type",
        "range of type", "operator", "collation",
    }
)  # fmt: skip
